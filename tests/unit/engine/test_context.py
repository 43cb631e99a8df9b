"""Prompts keep their hotwords, and lengths that batch."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sori_server.engine.context import composed

pytestmark = pytest.mark.unit

TEXT = list(range(100, 400))


@pytest.mark.parametrize(
    ("hotwords", "text", "kept"),
    [
        (0, 0, 0),
        (0, 15, 15),
        (0, 16, 16),
        (0, 17, 16),
        (0, 47, 32),
        (0, 300, 208),
        (5, 10, 10),
        (5, 20, 11),
        (20, 0, 0),
        (20, 5, 0),
        (20, 15, 12),
        (207, 300, 1),
        (208, 300, 0),
    ],
)
def test_earlier_text_is_cut_to_a_multiple_and_hotwords_are_not(
    hotwords: int, text: int, kept: int
) -> None:
    tokens = composed(range(hotwords), TEXT[:text], most=208)
    assert tokens == (*range(hotwords), *TEXT[text - kept : text])


@given(st.integers(0, 60), st.integers(0, 300), st.integers(0, 208))
def test_the_length_is_bounded_and_batches(hotwords: int, text: int, most: int) -> None:
    hotwords = min(hotwords, most)
    length = len(composed(range(hotwords), TEXT[:text], most))
    assert length <= most
    assert length < 16 or length % 16 == 0 or length == hotwords
