"""Words stay in order, within their window, and join to the text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sori_server.domain.audio import Span
from sori_server.engine.words import AlignedWord, placed_words

pytestmark = pytest.mark.unit

SPAN = Span(16_000, 48_000)


def aligned(*texts: str) -> list[AlignedWord]:
    return [AlignedWord(text, n * 0.2, n * 0.2 + 0.2, 0.5) for n, text in enumerate(texts)]


def test_positions_are_those_of_the_session() -> None:
    words = placed_words(aligned(" one", " two"), SPAN)
    assert [(w.text, w.start, w.end) for w in words] == [
        (" one", 16_000, 19_200),
        (" two", 19_200, 22_400),
    ]


def test_punctuation_belongs_to_its_word() -> None:
    words = placed_words(aligned(" (", "yes", ")", ",", " he", " said", "."), SPAN)
    assert [w.text for w in words] == [" (yes),", " he", " said."]
    assert words[0].start == 16_000
    assert words[0].end == 16_000 + 4 * 3200


def test_a_hyphen_that_opens_nothing_is_kept() -> None:
    assert [w.text for w in placed_words(aligned(" well", " -"), SPAN)] == [" well", " -"]
    assert placed_words([], SPAN) == ()


def test_a_broken_character_at_the_end_is_dropped() -> None:
    assert [w.text for w in placed_words(aligned(" 네", " 괜\ufffd"), SPAN)] == [" 네", " 괜"]
    assert [w.text for w in placed_words(aligned(" 네", "\ufffd"), SPAN)] == [" 네"]


@given(
    st.lists(
        st.tuples(
            st.text(" .(abc가", min_size=1, max_size=4),
            st.floats(-1, 40),
            st.floats(-1, 40),
            st.floats(-0.1, 1.1),
        ),
        max_size=12,
    )
)
def test_any_alignment_gives_ordered_words_that_join_to_the_text(
    raw: list[tuple[str, float, float, float]],
) -> None:
    words = placed_words([AlignedWord(*word) for word in raw], SPAN)
    assert "".join(w.text for w in words) == "".join(word[0] for word in raw)
    positions = [position for w in words for position in (w.start, w.end)]
    assert positions == sorted(positions)
    assert all(SPAN.start <= position <= SPAN.end for position in positions)
    assert all(0 <= w.confidence <= 1 for w in words)
