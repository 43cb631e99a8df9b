"""From the client's values to request messages."""

from __future__ import annotations

from typing import Final

from google.protobuf.duration_pb2 import Duration
from sori.v1 import speech_pb2 as pb

from sori_client.config import Endpointing, RecognitionConfig, StreamConfig, Task
from sori_client.types import AudioEncoding, AudioFormat

ENCODINGS: Final = {
    AudioEncoding.LINEAR16: pb.AUDIO_ENCODING_LINEAR16,
    AudioEncoding.FLOAT32: pb.AUDIO_ENCODING_FLOAT32,
    AudioEncoding.MULAW: pb.AUDIO_ENCODING_MULAW,
    AudioEncoding.ALAW: pb.AUDIO_ENCODING_ALAW,
    AudioEncoding.WAV: pb.AUDIO_ENCODING_WAV,
}
TASKS: Final = {
    Task.TRANSCRIBE: pb.TASK_TRANSCRIBE,
    Task.TRANSLATE: pb.TASK_TRANSLATE,
}


def duration(seconds: float | None) -> Duration | None:
    """`seconds` to the nearest nanosecond; None stays unset."""
    if seconds is None:
        return None
    message = Duration()
    message.FromNanoseconds(round(seconds * 1e9))
    return message


def audio_format(value: AudioFormat) -> pb.AudioFormat:
    """The format; `WAV` says rate and channels itself."""
    if value.encoding is AudioEncoding.WAV:
        return pb.AudioFormat(encoding=pb.AUDIO_ENCODING_WAV)
    return pb.AudioFormat(
        encoding=ENCODINGS[value.encoding],
        sample_rate_hertz=value.sample_rate,
        channel_count=value.channels,
    )


def recognition_config(config: RecognitionConfig, audio: AudioFormat) -> pb.RecognitionConfig:
    """What to recognize in audio of a format."""
    return pb.RecognitionConfig(
        audio_format=audio_format(audio),
        model=config.model,
        language_codes=config.languages,
        task=TASKS[config.task],
        features=pb.RecognitionFeatures(word_time_offsets=config.word_times),
        decoding=pb.DecodingOptions(beam_size=config.beam_size),
    )


def endpointing_config(value: Endpointing) -> pb.EndpointingConfig:
    """Endpointing; what is None stays unset."""
    return pb.EndpointingConfig(
        end_silence=duration(value.end_silence),
        max_utterance=duration(value.max_utterance),
        min_speech=duration(value.min_speech),
        prefix_padding=duration(value.prefix_padding),
        speech_threshold=value.speech_threshold,
    )


def config_request(config: StreamConfig, audio: AudioFormat) -> pb.StreamingRecognizeRequest:
    """The first message of a stream."""
    return pb.StreamingRecognizeRequest(
        config=pb.StreamingConfig(
            recognition=recognition_config(config, audio),
            interim_results=config.interim_results,
            min_interim_interval=duration(config.interim_interval),
            endpointing=endpointing_config(config.endpointing),
            voice_activity_events=config.voice_activity_events,
            progress_interval=duration(config.progress_interval),
            latency_breakdown=config.latency_breakdown,
        )
    )


def audio_request(data: bytes) -> pb.StreamingRecognizeRequest:
    """A run of audio."""
    return pb.StreamingRecognizeRequest(audio=pb.AudioChunk(data=data))


def finalize_request(request_id: str) -> pb.StreamingRecognizeRequest:
    """Ends the utterance now."""
    return pb.StreamingRecognizeRequest(finalize=pb.Finalize(request_id=request_id))


def keep_alive_request() -> pb.StreamingRecognizeRequest:
    """Resets the server's idle timer."""
    return pb.StreamingRecognizeRequest(keep_alive=pb.KeepAlive())


def end_of_audio_request(total_bytes: int) -> pb.StreamingRecognizeRequest:
    """The last message of a stream; the server checks the count."""
    return pb.StreamingRecognizeRequest(end_of_audio=pb.EndOfAudio(total_bytes=total_bytes))
