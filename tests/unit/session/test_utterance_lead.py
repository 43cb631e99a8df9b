"""What a window hears again after a cut, and how that is told from what is new."""

from __future__ import annotations

import pytest
from sori_server.domain.events import FinalReason
from sori_server.session.text import Token
from sori_server.session.utterance import LEAD, Ending, Lead
from support.session_streams import SECOND

pytestmark = pytest.mark.unit

WORD = SECOND // 2


def said(text: str, *, first: int = 0, off: int = 0) -> list[Token]:
    """Words of half a second, placed `off` samples too late."""
    return [
        Token(f" {word}", word, first + i * WORD + off, first + (i + 1) * WORD + off, 0.9)
        for i, word in enumerate(text.split())
    ]


def untimed(text: str) -> list[Token]:
    return [token.untimed() for token in said(text)]


def lead(text: str) -> Lead:
    tokens = said(text)
    return Lead(tokens, 0, len(tokens) * WORD)


@pytest.mark.parametrize(
    ("before", "heard", "count"),
    [
        ("a b c", "a b c d e", 3),
        ("a b c", "a b c", 3),
        ("a b c", "x b c d e", 3),
        ("a b c", "a x c d e", 3),
        ("a b c", "a b x d e", 3),
        ("a b c", "x y z d e", 3),
        ("a b c", "", 0),
        ("a", "a b", 1),
        ("a", "x b", 1),
        ("a a a", "a a a a a", 3),
        ("a a a", "x a a a a", 3),
        ("b b a b", "b x a b a b a a", 4),
    ],
)
def test_a_lead_is_known_again(before: str, heard: str, count: int) -> None:
    assert lead(before).said_by(said(heard)) == count


@pytest.mark.parametrize("off", [-SECOND // 4, SECOND // 5, 2 * SECOND // 5])
@pytest.mark.parametrize(
    ("before", "heard"), [("a b c", "a b c d e"), ("a b c", "x b c d e"), ("a a b", "a a b a a")]
)
def test_the_text_of_a_lead_counts_more_than_its_places(before: str, heard: str, off: int) -> None:
    tokens = said(before, first=SECOND)
    known = Lead(tokens, SECOND, SECOND + len(tokens) * WORD)
    assert known.said_by(said(heard, first=SECOND, off=off)) == len(tokens)


def test_the_end_of_a_lead_may_be_heard_without_its_beginning() -> None:
    assert lead("a b c").said_by(said("b c d e", first=WORD)) == 2


def test_a_lead_that_is_not_heard_at_all_leaves_everything() -> None:
    assert lead("a b c").said_by(said("d e f", first=3 * WORD)) == 0


@pytest.mark.parametrize("count", [0, 1, 2])
def test_the_end_of_a_lead_that_is_not_heard_costs_no_short_word_after_it(count: int) -> None:
    """What follows ends near the end of the lead, as a word more of it would."""
    end = 3 * WORD
    after = [
        Token(" the", "the", end, end + SECOND // 5, 0.9),
        Token(" quick", "quick", end + SECOND // 5, end + SECOND // 2, 0.9),
    ]
    assert lead("a b c").said_by([*said("a b c")[:count], *after]) == count


def test_the_last_word_of_a_lead_is_known_though_it_is_placed_late() -> None:
    late = [*said("a x"), Token(" c", "c", 3 * WORD, 3 * WORD, 0.9)]
    assert lead("a b c").said_by([*late, *said("d", first=3 * WORD)]) == 3


@pytest.mark.parametrize(("heard", "count"), [("a b c d", 3), ("b c d", 2), ("d e", 0)])
def test_without_places_the_text_tells(heard: str, count: int) -> None:
    assert lead("a b c").said_by(untimed(heard)) == count


def test_no_lead_is_known_in_anything() -> None:
    assert Lead((), 0, 0).said_by(said("a b")) == 0


# ------------------------------------------------------------- what is led with


def ending(position: int, room_from: int) -> Ending:
    return Ending(position, FinalReason.CHUNK, overlap=0, room_from=room_from)


def test_a_lead_is_a_second_of_whole_words() -> None:
    tokens = said("a b c d e f")
    found = Lead.of(tokens, 0, ending(3 * SECOND, 3 * SECOND))
    assert [t.key for t in found.tokens] == ["e", "f"]
    assert (found.window_start, found.end) == (3 * SECOND - LEAD, 3 * SECOND)


def test_a_lead_is_all_of_the_window_there_is_room_for() -> None:
    tokens = said("a b c d e f")
    assert Lead.of(tokens, 0, ending(3 * SECOND, 0)).tokens == tokens
    found = Lead.of(tokens, 0, ending(3 * SECOND, SECOND))
    assert [t.key for t in found.tokens] == ["c", "d", "e", "f"]
    assert found.window_start == SECOND


def test_a_lead_of_a_short_window_is_the_window() -> None:
    tokens = said("a", first=SECOND)
    found = Lead.of(tokens, SECOND, ending(round(1.5 * SECOND), 2 * SECOND))
    assert (found.tokens, found.window_start) == (tokens, SECOND)


def test_without_words_to_lead_with_the_next_window_starts_at_the_cut() -> None:
    found = Lead.of(said("a"), 0, ending(5 * SECOND, 5 * SECOND))
    assert (found.tokens, found.window_start, found.end) == ((), 5 * SECOND, 5 * SECOND)


@pytest.mark.parametrize(
    ("second", "start"), [(4.0, 3.5), (3.6, 3.5), (3.5, 3.5)], ids=["long", "short", "none"]
)
def test_a_lead_starts_in_the_pause_before_it_where_there_is_room(
    second: float, start: float
) -> None:
    tokens = [*said("a"), *said("b", first=round(second * SECOND))]
    found = Lead.of(tokens, 0, ending(round(4.5 * SECOND), 5 * SECOND))
    assert [t.key for t in found.tokens] == ["b"]
    assert found.window_start == start * SECOND


def test_a_lead_starts_half_way_between_its_first_word_and_the_one_before() -> None:
    tokens = [*said("a", first=round(3.2 * SECOND)), *said("b", first=round(3.9 * SECOND))]
    found = Lead.of(tokens, 0, ending(round(4.5 * SECOND), 5 * SECOND))
    assert [t.key for t in found.tokens] == ["b"]
    assert found.window_start == round(3.8 * SECOND)
