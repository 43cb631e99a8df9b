"""Windows that would harm their batch are refused by themselves."""

from __future__ import annotations

import numpy as np
import pytest
from sori_server.domain.audio import Span
from sori_server.domain.errors import EngineUnavailable, RecognitionFailed
from sori_server.domain.recognition import DecodingOptions
from sori_server.engine.guards import (
    aligned_frames,
    candidate_languages,
    check_buckets,
    check_prompt,
    checked_features,
)
from sori_server.engine.model import WindowTask

pytestmark = pytest.mark.unit


def frames(count: int, mels: int = 80, fill: float = 0.0) -> np.ndarray:
    return np.full((mels, count), fill, np.float32)


def test_good_features_pass() -> None:
    good = frames(3000)
    assert checked_features(good, 80) is good


@pytest.mark.parametrize(
    "bad",
    [
        None,
        [[0.0]],
        frames(100).astype(np.float64),
        frames(100, mels=128),
        frames(0),
        frames(3001),
        frames(100)[0],
        frames(100, fill=np.nan),
        frames(100, fill=np.inf),
        frames(100, fill=-np.inf),
    ],
)
def test_bad_features_are_refused(bad: object) -> None:
    with pytest.raises(RecognitionFailed):
        checked_features(bad, 80)


@pytest.mark.parametrize("prompt", [(1,) * 17, (1000,) * 16, (-1,) * 16])
def test_bad_prompts_are_refused(prompt: tuple[int, ...]) -> None:
    with pytest.raises(RecognitionFailed):
        check_prompt(prompt, text_end=1000, most=16)
    check_prompt((999,) * 16, text_end=1000, most=16)


def test_candidates_are_those_asked_for_that_the_model_knows() -> None:
    def candidates(*languages: str) -> tuple[str, ...]:
        task = WindowTask(None, Span(0, 0), (), DecodingOptions(languages=languages))
        return candidate_languages(task, ("en", "ko"))

    assert candidates() == ("en", "ko")
    assert candidates("ko") == ("ko",)
    assert candidates("fr", "ko") == ("ko",)
    assert candidates("ko", "en", "ko") == ("ko", "en")
    with pytest.raises(RecognitionFailed, match="fr"):
        candidates("fr")


@pytest.mark.parametrize("mels", [80, 128])
def test_usual_models_have_no_ambiguous_bucket(mels: int) -> None:
    check_buckets(mels)
    with pytest.raises(EngineUnavailable, match="mel bands"):
        check_buckets(mels, (400, 2 * mels))


def test_alignment_never_goes_beyond_what_was_encoded() -> None:
    assert aligned_frames(350, 400) == 350
    assert aligned_frames(900, 400) == 400
