"""The gateway's half agrees with the worker's about what may share a call."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest
from sori_server.domain.audio import Span
from sori_server.domain.recognition import DecodingOptions, RecognitionRequest, WindowKind
from sori_server.engine.front_end import WhisperFrontEnd, mel_bands
from sori_server.engine.model import ModelFrontEnd
from sori_server.engine.models import resolve

pytestmark = pytest.mark.unit

MINI = resolve("mini")
FRONT_END: ModelFrontEnd = WhisperFrontEnd(MINI.path, MINI.capabilities)


def key(span: Span, prompt_length: int = 0, **options: object) -> object:
    request = RecognitionRequest(
        1,
        WindowKind.FINAL,
        span.start,
        span.end,
        DecodingOptions(**options),  # type: ignore[arg-type]
    )
    return FRONT_END.batch_key(request, span, prompt_length)


def test_languages_and_like_lengths_mix() -> None:
    usual = key(Span(0, 32_000))
    assert usual == key(Span(160_000, 160_000 + 16_000), languages=("ko",))
    assert hash(usual) == hash(key(Span(0, 32_000)))


def test_lengths_prompts_and_beams_do_not_mix() -> None:
    usual = key(Span(0, 32_000))
    assert usual != key(Span(0, 64_000))
    assert usual != key(Span(0, 32_000), prompt_length=16)
    assert usual != key(Span(0, 32_000), beam_size=5)
    assert usual != key(Span(0, 32_000), word_times=True)


def test_mel_bands_are_read_from_the_model(tmp_path: Path) -> None:
    assert mel_bands(MINI.path) == 80
    assert mel_bands(tmp_path) == 80
    (tmp_path / "preprocessor_config.json").write_text(
        json.dumps({"feature_size": 128}), encoding="utf-8"
    )
    assert mel_bands(tmp_path) == 128


def test_prompt_tokens_are_picklable_and_of_a_usual_length() -> None:
    tokens = FRONT_END.prompt_tokens(" The meeting is on Thursday the five of January." * 3)
    assert len(tokens) in (16, 32, 64)
    assert pickle.loads(pickle.dumps(tokens)) == tokens  # noqa: S301
