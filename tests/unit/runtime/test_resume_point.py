"""A session goes on at a place that is the same in samples and in bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sori_server.domain.audio import (
    MAX_CHANNELS,
    MAX_SAMPLE_RATE,
    MIN_SAMPLE_RATE,
    SAMPLE_RATE,
    AudioEncoding,
    AudioFormat,
)
from sori_server.domain.checkpoint import ChannelPoint, Checkpoint
from sori_server.engine.port import START_GRID
from sori_server.runtime.resume_point import WARM_UP, ResumePoint, resume_point

pytestmark = pytest.mark.unit

RAW = [encoding for encoding in AudioEncoding if not encoding.is_container]
POINTS = st.lists(
    st.builds(ChannelPoint, st.integers(0, 10**9), st.integers(0, 9)), min_size=1, max_size=8
)


@given(
    points=POINTS,
    encoding=st.sampled_from(RAW),
    rate=st.integers(MIN_SAMPLE_RATE, MAX_SAMPLE_RATE),
    channels=st.integers(1, MAX_CHANNELS),
)
def test_both_are_the_same_place(
    points: list[ChannelPoint], encoding: AudioEncoding, rate: int, channels: int
) -> None:
    audio_format = AudioFormat(encoding, rate, channels)
    point = resume_point(Checkpoint(tuple(points)), audio_format)
    assert point.sample % START_GRID == 0
    assert point.byte % audio_format.frame_bytes == 0
    assert point.byte // audio_format.frame_bytes * SAMPLE_RATE == point.sample * rate
    position = min(each.position for each in points)
    before = position - point.sample
    assert before >= min(WARM_UP, position)
    assert before < WARM_UP + 5 * SAMPLE_RATE


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 22_050, 24_000, 44_100, 48_000])
def test_usual_rates_are_heard_again_from_close_by(rate: int) -> None:
    position = 10 * SAMPLE_RATE + 1
    point = resume_point(
        Checkpoint((ChannelPoint(position, 1),)), AudioFormat(AudioEncoding.LINEAR16, rate)
    )
    assert position - point.sample < WARM_UP + START_GRID + 1


def test_containers_are_read_from_their_start() -> None:
    checkpoint = Checkpoint((ChannelPoint(10 * SAMPLE_RATE, 4), ChannelPoint(9 * SAMPLE_RATE, 1)))
    point = resume_point(checkpoint, AudioFormat(AudioEncoding.FLAC, 0, 0))
    assert point.byte == 0
    assert 8 * SAMPLE_RATE - START_GRID < point.sample <= 8 * SAMPLE_RATE


def test_a_new_session_begins_at_the_beginning() -> None:
    for encoding in AudioEncoding:
        assert resume_point(Checkpoint.start(2), AudioFormat(encoding)) == ResumePoint(0, 0)
