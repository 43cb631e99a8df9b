"""Domain values to messages of the contract."""

from __future__ import annotations

from typing import Any, Final

from google.protobuf.duration_pb2 import Duration
from sori.v1 import speech_pb2 as pb

from sori_server.domain import events
from sori_server.domain.audio import SAMPLE_RATE, AudioFormat
from sori_server.domain.config import RecognitionConfig, StreamConfig
from sori_server.domain.limits import Limits
from sori_server.domain.recognition import Word
from sori_server.engine.port import ModelInfo
from sori_server.runtime.gateway import Gateway
from sori_server.runtime.runner import StreamRunner
from sori_server.transport.grpc.requests import ENCODINGS, TASKS

FINAL_REASONS: Final = {
    events.FinalReason.ENDPOINT: pb.FINAL_REASON_ENDPOINT,
    events.FinalReason.FINALIZE: pb.FINAL_REASON_FINALIZE,
    events.FinalReason.MAX_UTTERANCE: pb.FINAL_REASON_MAX_UTTERANCE,
    events.FinalReason.END_OF_AUDIO: pb.FINAL_REASON_END_OF_AUDIO,
    events.FinalReason.SERVER: pb.FINAL_REASON_SERVER,
}
_ENCODING_VALUES: Final = {encoding: value for value, encoding in ENCODINGS.items()}
_TASK_VALUES: Final = {task: value for value, task in TASKS.items()}


def stream_response(
    numbered: events.NumberedEvent, runner: StreamRunner, gateway: Gateway
) -> pb.StreamingRecognizeResponse:
    """One event as the client of `runner`'s stream sees it."""
    config, event = runner.config, numbered.event
    if isinstance(event, events.SessionStarted):
        started = session_started(event.session_id, config, gateway.model, gateway.limits)
        return pb.StreamingRecognizeResponse(sequence=numbered.sequence, session_started=started)
    return response(numbered, runner.received_bytes, with_latency=config.latency_breakdown)


def response(
    numbered: events.NumberedEvent, received_bytes: int, *, with_latency: bool
) -> pb.StreamingRecognizeResponse:
    """One event after the first as the client sees it; `received_bytes` goes into `Progress`."""
    kind: dict[str, Any]
    match numbered.event:
        case events.Result() as event:
            kind = {"result": recognition_result(event, with_latency=with_latency)}
        case events.SpeechStarted() | events.SpeechEnded() as event:
            kind = {"speech_event": _speech_event(event)}
        case events.Progress() as event:
            kind = {"progress": _progress(event, received_bytes)}
        case events.Finalized(request_id, position):
            kind = {"finalized": pb.Finalized(request_id=request_id, offset=offset(position))}
        case events.WindowLost() as event:
            kind = {"warning": _warning(event)}
        case events.GoingAway(time_left):
            kind = {"go_away": _go_away(time_left)}
        case events.SessionSummary() as event:
            kind = {"session_summary": summary(event)}
    return pb.StreamingRecognizeResponse(sequence=numbered.sequence, **kind)


def recognition_result(result: events.Result, *, with_latency: bool) -> pb.RecognitionResult:
    """An interim or final result."""
    reason = result.final_reason
    alternative = pb.RecognitionAlternative(
        committed_text=result.committed_text,
        tentative_text=result.tentative_text,
        confidence=result.confidence,
        words=[_word(word) for word in result.words],
    )
    return pb.RecognitionResult(
        utterance_index=result.utterance_index,
        revision=result.revision,
        alternatives=[alternative],
        is_final=result.is_final,
        final_reason=FINAL_REASONS[reason] if reason else pb.FINAL_REASON_UNSPECIFIED,
        start_offset=offset(result.span.start),
        end_offset=offset(result.span.end),
        language_code=result.language,
        language_confidence=result.language_confidence,
        latency=_latency(result.latency) if with_latency and result.latency else None,
    )


def summary(totals: events.SessionSummary) -> pb.SessionSummary:
    """Totals of a session."""
    return pb.SessionSummary(
        received_audio=offset(totals.received),
        speech_audio=offset(totals.speech),
        final_result_count=totals.final_results,
        inference_time=duration(totals.inference),
    )


def session_started(
    session_id: str, config: StreamConfig, model_info: ModelInfo, limits: Limits
) -> pb.SessionStarted:
    """The first response of a stream."""
    return pb.SessionStarted(
        session_id=session_id,
        effective_config=_stream_config(config, model_info),
        model=model(model_info, loaded=True),
        limits=server_limits(limits),
    )


