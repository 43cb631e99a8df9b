"""The incremental log-mel equals the library's, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
from faster_whisper.feature_extractor import FeatureExtractor
from hypothesis import given, settings
from hypothesis import strategies as st
from sori_server.domain.audio import HOP
from sori_server.engine.logmel import LogMel
from sori_server.engine.port import FloatArray
from support.recordings import read_recording

pytestmark = pytest.mark.unit

SPEECH = read_recording("en_dialog").samples
SILENCE = np.zeros(5 * 16_000, np.float32)
NOISE = np.random.default_rng(7).normal(0, 0.1, 8 * 16_000).astype(np.float32)
SOURCES = {"speech": SPEECH, "silence": SILENCE, "noise": NOISE}


def appended(pcm: FloatArray, chunks: list[int], mels: int) -> LogMel:
    stream, position, turn = LogMel(mels), 0, 0
    while position < len(pcm):
        size = chunks[turn % len(chunks)]
        stream.append(pcm[position : position + size])
        position, turn = position + size, turn + 1
    return stream


def library(pcm: FloatArray, mels: int) -> FloatArray:
    features: FloatArray = FeatureExtractor(feature_size=mels)(pcm.copy())
    return features


@settings(max_examples=60, deadline=None)
@given(
    source=st.sampled_from(sorted(SOURCES)),
    chunks=st.lists(st.integers(1, 8000), min_size=1, max_size=5),
    mels=st.sampled_from([80, 128]),
    data=st.data(),
)
def test_every_window_equals_the_library(
    source: str, chunks: list[int], mels: int, data: st.DataObject
) -> None:
    pcm = SOURCES[source]
    stream = appended(pcm, chunks, mels)
    for _ in range(4):
        start = data.draw(st.integers(0, len(pcm) // HOP - 1), label="start") * HOP
        end = data.draw(st.integers(start, len(pcm)), label="end")
        assert np.array_equal(stream.window(start, end), library(pcm[start:end], mels))


@pytest.mark.parametrize("mels", [80, 128])
def test_growing_windows_with_discard_equal_the_library(mels: int) -> None:
    stream, start = LogMel(mels), 0
    for end in range(320, len(SPEECH), 320):
        stream.append(SPEECH[end - 320 : end])
        if end % 8000 == 0:
            got = stream.window(start, end)
            assert np.array_equal(got, library(SPEECH[start:end], mels))
        if end % 64_000 == 0:
            start = end - 16_000
            stream.discard(start)


@pytest.mark.parametrize("length", [0, 1, 199, 200, 201, 799, 800, 801, 959, 960, 1000, 1040])
@pytest.mark.parametrize("start", [0, 320, 1, 333])
def test_short_windows_and_starts_off_the_grid(length: int, start: int) -> None:
    stream = appended(SPEECH[8000:20_000], [4000], 80)
    expected = library(SPEECH[8000 + start : 8000 + start + length], 80)
    assert np.array_equal(stream.window(start, start + length), expected)


def test_windows_outside_what_is_kept_are_refused() -> None:
    stream = appended(SPEECH[:32_000], [32_000], 80)
    stream.discard(16_000)
    for start, end in [(0, 32_000), (15_840, 32_000), (16_000, 32_001)]:
        with pytest.raises(ValueError, match="not within"):
            stream.window(start, end)
    assert stream.window(16_000, 32_000).shape == (80, 101)


def test_a_window_before_the_cached_frames_is_recomputed() -> None:
    stream = appended(SPEECH[:64_000], [64_000], 80)
    stream.window(32_000, 64_000)
    assert np.array_equal(stream.window(16_000, 64_000), library(SPEECH[16_000:64_000], 80))
