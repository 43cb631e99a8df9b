"""Clipping is told of recordings that were too loud, and of nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sori_server.media.clipping import ClippingCheck
from sori_server.media.resampling import FloatArray
from support.recordings import NAMES, read_recording

pytestmark = pytest.mark.unit

SPEECH = read_recording("en_dialog").samples[: 16_000 * 20]


def clipped(*blocks: FloatArray) -> bool:
    check = ClippingCheck()
    for block in blocks:
        check.look(block.astype(np.float32))
    return check.clipped


@pytest.mark.parametrize("name", NAMES)
def test_recordings_are_not_even_at_full_scale(name: str) -> None:
    samples = read_recording(name).samples
    assert not clipped(samples)
    assert not clipped(samples / np.abs(samples).max())


@pytest.mark.parametrize("full_scale", [1.0, 0.9804])
def test_speech_recorded_much_too_loud_is_clipped(full_scale: float) -> None:
    assert clipped((SPEECH * 20).clip(-full_scale, full_scale))


@pytest.mark.parametrize(
    "still",
    [
        np.zeros(32_000),
        np.ones(32_000),
        np.full(32_000, -1.0),
        np.full(32_000, 0.3),
        np.ones(32_000) + np.random.default_rng(2).normal(0, 1e-3, 32_000),
    ],
    ids=["silence", "full-scale", "negative-full-scale", "offset", "noisy-full-scale"],
)
def test_what_does_not_move_is_not_clipped(still: FloatArray) -> None:
    assert not clipped(still.clip(-1, 1))


def test_a_few_peaks_are_not_clipping() -> None:
    samples = 0.5 * np.sin(np.arange(16_000) / 5)
    samples[:150] = 1.0
    assert not clipped(samples)
    samples[:170] = 1.0
    assert clipped(samples)


def test_less_than_a_second_is_not_judged() -> None:
    loud = np.sign(np.sin(np.arange(15_999) / 5))
    assert not clipped(loud)
    assert clipped(loud, loud[:1])


@given(st.lists(st.integers(1, 30_000), min_size=1, max_size=12))
def test_seconds_are_the_same_however_they_come(sizes: list[int]) -> None:
    loud = 0.5 * np.sin(np.arange(48_000) / 5)
    loud[17_000:17_170] = 1.0
    cuts = np.minimum(np.cumsum(sizes), len(loud)).tolist()
    assert clipped(*np.split(loud, cuts))
