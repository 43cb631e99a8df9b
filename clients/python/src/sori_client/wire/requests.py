"""From the client's values to request messages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from google.protobuf.duration_pb2 import Duration
from sori.v1 import speech_pb2 as pb

from sori_client.config import (
    ChannelMode,
    Endpointing,
    EndpointingMode,
    Priority,
    RecognitionConfig,
    StreamConfig,
    Task,
)
from sori_client.errors import InvalidSetting
from sori_client.types import AudioEncoding, AudioFormat

ENCODINGS: Final = {
    AudioEncoding.LINEAR16: pb.AUDIO_ENCODING_LINEAR16,
    AudioEncoding.FLOAT32: pb.AUDIO_ENCODING_FLOAT32,
    AudioEncoding.MULAW: pb.AUDIO_ENCODING_MULAW,
    AudioEncoding.ALAW: pb.AUDIO_ENCODING_ALAW,
    AudioEncoding.WAV: pb.AUDIO_ENCODING_WAV,
    AudioEncoding.FLAC: pb.AUDIO_ENCODING_FLAC,
    AudioEncoding.OGG_OPUS: pb.AUDIO_ENCODING_OGG_OPUS,
    AudioEncoding.WEBM_OPUS: pb.AUDIO_ENCODING_WEBM_OPUS,
    AudioEncoding.MP3: pb.AUDIO_ENCODING_MP3,
    AudioEncoding.M4A: pb.AUDIO_ENCODING_M4A,
    AudioEncoding.CONTAINER: pb.AUDIO_ENCODING_CONTAINER,
}
TASKS: Final = {
    Task.TRANSCRIBE: pb.TASK_TRANSCRIBE,
    Task.TRANSLATE: pb.TASK_TRANSLATE,
}
CHANNEL_MODES: Final = {
    ChannelMode.MIX: pb.CHANNEL_MODE_MIX,
    ChannelMode.SEPARATE: pb.CHANNEL_MODE_SEPARATE,
}
PRIORITIES: Final = {
    Priority.LIVE: pb.PRIORITY_LIVE,
    Priority.BATCH: pb.PRIORITY_BATCH,
}
MODES: Final = {
    EndpointingMode.VAD: pb.ENDPOINTING_MODE_VAD,
    EndpointingMode.CLIENT: pb.ENDPOINTING_MODE_CLIENT,
    EndpointingMode.FIXED: pb.ENDPOINTING_MODE_FIXED,
}


@contextmanager
def _sendable() -> Iterator[None]:
    """A value no message can hold is an error of the client."""
    try:
        yield
    except InvalidSetting:
        raise
    except ValueError as error:  # a number too large, a string that is not Unicode
        raise InvalidSetting(f"a setting cannot be sent: {error}") from None


def duration(seconds: float | None) -> Duration | None:
    """`seconds` to the nearest nanosecond; None stays unset.

    Raises:
        InvalidSetting: there is no such length of time.
    """
    if seconds is None:
        return None
    message = Duration()
    try:
        message.FromNanoseconds(round(seconds * 1e9))
    except (ValueError, OverflowError):  # not finite, or ten thousand years
        raise InvalidSetting(f"{seconds:g} s is no length of time") from None
    return message


def audio_format(value: AudioFormat) -> pb.AudioFormat:
    """The format; containers say their rate themselves."""
    return pb.AudioFormat(
        encoding=ENCODINGS[value.encoding],
        sample_rate_hertz=0 if value.encoding.is_container else value.sample_rate,
        channel_count=value.channels,
    )


@_sendable()
def recognition_config(config: RecognitionConfig, audio: AudioFormat) -> pb.RecognitionConfig:
    """What to recognize in audio of a format; what is None stays unset.

    Raises:
        InvalidSetting: a value no message can hold.
    """
    return pb.RecognitionConfig(
        audio_format=audio_format(audio),
        model=config.model,
        language_codes=config.languages,
        language_switching=config.language_switching,
        task=TASKS[config.task],
        features=pb.RecognitionFeatures(
            word_time_offsets=config.word_times, interim_word_time_offsets=config.interim_words
        ),
        adaptation=_adaptation(config),
        channel_mode=CHANNEL_MODES[config.channel_mode],
        decoding=pb.DecodingOptions(
            beam_size=config.beam_size,
            no_speech_threshold=config.no_speech_threshold,
            condition_on_previous_text=config.condition_on_previous_text,
        ),
    )


def _adaptation(config: RecognitionConfig) -> pb.Adaptation:
    return pb.Adaptation(
        hotwords=config.hotwords,
        initial_prompt=config.initial_prompt,
        replacements=[
            pb.Replacement(
                search=each.search, replace=each.replace, case_sensitive=each.case_sensitive
            )
            for each in config.replacements
        ],
    )


def endpointing_config(value: Endpointing) -> pb.EndpointingConfig:
    """Endpointing; what is None stays unset."""
    return pb.EndpointingConfig(
        mode=MODES[value.mode] if value.mode else pb.ENDPOINTING_MODE_UNSPECIFIED,
        end_silence=duration(value.end_silence),
        max_utterance=duration(value.max_utterance),
        min_speech=duration(value.min_speech),
        prefix_padding=duration(value.prefix_padding),
        speech_threshold=value.speech_threshold,
        speech_start_timeout=duration(value.speech_start_timeout),
        speech_end_timeout=duration(value.speech_end_timeout),
        chunk_duration=duration(value.chunk_duration),
        overlap_duration=duration(value.overlap_duration),
    )


@_sendable()
def config_request(config: StreamConfig, audio: AudioFormat) -> pb.StreamingRecognizeRequest:
    """The first message of a stream.

    Raises:
        InvalidSetting: a value no message can hold.
    """
    return pb.StreamingRecognizeRequest(
        config=pb.StreamingConfig(
            recognition=recognition_config(config, audio),
            interim_results=config.interim_results,
            min_interim_interval=duration(config.interim_interval),
            endpointing=endpointing_config(config.endpointing),
            single_utterance=config.single_utterance,
            voice_activity_events=config.voice_activity_events,
            progress_interval=duration(config.progress_interval),
            latency_breakdown=config.latency_breakdown,
            preset=config.preset,
            priority=PRIORITIES[config.priority],
        )
    )


def resumable_request(
    first: pb.StreamingRecognizeRequest, token: str = "", last_sequence: int = 0
) -> pb.StreamingRecognizeRequest:
    """The first message of a stream, asking for a session that can be resumed.

    With a token: of one that resumes it, behind the last response received.
    """
    request = pb.StreamingRecognizeRequest()
    request.CopyFrom(first)
    request.config.resume.CopyFrom(
        pb.ResumeOptions(enabled=True, resume_token=token, last_sequence=last_sequence)
    )
    return request


def audio_request(data: bytes, offset: int | None = None) -> pb.StreamingRecognizeRequest:
    """A run of audio; where it belongs, if that does not go without saying."""
    return pb.StreamingRecognizeRequest(audio=pb.AudioChunk(data=data, byte_offset=offset))


def response_ack_request(sequence: int) -> pb.StreamingRecognizeRequest:
    """Responses up to this one need not be sent again."""
    return pb.StreamingRecognizeRequest(response_ack=pb.ResponseAck(sequence=sequence))


def finalize_request(request_id: str) -> pb.StreamingRecognizeRequest:
    """Ends the utterance now."""
    return pb.StreamingRecognizeRequest(finalize=pb.Finalize(request_id=request_id))


def keep_alive_request() -> pb.StreamingRecognizeRequest:
    """Resets the server's idle timer."""
    return pb.StreamingRecognizeRequest(keep_alive=pb.KeepAlive())


def end_of_audio_request(total_bytes: int) -> pb.StreamingRecognizeRequest:
    """The last message of a stream; the server checks the count."""
    return pb.StreamingRecognizeRequest(end_of_audio=pb.EndOfAudio(total_bytes=total_bytes))
