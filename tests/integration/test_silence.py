"""Five minutes in which nobody speaks cost voice detection, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sori_server.domain.audio import SAMPLE_RATE
from sori_server.domain.config import StreamConfig
from sori_server.domain.events import SessionSummary
from sori_server.engine.stream_audio import WhisperStreamAudio
from sori_server.session.core import Session

pytestmark = pytest.mark.integration

SECONDS = 300
MELS = 80


def hum(hertz: float) -> NDArray[np.float64]:
    """Mains hum with its overtones."""
    time = np.arange(60 * SAMPLE_RATE) / SAMPLE_RATE
    return 0.2 * sum(np.sin(2 * np.pi * hertz * k * time) / k for k in range(1, 8))


def nobody_speaks() -> NDArray[np.float32]:
    """A minute each of silence, two hums, white noise, and clicks on a constant offset."""
    chance = np.random.default_rng(7)
    minute = 60 * SAMPLE_RATE
    clicks = 0.2 + 0.7 * (chance.random(minute) < 2 / SAMPLE_RATE)
    parts = [np.zeros(minute), hum(50), hum(60), 0.1 * chance.standard_normal(minute), clicks]
    return np.concatenate(parts).astype(np.float32)


def test_silence_hum_and_noise_give_no_text_and_no_model_call() -> None:
    audio = WhisperStreamAudio(MELS)
    session = Session(StreamConfig(interim_results=True), audio.vad_frame)
    samples = nobody_speaks()
    for start in range(0, len(samples), SAMPLE_RATE):
        piece = samples[start : start + SAMPLE_RATE]
        session.receive_audio(len(piece), [audio.accept(piece)])
        audio.discard(*session.needed_from)
        assert session.requests() == []
    session.end_of_audio()
    assert session.requests() == []
    events = [numbered.event for numbered in iter(session.next_event, None)]
    assert events == [SessionSummary(SECONDS * SAMPLE_RATE, 0, 0, 0.0)]
