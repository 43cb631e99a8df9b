"""Messages of the contract to domain values."""

from __future__ import annotations

from typing import Final, TypeVar

from google.protobuf.duration_pb2 import Duration
from sori.v1 import speech_pb2 as pb

from sori_server.domain.audio import AudioEncoding, AudioFormat
from sori_server.domain.config import (
    EndpointingConfig,
    RecognitionConfig,
    StreamConfig,
    Task,
)
from sori_server.domain.errors import InvalidConfig, ProtocolViolation
from sori_server.domain.limits import Limits
from sori_server.runtime.door import (
    AudioBytes,
    ClientMessage,
    EndOfAudio,
    FinalizeUtterance,
    KeepAlive,
)
from sori_server.runtime.validation import quoted

Default = TypeVar("Default", float, float | None)

ENCODINGS: Final = {
    pb.AUDIO_ENCODING_LINEAR16: AudioEncoding.LINEAR16,
    pb.AUDIO_ENCODING_FLOAT32: AudioEncoding.FLOAT32,
    pb.AUDIO_ENCODING_MULAW: AudioEncoding.MULAW,
    pb.AUDIO_ENCODING_ALAW: AudioEncoding.ALAW,
    pb.AUDIO_ENCODING_WAV: AudioEncoding.WAV,
}
TASKS: Final = {
    pb.TASK_UNSPECIFIED: Task.TRANSCRIBE,
    pb.TASK_TRANSCRIBE: Task.TRANSCRIBE,
    pb.TASK_TRANSLATE: Task.TRANSLATE,
}


def stream_config(message: pb.StreamingConfig, limits: Limits) -> StreamConfig:
    """Settings of a stream, defaults filled in.

    Raises:
        InvalidConfig: it is larger than allowed, or an enum value or tag is not known.
    """
    _check_size(message, limits)
    default = StreamConfig()
    return StreamConfig(
        recognition=_recognition_config(message.recognition, "config.recognition"),
        endpointing=_endpointing(message.endpointing),
        interim_results=message.interim_results,
        interim_interval=_seconds(message, "min_interim_interval", default.interim_interval),
        voice_activity_events=message.voice_activity_events,
        progress_interval=_seconds(message, "progress_interval", default.progress_interval),
        latency_breakdown=message.latency_breakdown,
    )


def recording_config(message: pb.RecognitionConfig, limits: Limits) -> RecognitionConfig:
    """What to recognize in a recording, defaults filled in.

    Raises:
        InvalidConfig: it is larger than allowed, or an enum value or tag is not known.
    """
    _check_size(message, limits)
    return _recognition_config(message, "config")


def _check_size(config: pb.StreamingConfig | pb.RecognitionConfig, limits: Limits) -> None:
    size, most = config.ByteSize(), limits.max_config_bytes
    if size > most:
        raise InvalidConfig("config", f"{size} bytes, at most {most} are allowed", limit=str(most))


def _recognition_config(message: pb.RecognitionConfig, path: str) -> RecognitionConfig:
    default = RecognitionConfig()
    return RecognitionConfig(
        audio_format=_audio_format(message.audio_format, f"{path}.audio_format"),
        model=message.model,
        languages=tuple(
            _language(tag, f"{path}.language_codes[{i}]")
            for i, tag in enumerate(message.language_codes)
        ),
        task=_task(message.task, f"{path}.task"),
        word_times=message.features.word_time_offsets,
        beam_size=message.decoding.beam_size or default.beam_size,
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


def _end_of_audio(end: pb.EndOfAudio) -> EndOfAudio:
    if not end.HasField("total_bytes"):
        return EndOfAudio()
    if end.total_bytes < 0:
        raise InvalidConfig("end_of_audio.total_bytes", f"{end.total_bytes} is negative")
    return EndOfAudio(end.total_bytes)


def _endpointing(message: pb.EndpointingConfig) -> EndpointingConfig:
    default = EndpointingConfig()
    given = message.HasField("speech_threshold")
    limited = message.HasField("max_utterance")
    return EndpointingConfig(
        end_silence=_seconds(message, "end_silence", default.end_silence),
        min_speech=_seconds(message, "min_speech", default.min_speech),
        prefix_padding=_seconds(message, "prefix_padding", default.prefix_padding),
        speech_threshold=message.speech_threshold if given else default.speech_threshold,
        max_utterance=_seconds(message, "max_utterance", 0.0) if limited else None,
    )


def _audio_format(message: pb.AudioFormat, path: str) -> AudioFormat:
    try:
        encoding = ENCODINGS[message.encoding]
    except KeyError:
        known = ", ".join(encoding.name for encoding in AudioEncoding)
        raise InvalidConfig(
            f"{path}.encoding", f"{_name(message.encoding)} is not supported; supported: {known}"
        ) from None
    if encoding is AudioEncoding.WAV:
        return AudioFormat(encoding, 0, 0)
    return AudioFormat(encoding, message.sample_rate_hertz, message.channel_count or 1)


def _name(encoding: pb.AudioEncoding) -> str:
    known = encoding in pb.AudioEncoding.values()
    return pb.AudioEncoding.Name(encoding) if known else f"value {encoding}"


def _task(task: pb.Task, path: str) -> Task:
    if task not in TASKS:
        raise InvalidConfig(path, f"value {task} is not a task")
    return TASKS[task]


def _language(tag: str, path: str) -> str:
    """The primary subtag of a BCP-47 tag: Whisper tells languages apart, not regions."""
    language = tag.replace("_", "-").split("-", 1)[0].lower()
    if not language.isalpha():
        raise InvalidConfig(path, f"{quoted(tag)} is not a BCP-47 tag such as 'en' or 'ko-KR'")
    return language


def _seconds(
    message: pb.StreamingConfig | pb.EndpointingConfig, field: str, default: Default
) -> float | Default:
    if not message.HasField(field):
        return default
    duration: Duration = getattr(message, field)
    return (duration.seconds * 10**9 + duration.nanos) / 10**9
