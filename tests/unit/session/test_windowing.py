"""Window starts and cut positions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sori_server.domain.audio import HOP, Span
from sori_server.session.windowing import HOLD_BACK, aligned, quietest, word_border

pytestmark = pytest.mark.unit


@given(st.integers(0, 10**9))
def test_a_window_starts_on_the_grid_at_most_one_hop_early(position: int) -> None:
    start = aligned(position)
    assert start % HOP == 0
    assert 0 <= position - start < HOP


def test_the_cut_is_in_the_middle_of_the_quietest_frame() -> None:
    assert quietest([0.1, 0.9, 0.2, 0.8], 100, 1000, 0) == 650
    assert quietest([0.1, 0.9, 0.2, 0.8], 100, 1000, 700) == 850


def test_the_newest_of_equally_quiet_frames_is_cut() -> None:
    assert quietest([0.2, 0.2, 0.9], 100, 300, 0) == 150


def test_a_frame_whose_middle_is_the_earliest_position_may_be_cut() -> None:
    assert quietest([0.9, 0.1, 0.9], 100, 300, 150) == 150
    assert quietest([0.9, 0.1, 0.9], 100, 300, 151) == 250


@pytest.mark.parametrize(("earliest", "cut"), [(251, 300), (300, 300), (310, 310)])
def test_without_a_frame_to_cut_it_is_the_end_or_what_lies_after_it(
    earliest: int, cut: int
) -> None:
    assert quietest([0.9, 0.1, 0.9], 100, 300, earliest) == cut
    assert quietest([], 100, 300, 0) == 300


def said(*borders: int) -> list[Span]:
    """Words from one border to the next."""
    return [Span(start, end) for start, end in zip(borders[::2], borders[1::2], strict=True)]


TALK = said(0, 80, 100, 180, 200, 280, 300, 380, 400, 480, 500, 580, 600, 680, 700, 780)
"""Eight words, one every 100 samples."""


@pytest.mark.parametrize(
    ("overlap", "least", "back", "stay", "cut"),
    [
        (0, 0, 800, 6, 590),
        (100, 0, 800, 6, 590),
        (250, 0, 800, 5, 490),
        (400, 0, 800, 5, 490),
        (0, 7, 800, 7, 690),
        (0, 8, 800, 8, 800),
        (250, 7, 800, 7, 690),
        (0, 0, 210, 6, 590),
        (0, 0, 200, 7, 690),
        (250, 0, 200, 7, 690),
        (0, 0, 100, 8, 800),
        (100, 0, 0, 8, 800),
    ],
    ids=str,
)
def test_a_cut_between_words(overlap: int, least: int, back: int, stay: int, cut: int) -> None:
    assert word_border(TALK, Span(0, 800), overlap, least, back) == (stay, cut)


def test_without_words_a_cut_is_before_the_overlap() -> None:
    assert word_border([], Span(0, 800), 200, 0, 800) == (0, 600)
    assert word_border([], Span(0, 800), 200, 0, 100) == (0, 800)


def test_words_long_before_the_end_all_stay() -> None:
    assert word_border(said(0, 80, 100, 180), Span(0, 800), 100, 0, 800) == (2, 700)


def test_one_word_that_fills_the_speech_is_left_or_stays_whole() -> None:
    assert word_border(said(500, 800), Span(0, 800), 100, 0, 800) == (1, 800)
    assert word_border(said(0, 800), Span(0, 800), 100, 0, 800) == (1, 800)


@given(
    st.lists(st.integers(0, 1000), max_size=20),
    st.integers(0, 500),
    st.integers(0, 10),
    st.integers(0, 1000),
)
def test_every_cut_moves_on_and_no_further_back_than_it_may(
    borders: list[int], overlap: int, least: int, back: int
) -> None:
    borders = sorted(borders)[: len(borders) // 2 * 2]
    words, spoken = said(*borders), Span(0, 1000)
    least = min(least, len(words))
    stay, cut = word_border(words, spoken, overlap, least, back)
    assert least <= stay <= len(words)
    assert max(500, 1000 - back) <= cut <= 1000
    if stay < len(words) - HOLD_BACK:
        assert words[stay].end > 1000 - overlap
