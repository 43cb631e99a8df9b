"""The settings of a stream in force, told to its client."""

from __future__ import annotations

from typing import Any, Final

from sori.v1 import speech_pb2 as pb

from sori_server.domain.audio import AudioFormat
from sori_server.domain.config import (
    Adaptation,
    ChannelMode,
    EndpointingConfig,
    Priority,
    RecognitionConfig,
    ResumeConfig,
    StreamConfig,
    Task,
)
from sori_server.domain.language import tag_for
from sori_server.engine.port import ModelInfo
from sori_server.runtime.validation import means_something
from sori_server.transport.contract.durations import duration
from sori_server.transport.contract.requests import ENCODINGS, MODES

_ENCODING_VALUES: Final = {encoding: value for value, encoding in ENCODINGS.items()}
_MODE_VALUES: Final = {mode: value for value, mode in MODES.items()}
_TASK_VALUES: Final = {
    Task.TRANSCRIBE: pb.TASK_TRANSCRIBE,
    Task.TRANSLATE: pb.TASK_TRANSLATE,
}
_CHANNEL_MODE_VALUES: Final = {
    ChannelMode.MIX: pb.CHANNEL_MODE_MIX,
    ChannelMode.SEPARATE: pb.CHANNEL_MODE_SEPARATE,
}

_PRIORITY_VALUES: Final = {
    Priority.LIVE: pb.PRIORITY_LIVE,
    Priority.BATCH: pb.PRIORITY_BATCH,
}


def effective_config(config: StreamConfig, model_info: ModelInfo) -> pb.StreamingConfig:
    """The settings in force; asked for in a new stream, they give the same settings."""
    progress, resume = config.progress_interval, config.resume
    return pb.StreamingConfig(
        recognition=_recognition_config(config.recognition, model_info),
        interim_results=config.interim_results,
        min_interim_interval=duration(config.interim_interval),
        endpointing=_endpointing(config.endpointing),
        single_utterance=config.single_utterance,
        voice_activity_events=config.voice_activity_events,
        progress_interval=None if progress is None else duration(progress),
        latency_breakdown=config.latency_breakdown,
        preset=config.preset,
        priority=_PRIORITY_VALUES[config.priority],
        resume=_resume_options(resume) if resume.enabled else None,
    )


def _resume_options(config: ResumeConfig) -> pb.ResumeOptions:
    """For a new session like this one: what named the session resumed is left out."""
    window = None if config.window is None else duration(config.window)
    return pb.ResumeOptions(enabled=True, window=window)


def _endpointing(config: EndpointingConfig) -> pb.EndpointingConfig:
    """What is in force: settings that mean nothing in this mode are left out."""
    durations = {
        "end_silence": config.end_silence,
        "max_utterance": config.longest_utterance,
        "min_speech": config.min_speech,
        "prefix_padding": config.prefix_padding,
        "speech_start_timeout": config.speech_start_timeout,
        "speech_end_timeout": config.speech_end_timeout,
        "chunk_duration": config.chunk_duration,
        "overlap_duration": config.overlap_duration,
    }
    in_force: dict[str, Any] = {
        name: duration(seconds)
        for name, seconds in durations.items()
        if seconds is not None and means_something(name, config.mode)
    }
    return pb.EndpointingConfig(
        mode=_MODE_VALUES[config.mode], speech_threshold=config.speech_threshold, **in_force
    )


def _recognition_config(config: RecognitionConfig, model_info: ModelInfo) -> pb.RecognitionConfig:
    return pb.RecognitionConfig(
        audio_format=_audio_format(config.audio_format),
        model=model_info.name,
        language_codes=[tag_for(code, config) for code in config.languages],
        language_switching=config.language_switching,
        task=_TASK_VALUES[config.task],
        features=pb.RecognitionFeatures(
            word_time_offsets=config.word_times,
            interim_word_time_offsets=config.interim_words,
        ),
        adaptation=_adaptation(config.adaptation),
        channel_mode=_CHANNEL_MODE_VALUES[config.channel_mode],
        decoding=pb.DecodingOptions(
            beam_size=config.beam_size,
            no_speech_threshold=config.no_speech_threshold,
            condition_on_previous_text=config.condition_on_previous_text,
        ),
    )


def _adaptation(adaptation: Adaptation) -> pb.Adaptation:
    return pb.Adaptation(
        hotwords=adaptation.hotwords,
        initial_prompt=adaptation.initial_prompt,
        replacements=[
            pb.Replacement(
                search=rule.search, replace=rule.replace, case_sensitive=rule.case_sensitive
            )
            for rule in adaptation.replacements
        ],
    )


def _audio_format(audio: AudioFormat) -> pb.AudioFormat:
    return pb.AudioFormat(
        encoding=_ENCODING_VALUES[audio.encoding],
        sample_rate_hertz=audio.sample_rate,
        channel_count=audio.channels,
    )
