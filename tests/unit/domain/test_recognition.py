"""Which samples a request covers, and what its values say of themselves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sori_server.domain.audio import Span
from sori_server.domain.recognition import (
    DecodingOptions,
    Hypothesis,
    RecognitionRequest,
    WindowKind,
    Word,
)

pytestmark = pytest.mark.unit

POSITION = st.integers(0, 10**9)
STEP = st.integers(1, 160_000)


def interim(start: int, step: int) -> RecognitionRequest:
    return RecognitionRequest(
        1, WindowKind.INTERIM, start=start, end=None, options=DecodingOptions(), step=step
    )


@given(POSITION, POSITION)
def test_a_request_with_an_end_is_not_moved_by_newer_audio(start: int, received: int) -> None:
    request = RecognitionRequest(1, WindowKind.FINAL, start, start + 7, DecodingOptions())
    assert request.bind(received) == Span(start, start + 7)


@given(POSITION, POSITION, STEP)
def test_an_open_end_is_the_newest_received_sample_on_the_grid(
    start: int, received: int, step: int
) -> None:
    span = interim(start, step).bind(received)
    assert span.start == start
    assert len(span) % step == 0
    if received >= start:
        assert span.end <= received < span.end + step
    else:
        assert len(span) == 0


def test_values_with_text_do_not_repeat_it() -> None:
    word = Word(" secret", 100, 200, 0.5)
    hypothesis = Hypothesis(Span(0, 300), " secret", "en", words=(word,))
    assert repr(word) == "Word(7 characters, 100..200)"
    assert "secret" not in repr(hypothesis)
    assert "7 characters" in repr(hypothesis)
