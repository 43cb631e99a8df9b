"""Window starts and cut positions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sori_server.domain.audio import HOP
from sori_server.session.windowing import aligned, quietest

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
