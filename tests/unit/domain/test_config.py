"""The defaults a stream has when nothing is asked for."""

from __future__ import annotations

import dataclasses

import pytest
from sori_server.domain.config import (
    LONGEST_UTTERANCE,
    EndpointingConfig,
    RecognitionConfig,
    StreamConfig,
    Task,
)
from sori_server.domain.limits import Limits

pytestmark = pytest.mark.unit


def test_an_utterance_is_as_long_as_a_whisper_window_bears_unless_said() -> None:
    assert EndpointingConfig().longest_utterance == LONGEST_UTTERANCE
    assert EndpointingConfig(max_utterance=5.0).longest_utterance == 5.0


def test_a_whisper_window_holds_the_longest_utterance_and_what_is_around_it() -> None:
    around = EndpointingConfig().prefix_padding + EndpointingConfig().end_silence
    assert LONGEST_UTTERANCE + around <= 30.0


def test_text_in_the_language_spoken_is_the_default() -> None:
    config = RecognitionConfig()
    assert (config.task, config.languages, config.word_times) == (Task.TRANSCRIBE, (), False)


@pytest.mark.parametrize(
    "option", ["interim_results", "voice_activity_events", "latency_breakdown"]
)
def test_nothing_is_sent_that_was_not_asked_for(option: str) -> None:
    assert getattr(StreamConfig(), option) is False


@pytest.mark.parametrize(
    "value", [StreamConfig(), RecognitionConfig(), EndpointingConfig(), Limits()]
)
def test_settings_never_change(value: object) -> None:
    (name, *_) = (field.name for field in dataclasses.fields(value))  # type: ignore[arg-type]
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(value, name, None)
