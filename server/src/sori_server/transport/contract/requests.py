"""Messages of the contract to domain values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeVar

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from sori.v1 import speech_pb2 as pb

from sori_server.domain.audio import AudioEncoding, AudioFormat
from sori_server.domain.config import (
    Adaptation,
    ChannelMode,
    EndpointingConfig,
    EndpointingMode,
    Priority,
    RecognitionConfig,
    Replacement,
    ResumeConfig,
    StreamConfig,
    Task,
)
from sori_server.domain.errors import InvalidConfig, ProtocolViolation, quoted
from sori_server.domain.language import whisper_code
from sori_server.domain.limits import Limits
from sori_server.domain.presets import NO_PRESET, Preset, preset_named
from sori_server.runtime.door import (
    AudioBytes,
    ClientMessage,
    EndOfAudio,
    FinalizeUtterance,
    KeepAlive,
    ResponsesReceived,
)
from sori_server.runtime.validation import check_adaptation, check_given

LAST_SEQUENCE: Final = 2**53
"""Greatest number of a response: JSON clients count exactly so far, and no session gets there."""

Default = TypeVar("Default", float, float | None)
Number = TypeVar("Number", bound=int)
Value = TypeVar("Value")

ENCODINGS: Final = {
    pb.AUDIO_ENCODING_LINEAR16: AudioEncoding.LINEAR16,
    pb.AUDIO_ENCODING_FLOAT32: AudioEncoding.FLOAT32,
    pb.AUDIO_ENCODING_MULAW: AudioEncoding.MULAW,
    pb.AUDIO_ENCODING_ALAW: AudioEncoding.ALAW,
    pb.AUDIO_ENCODING_WAV: AudioEncoding.WAV,
    pb.AUDIO_ENCODING_FLAC: AudioEncoding.FLAC,
    pb.AUDIO_ENCODING_OGG_OPUS: AudioEncoding.OGG_OPUS,
    pb.AUDIO_ENCODING_WEBM_OPUS: AudioEncoding.WEBM_OPUS,
    pb.AUDIO_ENCODING_MP3: AudioEncoding.MP3,
    pb.AUDIO_ENCODING_M4A: AudioEncoding.M4A,
    pb.AUDIO_ENCODING_CONTAINER: AudioEncoding.CONTAINER,
}
TASKS: Final = {
    pb.TASK_UNSPECIFIED: Task.TRANSCRIBE,
    pb.TASK_TRANSCRIBE: Task.TRANSCRIBE,
    pb.TASK_TRANSLATE: Task.TRANSLATE,
}
CHANNEL_MODES: Final = {
    pb.CHANNEL_MODE_UNSPECIFIED: ChannelMode.MIX,
    pb.CHANNEL_MODE_MIX: ChannelMode.MIX,
    pb.CHANNEL_MODE_SEPARATE: ChannelMode.SEPARATE,
}
PRIORITIES: Final = {
    pb.PRIORITY_UNSPECIFIED: Priority.LIVE,
    pb.PRIORITY_LIVE: Priority.LIVE,
    pb.PRIORITY_BATCH: Priority.BATCH,
}
MODES: Final = {
    pb.ENDPOINTING_MODE_VAD: EndpointingMode.VAD,
    pb.ENDPOINTING_MODE_CLIENT: EndpointingMode.CLIENT,
    pb.ENDPOINTING_MODE_FIXED: EndpointingMode.FIXED,
}


def stream_config(
    message: pb.StreamingConfig, limits: Limits, server_preset: Preset = NO_PRESET
) -> StreamConfig:
    """Settings of a stream.

    What is unset is filled in from the preset that is named, or that of the server.

    Raises:
        InvalidConfig: it is larger than allowed; an enum value, tag or preset is not known; a
            setting contradicts the endpointing mode.
    """
    _check_size(message, message.recognition, limits, "config.recognition")
    preset = preset_named(message.preset, "config.preset") if message.preset else server_preset
    default = preset.config
    interval = _seconds(message, "min_interim_interval", default.interim_interval)
    return StreamConfig(
        recognition=_recognition_config(message.recognition, limits, preset, "config.recognition"),
        endpointing=_endpointing(message.endpointing, default.endpointing),
        preset=preset.name,
        interim_results=message.interim_results,
        single_utterance=message.single_utterance,
        interim_interval=interval,
        voice_activity_events=message.voice_activity_events,
        progress_interval=_seconds(message, "progress_interval", default.progress_interval),
        latency_breakdown=message.latency_breakdown,
        priority=_known(PRIORITIES, message.priority, "config.priority"),
        resume=_resume(message.resume, limits),
    )


def _resume(message: pb.ResumeOptions, limits: Limits) -> ResumeConfig:
    """A window that is longer than allowed is as long as allowed."""
    path = "config.resume"
    enabled = message.enabled or bool(message.resume_token)
    window = _seconds(message, "window", limits.resume_window)
    if window <= 0:
        raise InvalidConfig(f"{path}.window", f"{window:g} s is not above 0")
    if message.last_sequence < 0:
        raise InvalidConfig(f"{path}.last_sequence", f"{message.last_sequence} is negative")
    if message.last_sequence > LAST_SEQUENCE:
        raise InvalidConfig(
            f"{path}.last_sequence", f"{message.last_sequence} is above {LAST_SEQUENCE}"
        )
    if message.last_sequence and not message.resume_token:
        raise InvalidConfig(f"{path}.last_sequence", "means nothing without a resume_token")
    if not enabled:
        return ResumeConfig()
    return ResumeConfig(
        enabled, min(window, limits.resume_window), message.resume_token, message.last_sequence
    )


def recording_config(
    message: pb.RecognitionConfig, limits: Limits, server_preset: Preset = NO_PRESET
) -> RecognitionConfig:
    """What to recognize in a recording; what is unset is filled in from the server's preset.

    Raises:
        InvalidConfig: it is larger than allowed, or an enum value or tag is not known.
    """
    _check_size(message, message, limits, "config")
    return _recognition_config(message, limits, server_preset, "config")


def _check_size(
    config: pb.StreamingConfig | pb.RecognitionConfig,
    recognition: pb.RecognitionConfig,
    limits: Limits,
    path: str,
) -> None:
    size, most = config.ByteSize(), limits.max_config_bytes
    if size > most:  # where that is due to an adaptation, its own limits say more
        check_adaptation(_adaptation(recognition.adaptation), limits, f"{path}.adaptation")
        raise InvalidConfig("config", f"{size} bytes, at most {most} are allowed", limit=str(most))


def _recognition_config(
    message: pb.RecognitionConfig, limits: Limits, preset: Preset, path: str
) -> RecognitionConfig:
    default, decoding = preset.config.recognition, message.decoding
    threshold, prompting = "no_speech_threshold", "condition_on_previous_text"
    channel_mode = _known(CHANNEL_MODES, message.channel_mode, f"{path}.channel_mode")
    return RecognitionConfig(
        audio_format=_audio_format(message.audio_format, channel_mode, f"{path}.audio_format"),
        model=message.model,
        languages=tuple(
            _language(tag, f"{path}.language_codes[{i}]")
            for i, tag in enumerate(message.language_codes)
        ),
        language_tags=tuple(message.language_codes),
        language_switching=message.language_switching,
        task=_known(TASKS, message.task, f"{path}.task"),
        word_times=message.features.word_time_offsets,
        interim_words=message.features.interim_word_time_offsets,
        adaptation=_adaptation(message.adaptation),
        channel_mode=channel_mode,
        beam_size=decoding.beam_size or min(default.beam_size, limits.max_beam_size),
        no_speech_threshold=_given(decoding, threshold, default.no_speech_threshold),
        condition_on_previous_text=_given(decoding, prompting, default.condition_on_previous_text),
    )


def _adaptation(message: pb.Adaptation) -> Adaptation:
    return Adaptation(
        initial_prompt=message.initial_prompt,
        hotwords=tuple(message.hotwords),
        replacements=tuple(
            Replacement(rule.search, rule.replace, rule.case_sensitive)
            for rule in message.replacements
        ),
    )


def check_page(message: pb.ListModelsRequest) -> None:
    """Check which page of a list is asked for; there is never a second one.

    Raises:
        InvalidConfig: there can be no such page.
    """
    if message.page_size < 0:
        raise InvalidConfig("page_size", f"{message.page_size} is negative")
    if message.page_token:
        raise InvalidConfig("page_token", "it was not given out by this server")


def client_message(message: pb.StreamingRecognizeRequest, limits: Limits) -> ClientMessage:
    """A message after the config.

    Raises:
        ProtocolViolation: it is a config, or nothing this server knows.
        InvalidConfig: it is larger than allowed, or counts bytes below zero.
    """
    match message.WhichOneof("request"):
        case "audio":
            return _audio(message.audio, limits)
        case "finalize":
            return _finalize(message.finalize, limits)
        case "keep_alive":
            return KeepAlive()
        case "response_ack":
            return _response_ack(message.response_ack)
        case "end_of_audio":
            return _end_of_audio(message.end_of_audio)
        case "config":
            raise ProtocolViolation(
                "config: sent twice; it is the first message and only that",
                metadata={"field": "config"},
            )
        case _:
            raise ProtocolViolation(
                "request: none of the kinds this server knows is set",
                metadata={"field": "request"},
            )


def _audio(chunk: pb.AudioChunk, limits: Limits) -> AudioBytes:
    if len(chunk.data) > limits.max_chunk_bytes:
        raise InvalidConfig(
            "audio.data",
            f"{len(chunk.data)} bytes in one message, at most {limits.max_chunk_bytes} are allowed",
            limit=str(limits.max_chunk_bytes),
        )
    if not chunk.HasField("byte_offset"):
        return AudioBytes(chunk.data)
    if chunk.byte_offset < 0:
        raise InvalidConfig("audio.byte_offset", f"{chunk.byte_offset} is negative")
    return AudioBytes(chunk.data, chunk.byte_offset)


def _finalize(finalize: pb.Finalize, limits: Limits) -> FinalizeUtterance:
    length, most = len(finalize.request_id), limits.max_request_id
    if length > most:
        raise InvalidConfig(
            "finalize.request_id",
            f"{length} characters, at most {most} are allowed",
            limit=str(most),
        )
    return FinalizeUtterance(finalize.request_id)


def _response_ack(ack: pb.ResponseAck) -> ResponsesReceived:
    if ack.sequence < 0:
        raise InvalidConfig("response_ack.sequence", f"{ack.sequence} is negative")
    return ResponsesReceived(ack.sequence)


def _end_of_audio(end: pb.EndOfAudio) -> EndOfAudio:
    if not end.HasField("total_bytes"):
        return EndOfAudio()
    if end.total_bytes < 0:
        raise InvalidConfig("end_of_audio.total_bytes", f"{end.total_bytes} is negative")
    return EndOfAudio(end.total_bytes)


def _endpointing(message: pb.EndpointingConfig, default: EndpointingConfig) -> EndpointingConfig:
    path = "config.endpointing"
    mode = default.mode
    if message.mode != pb.ENDPOINTING_MODE_UNSPECIFIED:
        mode = _known(MODES, message.mode, f"{path}.mode")
    chunk = _seconds(message, "chunk_duration", default.chunk_duration)
    overlap = _seconds(message, "overlap_duration", min(default.overlap_duration, chunk / 2))
    start_timeout = _seconds(message, "speech_start_timeout", default.speech_start_timeout)
    end_timeout = _seconds(message, "speech_end_timeout", default.speech_end_timeout)
    config = EndpointingConfig(
        mode=mode,
        end_silence=_seconds(message, "end_silence", default.end_silence),
        min_speech=_seconds(message, "min_speech", default.min_speech),
        prefix_padding=_seconds(message, "prefix_padding", default.prefix_padding),
        speech_threshold=_given(message, "speech_threshold", default.speech_threshold),
        max_utterance=_seconds(message, "max_utterance", default.max_utterance),
        speech_start_timeout=start_timeout,
        speech_end_timeout=end_timeout,
        chunk_duration=chunk,
        overlap_duration=overlap,
    )
    check_given((field.name for field, _ in message.ListFields()), config, path)
    return config


def _audio_format(message: pb.AudioFormat, channel_mode: ChannelMode, path: str) -> AudioFormat:
    try:
        encoding = ENCODINGS[message.encoding]
    except KeyError:
        known = ", ".join(encoding.name for encoding in AudioEncoding)
        raise InvalidConfig(
            f"{path}.encoding", f"{_name(message.encoding)} is not supported; supported: {known}"
        ) from None
    if encoding.is_container:
        separate = channel_mode is ChannelMode.SEPARATE
        return AudioFormat(encoding, 0, message.channel_count if separate else 0)
    return AudioFormat(encoding, message.sample_rate_hertz, message.channel_count or 1)


def _name(encoding: pb.AudioEncoding) -> str:
    known = encoding in pb.AudioEncoding.values()
    return pb.AudioEncoding.Name(encoding) if known else f"value {encoding}"


def _known(table: Mapping[Number, Value], number: Number, path: str) -> Value:
    if number not in table:
        raise InvalidConfig(path, f"value {number} is not known to this server")
    return table[number]


def _language(tag: str, path: str) -> str:
    try:
        return whisper_code(tag)
    except ValueError:
        raise InvalidConfig(
            path, f"{quoted(tag)} is not a BCP-47 tag such as 'en' or 'ko-KR'"
        ) from None


def _given(message: Message, field: str, default: Value) -> Value:
    """The value of an optional field."""
    value: Value = getattr(message, field)
    return value if message.HasField(field) else default


def _seconds(message: Message, field: str, default: Default) -> float | Default:
    """The value of a field that is a duration."""
    if not message.HasField(field):
        return default
    duration: Duration = getattr(message, field)
    return (duration.seconds * 10**9 + duration.nanos) / 10**9
