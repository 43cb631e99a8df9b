"""The gateway's half agrees with the worker's about what may share a call."""

from __future__ import annotations

import dataclasses
import json
import pickle
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sori_server.domain.audio import Span
from sori_server.domain.recognition import DecodingOptions, RecognitionRequest, WindowKind
from sori_server.engine.front_end import WhisperFrontEnd, mel_bands
from sori_server.engine.guards import check_prompt
from sori_server.engine.model import ModelFrontEnd
from sori_server.engine.models import resolve
from sori_server.engine.vocabulary import Vocabulary

pytestmark = pytest.mark.unit

MINI = resolve("mini")
FRONT_END: ModelFrontEnd = WhisperFrontEnd(MINI.path, MINI.capabilities)


TEXT_END = Vocabulary.of(MINI.path).text_end
SENTENCE = " The meeting is on Thursday the five of January."


def request(prompt: str = "", hotwords: tuple[str, ...] = ()) -> RecognitionRequest:
    options = DecodingOptions()
    return RecognitionRequest(1, WindowKind.FINAL, 0, 160, options, prompt, hotwords)


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
    assert usual == key(Span(160_000, 160_000 + 28_000), languages=("ko",))
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


def test_prompts_are_as_long_as_the_model_bears() -> None:
    patient = dataclasses.replace(MINI.capabilities, context_tokens=208)
    stock: ModelFrontEnd = WhisperFrontEnd(MINI.path, patient)
    assert len(FRONT_END.prompt_tokens(request(SENTENCE * 3))) == 16
    assert len(stock.prompt_tokens(request(SENTENCE * 100))) == 208
    assert len(stock.prompt_tokens(request(SENTENCE))) == 12
    assert FRONT_END.prompt_tokens(request()) == ()
    tokens = stock.prompt_tokens(request(SENTENCE))
    assert pickle.loads(pickle.dumps(tokens)) == tokens  # noqa: S301


def test_hotwords_come_first_and_earlier_text_gives_way() -> None:
    hotwords = FRONT_END.prompt_tokens(request(hotwords=("Alice", "Jack")))
    both = FRONT_END.prompt_tokens(request(SENTENCE * 3, ("Alice", "Jack")))
    assert 0 < len(hotwords) < 16
    assert both[: len(hotwords)] == hotwords
    text = FRONT_END.prompt_tokens(request(SENTENCE * 3))
    assert both[len(hotwords) :] == text[len(hotwords) :]


@given(st.text(max_size=120), st.lists(st.text(max_size=12), max_size=12))
@settings(max_examples=50, deadline=None)
def test_whatever_is_asked_the_prompt_is_text_within_bounds(text: str, words: list[str]) -> None:
    tokens = FRONT_END.prompt_tokens(request(text, tuple(words)))
    check_prompt(tokens, TEXT_END, 16)
