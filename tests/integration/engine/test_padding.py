"""What a short window is filled up with, and that it is never cut."""

from __future__ import annotations

import numpy as np
import pytest
from faster_whisper import WhisperModel
from faster_whisper.feature_extractor import FeatureExtractor
from sori_server.engine.models import MINI_FOLDER
from sori_server.engine.whisper_calls import WhisperCalls
from support.recordings import read_recording

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def calls() -> WhisperCalls:
    return WhisperCalls(WhisperModel(str(MINI_FOLDER), device="cpu", compute_type="float32"))


@pytest.mark.parametrize("frames", [150, 199, 200])
def test_windows_are_padded_with_zeros_of_the_normalised_features(
    calls: WhisperCalls, frames: int
) -> None:
    pcm = read_recording("digits_human").samples[: 16_000 * 4]
    features = FeatureExtractor()(pcm)[:, :frames]
    by_hand = np.zeros((80, 200), np.float32)
    by_hand[:, :frames] = features
    assert np.array_equal(
        np.asarray(calls.encode([features], 200)), np.asarray(calls.encode([by_hand], 200))
    )


def test_no_window_is_cut_to_fit(calls: WhisperCalls) -> None:
    with pytest.raises(ValueError, match="broadcast"):
        calls.encode([np.zeros((80, 201), np.float32)], 200)
