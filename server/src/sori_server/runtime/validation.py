"""The ranges a stream's settings must keep; field paths are those of the contract."""

from __future__ import annotations

from typing import Final

from sori_server.domain.audio import (
    MAX_CHANNELS,
    MAX_SAMPLE_RATE,
    MIN_SAMPLE_RATE,
    AudioEncoding,
    AudioFormat,
)
from sori_server.domain.config import (
    LONGEST_UTTERANCE,
    EndpointingConfig,
    RecognitionConfig,
    StreamConfig,
)
from sori_server.domain.errors import InvalidConfig, ModelNotFound
from sori_server.domain.limits import Limits
from sori_server.engine.port import ModelInfo

DEFAULT_MODEL: Final = "auto"
"""Names the server's own model, whichever it is."""
LONGEST_QUOTE: Final = 64
"""Characters of a client's text that errors repeat: a status has to fit in a few KiB."""


def check_stream(config: StreamConfig, model: ModelInfo, limits: Limits) -> None:
    """Check the settings of a stream.

    Raises:
        InvalidConfig: a field is out of its range; names it.
        ModelNotFound: another model was asked for.
    """
    check_recognition(config.recognition, model, limits, "config.recognition")
    _in_range("config.min_interim_interval", config.interim_interval, 0.1, 10.0, "s")
    if config.progress_interval is not None:
        _in_range("config.progress_interval", config.progress_interval, 0.1, 3600.0, "s")
    _check_endpointing(config.endpointing)


def check_recognition(
    config: RecognitionConfig, model: ModelInfo, limits: Limits, path: str
) -> None:
    """Check what is to be recognized; `path` leads to `config` in the message.

    Raises:
        InvalidConfig: a field is out of its range; names it.
        ModelNotFound: another model was asked for.
    """
    _check_format(config.audio_format, f"{path}.audio_format")
    if config.model not in ("", DEFAULT_MODEL, model.name):
        raise ModelNotFound(
            f"{path}.model: {quoted(config.model)} is not served here;"
            f" this server has {model.name!r}",
            metadata={
                "field": f"{path}.model",
                "model": config.model[:LONGEST_QUOTE],
                "served": model.name,
            },
        )
    if len(config.languages) > limits.max_languages:
        raise InvalidConfig(
            f"{path}.language_codes",
            f"{len(config.languages)} languages, at most {limits.max_languages} are allowed",
        )
    for i, language in enumerate(config.languages):
        if language not in model.languages:
            known = ", ".join(model.languages)
            raise InvalidConfig(
                f"{path}.language_codes[{i}]",
                f"{quoted(language)} is not a language of model {model.name!r}; it knows {known}",
            )
    if config.task not in model.tasks:
        raise InvalidConfig(f"{path}.task", f"model {model.name!r} cannot {config.task.value}")
    _in_range(f"{path}.decoding.beam_size", config.beam_size, 1, limits.max_beam_size, "")


def quoted(text: str) -> str:
    """What a client wrote, for error messages: in quotes, and cut if it is long."""
    return repr(text if len(text) <= LONGEST_QUOTE else f"{text[:LONGEST_QUOTE]}…")


def _check_format(audio: AudioFormat, path: str) -> None:
    if audio.encoding is AudioEncoding.WAV:
        return
    _in_range(
        f"{path}.sample_rate_hertz", audio.sample_rate, MIN_SAMPLE_RATE, MAX_SAMPLE_RATE, "Hz"
    )
    _in_range(f"{path}.channel_count", audio.channels, 1, MAX_CHANNELS, "")


def _check_endpointing(config: EndpointingConfig) -> None:
    path = "config.endpointing"
    _in_range(f"{path}.end_silence", config.end_silence, 0.1, 10.0, "s")
    longest = config.longest_utterance
    _in_range(f"{path}.max_utterance", longest, 2.0, LONGEST_UTTERANCE, "s")
    _in_range(f"{path}.min_speech", config.min_speech, 0.0, 2.0, "s")
    _in_range(f"{path}.prefix_padding", config.prefix_padding, 0.0, 2.0, "s")
    if not 0.0 < config.speech_threshold < 1.0:
        raise InvalidConfig(
            f"{path}.speech_threshold", f"{config.speech_threshold:g} is not between 0 and 1"
        )


def _in_range(field: str, value: float, low: float, high: float, unit: str) -> None:
    if not low <= value <= high:
        given, least, most = (f"{number:g} {unit}".strip() for number in (value, low, high))
        raise InvalidConfig(field, f"{given} is not within {least} and {most}")
