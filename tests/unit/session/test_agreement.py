"""What is committed, and where the window may move to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sori_server.session.agreement import Agreement
from sori_server.session.text import Token, join, tokenize
from sori_server.session.windowing import HOLD_BACK

pytestmark = pytest.mark.unit

NEWEST = "".join(f" new{i}" for i in range(HOLD_BACK))
"""As many words as are held back."""


def read(text: str) -> list[Token]:
    return tokenize(text, "en")


def timed(*words: tuple[str, int]) -> list[Token]:
    """Words of 80 samples that start where told."""
    return [Token(f" {text}", text, start, start + 80, 0.9) for text, start in words]


def said(text: str, *, first: int = 0) -> list[Token]:
    """The words of `text` in places 100 samples apart."""
    return timed(*((word, first + 100 * i) for i, word in enumerate(text.split())))


def heard(*texts: str) -> Agreement:
    agreement = Agreement()
    for i, text in enumerate(texts, start=1):
        agreement.receive(read(text), 1000 * i)
    return agreement


def test_two_hypotheses_commit_what_they_agree_on() -> None:
    agreement = heard("one two", "one two" + NEWEST)
    assert join(agreement.committed) == " one two"
    assert join(agreement.tentative) == NEWEST


def test_a_hypothesis_the_model_is_not_sure_of_commits_nothing_but_is_shown() -> None:
    agreement = heard("one two")
    agreement.receive(read("one two" + NEWEST), 2000, sure=False)
    assert join(agreement.committed) == ""
    assert join(agreement.tentative) == " one two" + NEWEST
    agreement.receive(read("one two" + NEWEST), 3000, sure=True)
    assert join(agreement.committed) == " one two"


def test_one_hypothesis_commits_nothing() -> None:
    agreement = heard("one two")
    assert join(agreement.committed) == ""
    assert join(agreement.tentative) == " one two"
    assert agreement.committed_end == 0


def test_the_newest_words_are_held_back_even_if_both_have_them() -> None:
    agreement = heard("one" + NEWEST, "one" + NEWEST)
    assert join(agreement.committed) == " one"
    assert join(agreement.tentative) == NEWEST
    assert not heard(NEWEST, NEWEST).committed


def test_one_word_beyond_those_held_back_commits_one_more() -> None:
    assert join(heard("one two" + NEWEST, "one" + NEWEST).committed) == " one"
    assert join(heard("one two" + NEWEST, "one two" + NEWEST).committed) == " one two"


def test_case_and_punctuation_make_no_difference_and_the_newest_are_kept() -> None:
    agreement = heard("one two three", "One, two. Three" + NEWEST)
    assert join(agreement.committed) == " One, two. Three"


def test_words_after_a_difference_are_not_committed() -> None:
    agreement = heard("one x three" + NEWEST, "one two three" + NEWEST)
    assert join(agreement.committed) == " one"


def test_committed_words_stay_when_later_hypotheses_lack_or_change_them() -> None:
    agreement = heard("one two three", "one two three" + NEWEST, "", "ten two four five")
    assert join(agreement.committed) == " one two three"
    assert join(agreement.tentative) == " four five"


def test_committed_words_were_all_heard_by_the_earlier_of_two_hypotheses() -> None:
    agreement = heard("one two", "one two" + NEWEST)
    assert agreement.committed_end == 1000
    agreement.receive(read("one two four" + NEWEST), 3000)
    assert agreement.committed_end == 1000
    agreement.receive(read("one two four" + NEWEST), 4000)
    assert join(agreement.committed) == " one two four"
    assert agreement.committed_end == 3000


def test_the_final_adds_to_the_committed_words() -> None:
    agreement = heard("one two three", "one two three" + NEWEST)
    assert join(agreement.finish(read("One to three four five"))) == " one two three four five"


def test_a_wrong_committed_word_does_not_swallow_the_one_the_final_has_there() -> None:
    agreement = heard("one two", "one two" + NEWEST)
    assert join(agreement.finish(read("one eight"))) == " one two eight"
    assert join(agreement.finish(read("one eight nine"))) == " one two eight nine"


def test_without_a_final_hypothesis_the_committed_words_are_left() -> None:
    assert join(heard("one two", "one two" + NEWEST).finish([])) == " one two"


def test_committed_words_take_the_times_of_the_final() -> None:
    agreement = heard("one two", "one two" + NEWEST)
    assert len(agreement.committed) == 2
    final = agreement.finish(said("one two three"))
    assert [(t.start, t.end) for t in final] == [(0, 80), (100, 180), (200, 280)]


def test_a_word_read_as_two_takes_the_times_of_both() -> None:
    agreement = heard("one everyone three", "one everyone three" + NEWEST)
    final = agreement.finish(said("one every one three four"))
    assert [(t.text, t.start, t.end) for t in final][:3] == [
        (" one", 0, 80),
        (" everyone", 100, 280),
        (" three", 300, 380),
    ]


def test_a_committed_word_the_final_lacks_loses_its_old_times() -> None:
    agreement = Agreement()
    agreement.receive(said("one two three"), 500)
    agreement.receive(said("one two three" + NEWEST), 700)
    final = agreement.finish(said("one three", first=300))
    assert [(t.text, t.start) for t in final] == [(" one", 300), (" two", None), (" three", 400)]
    assert [t.start for t in agreement.finish([])] == [300, 100, 400]


def test_the_border_is_between_committed_words_and_two_of_them_stay() -> None:
    agreement = Agreement()
    agreement.receive(said("a b c d e"), 500)
    agreement.receive(said("a b c d e" + NEWEST), 700)
    assert join(agreement.committed) == " a b c d e"
    assert agreement.border == (280 + 300) // 2
    assert join(agreement.seal()) == " a b c"
    assert join(agreement.committed) == " d e"
    assert agreement.border is None


def test_words_after_the_border_are_lined_up_with_those_that_stayed() -> None:
    agreement = Agreement()
    agreement.receive(said("a b c d e"), 500)
    agreement.receive(said("a b c d e f" + NEWEST), 800)
    agreement.seal()
    agreement.receive(said("d e f" + NEWEST, first=300), 800)
    assert join(agreement.committed) == " d e f"
    assert join(agreement.finish(read("x d e f g h"))) == " d e f g h"


def test_there_is_no_border_without_times_or_with_few_words() -> None:
    untimed = heard("a b c d e", "a b c d e" + NEWEST)
    assert join(untimed.committed) == " a b c d e"
    assert untimed.border is None
    agreement = Agreement()
    agreement.receive(said("a b" + NEWEST), 400)
    agreement.receive(said("a b" + NEWEST), 500)
    assert join(agreement.committed) == " a b"
    assert agreement.border is None


def test_one_hypothesis_with_times_is_not_enough_for_a_border() -> None:
    agreement = heard("a b c d e", "a b c d e" + NEWEST)
    agreement.receive(said("a b c d e" + NEWEST), 3000)
    assert agreement.border is None
    agreement.receive(said("a b c d e" + NEWEST), 4000)
    assert agreement.border == 290


def test_repeated_words_in_other_places_make_no_border() -> None:
    """One early word is missing: by the text alone the border would move across a word."""
    agreement = Agreement()
    more = 9 + HOLD_BACK
    agreement.receive(said("zero " * 8), 800)
    agreement.receive(said("zero " * (more - 1)), 1000)
    assert len(agreement.committed) == 8
    assert agreement.border == 590
    places = [start for start in range(0, 100 * more, 100) if start != 200]
    agreement.receive(timed(*(("zero", start) for start in places)), 1100)
    assert agreement.border is None
    agreement.receive(said("zero " * more), 1100)
    assert agreement.border is None
    agreement.receive(said("zero " * more), 1100)
    assert join(agreement.committed).split() == ["zero"] * 9
    assert agreement.border == 690


def test_a_word_too_many_before_the_border_makes_none_inside_another_word() -> None:
    agreement = Agreement()
    agreement.receive(said("a b c d e"), 500)
    agreement.receive(said("a b c d e" + NEWEST), 700)
    assert agreement.border == 290
    split = timed(("a", 0), ("b", 100), ("x", 200), ("y", 240), ("d", 300), ("e", 400))
    agreement.receive([*split, *said(NEWEST, first=500)], 700)
    assert agreement.border is None
    assert join(agreement.committed) == " a b c d e"


WORDS = st.lists(st.sampled_from(["zero", "one"]), max_size=12)


@given(WORDS, st.lists(st.tuples(st.integers(0, 12), st.integers(0, 3)), max_size=8))
def test_true_words_with_unstable_ends_commit_true_words_only(
    truth: list[str], hypotheses: list[tuple[int, int]]
) -> None:
    agreement = Agreement()
    before = ""
    for i, (length, extra) in enumerate(hypotheses):
        tail = [f"x{i}y{k}" for k in range(extra)]
        agreement.receive(read(" ".join(truth[:length] + tail)), i)
        committed = join(agreement.committed)
        assert committed.startswith(before)
        assert committed.split() == truth[: len(agreement.committed)]
        before = committed
    assert join(agreement.finish(read(" ".join(truth)))).split() == truth
