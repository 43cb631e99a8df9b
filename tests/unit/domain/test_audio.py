"""Positions, spans and formats of audio."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sori_server.domain.audio import (
    SAMPLE_RATE,
    AudioEncoding,
    AudioFormat,
    Span,
    samples,
    seconds,
)

pytestmark = pytest.mark.unit

POSITION = st.integers(0, 10**12)


@given(POSITION)
def test_samples_and_seconds_are_inverse(length: int) -> None:
    assert samples(seconds(length)) == length


@pytest.mark.parametrize(("length", "expected"), [(0.0, 0), (1.0, 16_000), (1e-4, 2), (2e-5, 0)])
def test_seconds_are_rounded_to_the_nearest_sample(length: float, expected: int) -> None:
    assert samples(length) == expected


@given(POSITION, POSITION)
def test_spans_have_the_samples_from_start_to_end(start: int, length: int) -> None:
    length %= 2**31
    assert len(Span(start, start + length)) == length


@pytest.mark.parametrize(("start", "end"), [(-1, 0), (1, 0), (-2, -1)])
def test_spans_that_hold_no_audio_are_refused(start: int, end: int) -> None:
    with pytest.raises(ValueError, match=f"{start}..{end}"):
        Span(start, end)


def test_spans_are_ordered_by_place() -> None:
    assert sorted([Span(5, 6), Span(0, 9), Span(0, 3)]) == [Span(0, 3), Span(0, 9), Span(5, 6)]


@pytest.mark.parametrize(
    ("encoding", "width"),
    [
        (AudioEncoding.LINEAR16, 2),
        (AudioEncoding.FLOAT32, 4),
        (AudioEncoding.MULAW, 1),
        (AudioEncoding.ALAW, 1),
        (AudioEncoding.WAV, 0),
    ],
)
def test_a_frame_is_one_sample_of_every_channel(encoding: AudioEncoding, width: int) -> None:
    assert encoding.bytes_per_sample == width
    assert AudioFormat(encoding, channels=3).frame_bytes == 3 * width


def test_every_encoding_has_a_width() -> None:
    assert all(encoding.bytes_per_sample >= 0 for encoding in AudioEncoding)


def test_a_format_is_that_of_the_session_clock_unless_said() -> None:
    assert AudioFormat(AudioEncoding.LINEAR16) == AudioFormat(
        AudioEncoding.LINEAR16, SAMPLE_RATE, 1
    )
