"""The ranges a stream's settings must keep; field paths are those of the contract."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sori_server.domain.audio import (
    MAX_CHANNELS,
    MAX_SAMPLE_RATE,
    MIN_SAMPLE_RATE,
)
from sori_server.domain.config import (
    LONGEST_CHUNK_WITH_OVERLAP,
    LONGEST_UTTERANCE,
    Adaptation,
    ChannelMode,
    EndpointingConfig,
    EndpointingMode,
    RecognitionConfig,
    Replacement,
    StreamConfig,
)
from sori_server.domain.errors import LONGEST_QUOTE, InvalidConfig, ModelNotFound, quoted
from sori_server.domain.language import language_tag, tag_for
from sori_server.domain.limits import Limits
from sori_server.engine.port import ModelInfo

DEFAULT_MODEL: Final = "auto"
"""Names the server's own model, whichever it is."""

MODES: Final = {
    "end_silence": (EndpointingMode.VAD, EndpointingMode.FIXED),
    "max_utterance": (EndpointingMode.VAD, EndpointingMode.CLIENT),
    "chunk_duration": (EndpointingMode.FIXED,),
    "overlap_duration": (EndpointingMode.FIXED,),
}
"""Settings of endpointing that mean something in some modes only."""


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
    _check_endpointing(config.endpointing, "config.endpointing")
    if config.recognition.channel_mode is ChannelMode.SEPARATE:
        _check_separate(config)


def check_recognition(
    config: RecognitionConfig, model: ModelInfo, limits: Limits, path: str
) -> None:
    """Check what is to be recognized; `path` leads to `config` in the message.

    Raises:
        InvalidConfig: a field is out of its range; names it.
        ModelNotFound: another model was asked for.
    """
    _check_format(config, f"{path}.audio_format")
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
    languages = len(config.languages)
    _at_most(f"{path}.language_codes", languages, limits.max_languages, "languages")
    for i, language in enumerate(config.languages):
        if language not in model.languages:
            given = quoted(tag_for(language, config))
            known = ", ".join(map(language_tag, model.languages))
            raise InvalidConfig(
                f"{path}.language_codes[{i}]",
                f"{given} is not a language of model {model.name!r}; it knows {known}",
            )
    if config.task not in model.tasks:
        raise InvalidConfig(f"{path}.task", f"model {model.name!r} cannot {config.task.value}")
    decoding = f"{path}.decoding"
    _in_range(f"{decoding}.beam_size", config.beam_size, 1, limits.max_beam_size, "")
    _in_range(f"{decoding}.no_speech_threshold", config.no_speech_threshold, 0.0, 1.0, "")
    check_adaptation(config.adaptation, limits, f"{path}.adaptation")


def check_adaptation(adaptation: Adaptation, limits: Limits, path: str) -> None:
    """Check the size of what is to be expected; `path` leads to it in the message.

    Raises:
        InvalidConfig: there is too much of something; names it and the limit.
    """
    _at_most(
        f"{path}.initial_prompt",
        len(adaptation.initial_prompt),
        limits.max_prompt_characters,
        "characters",
    )
    hotwords = adaptation.hotwords
    _at_most(f"{path}.hotwords", len(hotwords), limits.max_hotwords, "hotwords")
    length = sum(map(len, hotwords))
    _at_most(f"{path}.hotwords", length, limits.max_hotword_characters, "characters in all")
    rules = adaptation.replacements
    _at_most(f"{path}.replacements", len(rules), limits.max_replacements, "replacements")
    for i, rule in enumerate(rules):
        _check_replacement(rule, limits.max_replacement_characters, f"{path}.replacements[{i}]")


def means_something(name: str, mode: EndpointingMode) -> bool:
    """Whether the setting of endpointing with this name has an effect in this mode."""
    return name not in MODES or mode in MODES[name]


def check_given(names: Iterable[str], config: EndpointingConfig, path: str) -> None:
    """Check that fields a client has set, by their names, mean something in its mode.

    Raises:
        InvalidConfig: one contradicts the mode; names it and the modes it belongs to.
    """
    for name in names:
        if not means_something(name, config.mode):
            wanted = " or ".join(mode.name for mode in MODES[name])
            raise InvalidConfig(
                f"{path}.{name}", f"means nothing in mode {config.mode.name}; it is for {wanted}"
            )


def _check_format(config: RecognitionConfig, path: str) -> None:
    audio = config.audio_format
    if not audio.encoding.is_container:
        rate = audio.sample_rate
        _in_range(f"{path}.sample_rate_hertz", rate, MIN_SAMPLE_RATE, MAX_SAMPLE_RATE, "Hz")
    elif config.channel_mode is ChannelMode.MIX:
        return
    _in_range(f"{path}.channel_count", audio.channels, 1, MAX_CHANNELS, "")


def _check_endpointing(config: EndpointingConfig, path: str) -> None:
    longest = config.longest_utterance
    _in_range(f"{path}.end_silence", config.end_silence, 0.1, 10.0, "s")
    _in_range(f"{path}.max_utterance", longest, 2.0, LONGEST_UTTERANCE, "s")
    _in_range(f"{path}.min_speech", config.min_speech, 0.0, 2.0, "s")
    _in_range(f"{path}.prefix_padding", config.prefix_padding, 0.0, 2.0, "s")
    _in_range(f"{path}.chunk_duration", config.chunk_duration, 1.0, LONGEST_UTTERANCE, "s")
    most = min(config.chunk_duration / 2, LONGEST_CHUNK_WITH_OVERLAP - config.chunk_duration)
    _in_range(f"{path}.overlap_duration", config.overlap_duration, 0.0, round(most, 3), "s")
    for name in ("speech_start_timeout", "speech_end_timeout"):
        timeout = getattr(config, name)
        if timeout is not None:
            _in_range(f"{path}.{name}", timeout, 0.5, 3600.0, "s")
    if not 0.0 < config.speech_threshold < 1.0:
        raise InvalidConfig(
            f"{path}.speech_threshold", f"{config.speech_threshold:g} is not between 0 and 1"
        )


def _check_separate(config: StreamConfig) -> None:
    """Whatever ends a stream ends all of its channels: nobody can say which one should."""
    endpointing = config.endpointing
    wanted = {
        "config.single_utterance": config.single_utterance,
        "config.endpointing.speech_start_timeout": endpointing.speech_start_timeout is not None,
        "config.endpointing.speech_end_timeout": endpointing.speech_end_timeout is not None,
    }
    for field, given in wanted.items():
        if given:
            raise InvalidConfig(field, "cannot be had with CHANNEL_MODE_SEPARATE")


def _check_replacement(rule: Replacement, most: int, path: str) -> None:
    _at_most(f"{path}.search", len(rule.search), most, "characters")
    _at_most(f"{path}.replace", len(rule.replace), most, "characters")
    if not any(character.isalnum() for character in rule.search):
        raise InvalidConfig(f"{path}.search", "has no word to look for")


def _at_most(field: str, count: int, most: int, of_what: str) -> None:
    if count > most:
        raise InvalidConfig(
            field, f"{count} {of_what}, at most {most} are allowed", limit=str(most)
        )


def _in_range(field: str, value: float, low: float, high: float, unit: str) -> None:
    if not low <= value <= high:
        given, least, most = (f"{number:g} {unit}".strip() for number in (value, low, high))
        raise InvalidConfig(field, f"{given} is not within {least} and {most}")
