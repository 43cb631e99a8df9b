"""Every range of a stream's settings, and that fields are named as in the contract."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from google.protobuf.descriptor import Descriptor
from hypothesis import given
from hypothesis import strategies as st
from sori.v1 import speech_pb2 as pb
from sori_server.domain.audio import AudioEncoding, AudioFormat
from sori_server.domain.config import (
    Adaptation,
    ChannelMode,
    EndpointingConfig,
    EndpointingMode,
    RecognitionConfig,
    Replacement,
    StreamConfig,
    Task,
)
from sori_server.domain.errors import LONGEST_QUOTE, ClientError, InvalidConfig, ModelNotFound
from sori_server.domain.limits import Limits
from sori_server.domain.presets import PRESETS, Preset
from sori_server.engine.port import ModelInfo
from sori_server.runtime.validation import (
    MODES,
    check_given,
    check_recognition,
    check_stream,
    means_something,
)

pytestmark = pytest.mark.unit

MODEL = ModelInfo(
    name="tiny",
    display_name="Tiny",
    revision="1",
    languages=("en", "ko"),
    tasks=(Task.TRANSCRIBE,),
    device="cpu",
    compute_type="none",
)
LIMITS = Limits(
    max_languages=2,
    max_beam_size=8,
    max_prompt_characters=5,
    max_hotwords=2,
    max_hotword_characters=6,
    max_replacements=2,
    max_replacement_characters=4,
)


def error_of(config: StreamConfig) -> ClientError | None:
    try:
        check_stream(config, MODEL, LIMITS)
    except ClientError as error:
        return error
    return None


def endpointing(**settings: object) -> StreamConfig:
    return StreamConfig(endpointing=EndpointingConfig(**settings))  # type: ignore[arg-type]


def recognition(**settings: object) -> StreamConfig:
    return StreamConfig(recognition=replace(RecognitionConfig(), **settings))  # type: ignore[arg-type]


def raw(**settings: int) -> StreamConfig:
    return recognition(audio_format=AudioFormat(AudioEncoding.FLOAT32, **settings))


RANGES: dict[str, tuple[float, float, Callable[[float], StreamConfig]]] = {
    "min_interim_interval": (0.1, 10.0, lambda value: StreamConfig(interim_interval=value)),
    "progress_interval": (0.1, 3600.0, lambda value: StreamConfig(progress_interval=value)),
    "endpointing.end_silence": (0.1, 10.0, lambda value: endpointing(end_silence=value)),
    "endpointing.max_utterance": (2.0, 28.0, lambda value: endpointing(max_utterance=value)),
    "endpointing.min_speech": (0.0, 2.0, lambda value: endpointing(min_speech=value)),
    "endpointing.prefix_padding": (0.0, 2.0, lambda value: endpointing(prefix_padding=value)),
    "endpointing.speech_start_timeout": (
        0.5,
        3600.0,
        lambda value: endpointing(speech_start_timeout=value),
    ),
    "endpointing.speech_end_timeout": (
        0.5,
        3600.0,
        lambda value: endpointing(speech_end_timeout=value),
    ),
    "endpointing.chunk_duration": (1.0, 28.0, lambda value: endpointing(chunk_duration=value)),
    "endpointing.overlap_duration": (
        0.0,
        4.0,
        lambda value: endpointing(chunk_duration=8.0, overlap_duration=value),
    ),
    "recognition.decoding.no_speech_threshold": (
        0.0,
        1.0,
        lambda value: recognition(no_speech_threshold=value),
    ),
}
WHOLE_RANGES: dict[str, tuple[int, int, Callable[[int], StreamConfig]]] = {
    "audio_format.sample_rate_hertz": (8_000, 48_000, lambda value: raw(sample_rate=value)),
    "audio_format.channel_count": (1, 8, lambda value: raw(channels=value)),
    "decoding.beam_size": (1, 8, lambda value: recognition(beam_size=value)),
}


def assert_refused(config: StreamConfig, field: str) -> None:
    error = error_of(config)
    assert isinstance(error, InvalidConfig)
    assert error.field == field
    assert_in_contract(field)


def assert_in_contract(field: str, message: Descriptor | None = None) -> None:
    """`field` leads through the messages that a client sends."""
    message = message or pb.StreamingRecognizeRequest.DESCRIPTOR
    for name in re.sub(r"\[\d+\]", "", field).split("."):
        assert message is not None, f"{name} of {field} has no fields"
        assert name in message.fields_by_name, f"{message.full_name} has no {name}"
        message = message.fields_by_name[name].message_type


def test_the_defaults_are_allowed() -> None:
    assert error_of(StreamConfig()) is None


@pytest.mark.parametrize("field", RANGES)
@given(value=st.floats(0.0, 1.0))
def test_everything_within_a_range_is_allowed(field: str, value: float) -> None:
    low, high, config = RANGES[field]
    assert error_of(config(min(low + value * (high - low), high))) is None


@pytest.mark.parametrize("field", RANGES)
@given(value=st.floats())
def test_everything_else_is_refused_by_name(field: str, value: float) -> None:
    low, high, config = RANGES[field]
    if low <= value <= high:
        assert error_of(config(value)) is None
    else:
        assert_refused(config(value), f"config.{field}")


@pytest.mark.parametrize("field", RANGES)
def test_a_range_includes_its_ends_and_nothing_beyond(field: str) -> None:
    low, high, config = RANGES[field]
    assert error_of(config(low)) is None
    assert error_of(config(high)) is None
    assert_refused(config(math.nextafter(low, -math.inf)), f"config.{field}")
    assert_refused(config(math.nextafter(high, math.inf)), f"config.{field}")
    assert_refused(config(math.nan), f"config.{field}")


@pytest.mark.parametrize("field", WHOLE_RANGES)
@given(value=st.integers(-(2**31), 2**31 - 1))
def test_whole_numbers_have_ranges_too(field: str, value: int) -> None:
    low, high, config = WHOLE_RANGES[field]
    for number in (low, high, value):
        if low <= number <= high:
            assert error_of(config(number)) is None
        else:
            assert_refused(config(number), f"config.recognition.{field}")


@pytest.mark.parametrize("field", WHOLE_RANGES)
def test_whole_numbers_just_beyond_are_refused(field: str) -> None:
    low, high, config = WHOLE_RANGES[field]
    assert_refused(config(low - 1), f"config.recognition.{field}")
    assert_refused(config(high + 1), f"config.recognition.{field}")


@given(value=st.floats())
def test_a_speech_threshold_lies_between_zero_and_one(value: float) -> None:
    if 0.0 < value < 1.0:
        assert error_of(endpointing(speech_threshold=value)) is None
    else:
        assert_refused(endpointing(speech_threshold=value), "config.endpointing.speech_threshold")


@pytest.mark.parametrize("value", [0.0, 1.0, math.nan])
def test_a_speech_threshold_at_an_end_decides_nothing(value: float) -> None:
    assert_refused(endpointing(speech_threshold=value), "config.endpointing.speech_threshold")


def test_an_error_tells_the_value_and_the_range_with_their_unit() -> None:
    error = error_of(endpointing(end_silence=0.05))
    assert str(error) == "config.endpointing.end_silence: 0.05 s is not within 0.1 s and 10 s"
    error = error_of(raw(channels=9))
    assert str(error) == ("config.recognition.audio_format.channel_count: 9 is not within 1 and 8")


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_presets_are_within_all_ranges(preset: Preset) -> None:
    assert error_of(preset.config) is None


# ---------------------------------------------------------------------------- channels, modes


def container(channels: int, channel_mode: ChannelMode) -> StreamConfig:
    audio_format = AudioFormat(AudioEncoding.CONTAINER, 0, channels)
    return recognition(audio_format=audio_format, channel_mode=channel_mode)


def test_a_container_brings_its_own_rate_and_channels() -> None:
    assert error_of(container(0, ChannelMode.MIX)) is None


def test_a_container_whose_channels_are_apart_needs_their_count() -> None:
    assert error_of(container(2, ChannelMode.SEPARATE)) is None
    for count in (-1, 0, 9):
        field = "config.recognition.audio_format.channel_count"
        assert_refused(container(count, ChannelMode.SEPARATE), field)


@pytest.mark.parametrize(
    ("field", "settings"),
    [
        ("single_utterance", {"single_utterance": True}),
        (
            "endpointing.speech_start_timeout",
            {"endpointing": EndpointingConfig(speech_start_timeout=1.0)},
        ),
        (
            "endpointing.speech_end_timeout",
            {"endpointing": EndpointingConfig(speech_end_timeout=1.0)},
        ),
    ],
)
def test_what_ends_a_stream_needs_one_channel(field: str, settings: dict[str, object]) -> None:
    config = StreamConfig(**settings)  # type: ignore[arg-type]
    assert error_of(config) is None
    apart = recognition(channel_mode=ChannelMode.SEPARATE).recognition
    assert_refused(replace(config, recognition=apart), f"config.{field}")


def test_settings_of_one_mode_are_settings_of_the_contract() -> None:
    for name in MODES:
        assert_in_contract(f"config.endpointing.{name}")
        assert hasattr(EndpointingConfig(), name)


@pytest.mark.parametrize("mode", EndpointingMode)
def test_a_setting_is_refused_in_modes_in_which_it_means_nothing(mode: EndpointingMode) -> None:
    config = EndpointingConfig(mode=mode)
    check_given(["mode", "min_speech", "speech_end_timeout"], config, "path")
    for name in MODES:
        if means_something(name, mode):
            check_given([name], config, "path")
        else:
            with pytest.raises(InvalidConfig, match=rf"^path\.{name}: means nothing in mode"):
                check_given([name], config, "path")


# --------------------------------------------------------------------------------- adaptation


def adapted(**settings: object) -> StreamConfig:
    return recognition(adaptation=Adaptation(**settings))  # type: ignore[arg-type]


def test_adaptations_up_to_the_limits_are_allowed() -> None:
    rules = (Replacement("a" * 4, "b" * 4), Replacement("c", ""))
    full = adapted(initial_prompt="p" * 5, hotwords=("abc", "def"), replacements=rules)
    assert error_of(full) is None


@pytest.mark.parametrize(
    ("field", "settings", "says"),
    [
        ("initial_prompt", {"initial_prompt": "p" * 6}, "6 characters, at most 5 are allowed"),
        ("hotwords", {"hotwords": ("a", "b", "c")}, "3 hotwords, at most 2 are allowed"),
        ("hotwords", {"hotwords": ("abc", "defg")}, "7 characters in all, at most 6 are allowed"),
        (
            "replacements",
            {"replacements": (Replacement("a", "b"),) * 3},
            "3 replacements, at most 2 are allowed",
        ),
        (
            "replacements[1].search",
            {"replacements": (Replacement("a", "b"), Replacement("a" * 5, "b"))},
            "5 characters, at most 4 are allowed",
        ),
        (
            "replacements[0].replace",
            {"replacements": (Replacement("a", "b" * 5),)},
            "5 characters, at most 4 are allowed",
        ),
        ("replacements[0].search", {"replacements": (Replacement("", "b"),)}, "has no word"),
        ("replacements[0].search", {"replacements": (Replacement(" .", "b"),)}, "has no word"),
    ],
)
def test_adaptations_beyond_are_refused(field: str, settings: dict[str, object], says: str) -> None:
    config = adapted(**settings)
    assert_refused(config, f"config.recognition.adaptation.{field}")
    assert says in str(error_of(config))


# ------------------------------------------------------------------- model, languages, task


@pytest.mark.parametrize("name", ["", "auto", "tiny"])
def test_the_model_served_has_three_names(name: str) -> None:
    assert error_of(recognition(model=name)) is None


def test_another_model_is_not_found() -> None:
    error = error_of(recognition(model="huge"))
    assert isinstance(error, ModelNotFound)
    assert error.metadata == {
        "field": "config.recognition.model",
        "model": "huge",
        "served": "tiny",
    }
    assert_in_contract(error.metadata["field"])


@pytest.mark.parametrize("languages", [(), ("ko",), ("en", "ko")])
def test_languages_of_the_model_are_allowed(languages: tuple[str, ...]) -> None:
    assert error_of(recognition(languages=languages)) is None


def test_a_language_the_model_does_not_know_is_named_by_its_place() -> None:
    config = recognition(languages=("en", "fr"))
    assert_refused(config, "config.recognition.language_codes[1]")
    assert "it knows en, ko" in str(error_of(config))


def test_languages_are_told_as_tags() -> None:
    config = recognition(languages=("jw",), language_tags=("jv-ID",))
    assert "'jv-ID' is not a language" in str(error_of(config))


def test_languages_are_bounded_before_they_are_looked_at() -> None:
    assert_refused(recognition(languages=("xx",) * 3), "config.recognition.language_codes")


def test_a_task_the_model_cannot_do_is_refused() -> None:
    assert_refused(recognition(task=Task.TRANSLATE), "config.recognition.task")


def test_fields_of_a_recording_s_config_are_named_from_its_own_message() -> None:
    config = RecognitionConfig(task=Task.TRANSLATE)
    with pytest.raises(InvalidConfig) as failure:
        check_recognition(config, MODEL, LIMITS, "config")
    assert failure.value.field == "config.task"
    assert_in_contract(failure.value.field, pb.RecognizeRequest.DESCRIPTOR)


def test_a_long_name_does_not_fill_the_error() -> None:
    error = error_of(recognition(model="m" * 5_000))
    assert error is not None
    assert len(str(error)) < 300
    assert len(error.metadata["model"]) == LONGEST_QUOTE