def model(info: ModelInfo, *, loaded: bool) -> pb.Model:
    """A model."""
    return pb.Model(
        name=info.name,
        display_name=info.display_name,
        revision=info.revision,
        language_codes=info.languages,
        loaded=loaded,
        tasks=[_TASK_VALUES[task] for task in info.tasks],
    )


def server_limits(limits: Limits) -> pb.ServerLimits:
    """The limits a client should know."""
    return pb.ServerLimits(
        max_session_duration=duration(limits.max_session_duration),
        idle_timeout=duration(limits.idle_timeout),
        max_buffered_audio=duration(limits.max_buffered_audio),
        max_chunk_bytes=limits.max_chunk_bytes,
        max_recording_duration=duration(limits.max_recording_duration),
    )


def offset(position: int) -> Duration:
    """A position on the audio clock; exact, as 1 / 16 kHz is a whole number of nanoseconds."""
    whole, rest = divmod(position, SAMPLE_RATE)
    return Duration(seconds=whole, nanos=rest * (1_000_000_000 // SAMPLE_RATE))


def duration(seconds: float) -> Duration:
    """A length of time."""
    whole, nanos = divmod(round(seconds * 1e9), 1_000_000_000)
    return Duration(seconds=whole, nanos=nanos)


def _stream_config(config: StreamConfig, model_info: ModelInfo) -> pb.StreamingConfig:
    endpointing = config.endpointing
    progress = config.progress_interval
    return pb.StreamingConfig(
        recognition=_recognition_config(config.recognition, model_info),
        interim_results=config.interim_results,
        min_interim_interval=duration(config.interim_interval),
        endpointing=pb.EndpointingConfig(
            end_silence=duration(endpointing.end_silence),
            max_utterance=duration(endpointing.longest_utterance),
            min_speech=duration(endpointing.min_speech),
            prefix_padding=duration(endpointing.prefix_padding),
            speech_threshold=endpointing.speech_threshold,
        ),
        voice_activity_events=config.voice_activity_events,
        progress_interval=None if progress is None else duration(progress),
        latency_breakdown=config.latency_breakdown,
    )


def _recognition_config(config: RecognitionConfig, model_info: ModelInfo) -> pb.RecognitionConfig:
    return pb.RecognitionConfig(
        audio_format=_audio_format(config.audio_format),
        model=model_info.name,
        language_codes=config.languages,
        task=_TASK_VALUES[config.task],
        features=pb.RecognitionFeatures(word_time_offsets=config.word_times),
        decoding=pb.DecodingOptions(beam_size=config.beam_size),
    )


def _audio_format(audio: AudioFormat) -> pb.AudioFormat:
    return pb.AudioFormat(
        encoding=_ENCODING_VALUES[audio.encoding],
        sample_rate_hertz=audio.sample_rate,
        channel_count=audio.channels,
    )


def _speech_event(event: events.SpeechStarted | events.SpeechEnded) -> pb.SpeechEvent:
    started = isinstance(event, events.SpeechStarted)
    kind = pb.SPEECH_EVENT_TYPE_SPEECH_STARTED if started else pb.SPEECH_EVENT_TYPE_SPEECH_ENDED
    return pb.SpeechEvent(type=kind, offset=offset(event.position))


def _progress(event: events.Progress, received_bytes: int) -> pb.Progress:
    return pb.Progress(
        acknowledged_byte_offset=received_bytes,
        received_offset=offset(event.received),
        final_offset=offset(event.final),
    )


def _go_away(time_left: float) -> pb.GoAway:
    message = "the server is shutting down; final results follow"
    return pb.GoAway(time_left=duration(time_left), message=message)


def _word(word: Word) -> pb.WordInfo:
    return pb.WordInfo(
        word=word.text.strip(),
        start_offset=offset(word.start),
        end_offset=offset(word.end),
        confidence=word.confidence,
    )


def _latency(latency: events.Latency) -> pb.LatencyBreakdown:
    return pb.LatencyBreakdown(
        total=duration(latency.total),
        queue=duration(latency.queue),
        preprocessing=duration(latency.preprocessing),
        inference=duration(latency.inference),
        batch_size=latency.batch_size,
        endpointing=duration(latency.endpointing),
    )


def _warning(lost: events.WindowLost) -> pb.Warning:
    start, end = (f"{position / SAMPLE_RATE:.3f}" for position in (lost.span.start, lost.span.end))
    return pb.Warning(
        reason=pb.WARNING_REASON_RECOGNITION_FAILED,
        message=f"audio from {start} s to {end} s could not be recognized",
        metadata={"start": start, "end": end, "reason": lost.reason},
    )
