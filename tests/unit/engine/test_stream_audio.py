"""A stream's audio keeps positions, windows and speech probabilities together."""

from __future__ import annotations

import numpy as np
import pytest
from faster_whisper.feature_extractor import FeatureExtractor
from sori_server.engine.front_end import WhisperFrontEnd
from sori_server.engine.models import resolve
from sori_server.engine.port import StreamAudio
from sori_server.engine.stream_audio import WhisperStreamAudio
from support.recordings import read_recording

pytestmark = pytest.mark.unit

PCM = read_recording("ko_dialog").samples


def test_windows_are_the_library_s_without_the_frame_beyond_the_end() -> None:
    audio: StreamAudio = WhisperStreamAudio(80)
    probabilities = audio.accept(PCM[:40_000]) + audio.accept(PCM[40_000:80_000])
    assert len(probabilities) == 80_000 // audio.vad_frame
    assert audio.received == 80_000
    window = audio.window(16_000, 72_080)
    assert isinstance(window, np.ndarray)
    assert window.shape == (80, 350)
    assert window.dtype == np.float32
    assert np.array_equal(window, FeatureExtractor()(PCM[16_000:72_080].copy())[:, :-1])


def test_windows_outlive_the_stream_s_buffer() -> None:
    audio = WhisperStreamAudio(80)
    audio.accept(PCM[:32_000])
    window = audio.window(0, 32_000)
    before = window.copy()
    audio.discard(32_000)
    audio.accept(PCM[32_000:96_000])
    audio.window(32_000, 96_000)
    assert np.array_equal(window, before)
    with pytest.raises(ValueError, match="not within"):
        audio.window(0, 32_000)


def test_an_unaligned_end_gives_whole_frames_only() -> None:
    model = resolve("mini")
    audio = WhisperFrontEnd(model.path, model.capabilities).open_stream()
    audio.accept(PCM[:32_000])
    window = audio.window(160, 31_999)
    assert isinstance(window, np.ndarray)
    assert window.shape == (80, (31_999 - 160) // 160)


def test_two_models_read_one_stream_each_in_its_own_bands() -> None:
    audio = WhisperStreamAudio(128)
    view = audio.in_bands(80)
    for start in range(0, 96_000, 8_000):
        audio.accept(PCM[start : start + 8_000])
        assert view.received == audio.received
        for window, mels in ((view.window(0, audio.received), 80), (audio.window(0, 8_000), 128)):
            library = FeatureExtractor(feature_size=mels)
            heard = PCM[: audio.received if mels == 80 else 8_000].copy()
            assert np.array_equal(window, library(heard)[:, :-1])
    audio.discard(48_000)
    with pytest.raises(ValueError, match="not within"):
        view.window(0, 96_000)
