"""Streaming speech detection equals a one-shot run, however the audio is cut."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from faster_whisper.vad import get_vad_model
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sori_server.engine.silero import FORGETTING, SPEECH
from sori_server.engine.vad import VAD_FRAME, StreamingVad
from support.recordings import read_recording

pytestmark = pytest.mark.unit

RECORDING = read_recording("digits_human")
SPOKEN = RECORDING.samples[: len(RECORDING.samples) // VAD_FRAME * VAD_FRAME]
ONE_SHOT = StreamingVad().accept(SPOKEN)


def pauses(probabilities: Sequence[float]) -> list[int]:
    """The frames with which a second of silence after speech is over."""
    spoken = [k for k, probability in enumerate(probabilities) if probability >= SPEECH]
    ends = [k for k, following in pairwise([*spoken, len(probabilities)]) if following - k > 31]
    return [k + FORGETTING for k in ends if k + FORGETTING < len(probabilities)]


def library(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    # The library blanks the last 64 samples of its input: the last frame is left out.
    probabilities: NDArray[np.float32] = get_vad_model()(samples.copy()).reshape(-1)[:-1]
    return probabilities


def test_one_shot_equals_the_library_until_it_forgets() -> None:
    end = pauses(ONE_SHOT)[0]
    assert max(ONE_SHOT[:end]) > 0.9
    assert np.allclose(ONE_SHOT[: end + 1], library(SPOKEN)[: end + 1], atol=1e-5)


def test_after_a_second_of_silence_it_hears_as_from_the_start() -> None:
    first, second = pauses(ONE_SHOT)[:2]
    start = (first + 1) * VAD_FRAME
    context = SPOKEN[start - VAD_FRAME :]
    afresh = library(context)
    # One frame more of memory than none, which is gone with the first words.
    assert np.allclose(ONE_SHOT[first + 8 : second], afresh[8 : second - first], atol=0.05)
    assert np.abs(np.array(ONE_SHOT[first:second]) - library(SPOKEN)[first:second]).max() > 1e-3


def test_noise_alone_is_never_forgotten() -> None:
    noise = np.random.default_rng(3).normal(0, 0.01, 300 * VAD_FRAME).astype(np.float32)
    assert np.allclose(StreamingVad().accept(noise)[:-1], library(noise), atol=1e-5)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 9000), min_size=1, max_size=6))
def test_chunking_does_not_matter(chunks: list[int]) -> None:
    vad, position, turn = StreamingVad(), 0, 0
    got: list[float] = []
    while position < len(SPOKEN):
        size = chunks[turn % len(chunks)]
        got += vad.accept(SPOKEN[position : position + size])
        position, turn = position + size, turn + 1
    assert len(got) == len(ONE_SHOT) == len(SPOKEN) // VAD_FRAME
    assert np.allclose(got, ONE_SHOT, atol=1e-5)


def test_streams_do_not_disturb_each_other() -> None:
    first, second, noise = StreamingVad(), StreamingVad(), np.full(VAD_FRAME, 0.1, np.float32)
    got: list[float] = []
    for start in range(0, 16_384, VAD_FRAME):
        got += first.accept(SPOKEN[start : start + VAD_FRAME])
        second.accept(noise)
    assert np.allclose(got, ONE_SHOT[: len(got)], atol=1e-5)


def test_tells_speech_from_silence_and_noise() -> None:
    spoken = [
        probability
        for k, probability in enumerate(ONE_SHOT)
        if any(
            word.start + 0.1 < (k + 0.5) * VAD_FRAME / 16_000 < word.end - 0.1
            for utterance in RECORDING.utterances
            for word in utterance.words
        )
    ]
    assert np.mean(np.array(spoken) > 0.5) > 0.9
    noise = np.random.default_rng(3).normal(0, 0.05, 48_000).astype(np.float32)
    assert max(StreamingVad().accept(noise)[5:]) < 0.5
    assert max(StreamingVad().accept(np.zeros(48_000, np.float32))) < 0.5


def test_long_audio_is_taken_in_several_runs() -> None:
    audio = np.tile(SPOKEN, 2)
    assert len(audio) // VAD_FRAME > 3 * 256
    assert len(StreamingVad().accept(audio)) == len(audio) // VAD_FRAME
