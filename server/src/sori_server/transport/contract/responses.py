"""Domain values to messages of the contract."""

from __future__ import annotations

import math
from typing import Any, Final

from sori.v1 import speech_pb2 as pb

from sori_server.domain import events
from sori_server.domain.audio import SAMPLE_RATE
from sori_server.domain.config import RecognitionConfig, StreamConfig
from sori_server.domain.language import language_tag, tag_for
from sori_server.domain.limits import Limits
from sori_server.domain.presets import PRESETS
from sori_server.domain.recognition import Word
from sori_server.engine.port import ModelInfo
from sori_server.runtime.gateway import Gateway
from sori_server.runtime.resumable import ResumableStream
from sori_server.runtime.runner import StreamRunner
from sori_server.transport.contract.durations import duration, offset
from sori_server.transport.contract.effective import effective_config
from sori_server.transport.contract.requests import TASKS

SpeechEvent = (
    events.SpeechStarted | events.SpeechEnded | events.SingleUtteranceEnded | events.SpeechTimedOut
)

Trouble = events.WindowLost | events.AudioWarning | events.InterimsThinned | events.FinalLate

FINAL_REASONS: Final = {
    events.FinalReason.ENDPOINT: pb.FINAL_REASON_ENDPOINT,
    events.FinalReason.FINALIZE: pb.FINAL_REASON_FINALIZE,
    events.FinalReason.MAX_UTTERANCE: pb.FINAL_REASON_MAX_UTTERANCE,
    events.FinalReason.CHUNK: pb.FINAL_REASON_CHUNK,
    events.FinalReason.END_OF_AUDIO: pb.FINAL_REASON_END_OF_AUDIO,
    events.FinalReason.SERVER: pb.FINAL_REASON_SERVER,
}
PROBLEMS: Final = {
    events.AudioProblem.NOT_FINITE: pb.WARNING_REASON_AUDIO_NOT_FINITE,
    events.AudioProblem.CLIPPED: pb.WARNING_REASON_AUDIO_CLIPPED,
    events.AudioProblem.DAMAGED: pb.WARNING_REASON_AUDIO_DAMAGED,
}
PACING: Final = {
    events.Pacing.OK: pb.PACING_STATE_OK,
    events.Pacing.SLOW_DOWN: pb.PACING_STATE_SLOW_DOWN,
    events.Pacing.PAUSE: pb.PACING_STATE_PAUSE,
}
TIMEOUTS: Final = {
    events.SpeechTimeout.START: pb.SPEECH_EVENT_TYPE_SPEECH_START_TIMEOUT,
    events.SpeechTimeout.END: pb.SPEECH_EVENT_TYPE_SPEECH_END_TIMEOUT,
}
TOKEN_BEARERS: Final = (events.SessionStarted, events.Result, events.Progress, events.GoingAway)
"""Events with a `resume_token`; among results only those that are final have one."""
_TASK_VALUES: Final = {task: value for value, task in TASKS.items()}


def stream_response(
    numbered: events.NumberedEvent, runner: StreamRunner, gateway: Gateway
) -> pb.StreamingRecognizeResponse:
    """One event as the client of `runner`'s stream sees it."""
    config, event = runner.config, numbered.event
    if isinstance(event, events.SessionStarted):
        started = pb.SessionStarted(
            session_id=event.session_id,
            resumed=event.resumed,
            next_byte_offset=event.next_byte_offset,
            effective_config=effective_config(config, gateway.model),
            model=model(gateway.model, loaded=True),
            limits=server_limits(gateway.limits),
        )
        return pb.StreamingRecognizeResponse(sequence=numbered.sequence, session_started=started)
    message = response(numbered, runner.received_bytes, config)
    if message.HasField("progress"):
        message.progress.pacing = PACING[runner.pacing]
        message.progress.credit.CopyFrom(duration(runner.credit))
    return message


def response(
    numbered: events.NumberedEvent, received_bytes: int, config: StreamConfig
) -> pb.StreamingRecognizeResponse:
    """One event after the first as the client sees it; `received_bytes` goes into `Progress`."""
    kind: dict[str, Any]
    match numbered.event:
        case events.Result() as event:
            with_latency = config.latency_breakdown
            result = recognition_result(event, config.recognition, with_latency=with_latency)
            kind = {"result": result}
        case (
            events.SpeechStarted()
            | events.SpeechEnded()
            | events.SingleUtteranceEnded()
            | events.SpeechTimedOut() as event
        ):
            kind = {"speech_event": _speech_event(event)}
        case (
            events.WindowLost()
            | events.AudioWarning()
            | events.InterimsThinned()
            | events.FinalLate() as event
        ):
            kind = {"warning": _warning(event)}
        case events.Progress() as event:
            kind = {"progress": _progress(event, received_bytes)}
        case events.Finalized(request_id, position):
            kind = {"finalized": pb.Finalized(request_id=request_id, offset=offset(position))}
        case events.GoingAway(time_left):
            kind = {"go_away": _go_away(time_left)}
        case events.SessionSummary() as event:
            kind = {"session_summary": summary(event)}
    return pb.StreamingRecognizeResponse(sequence=numbered.sequence, **kind)


def add_resume(
    response: pb.StreamingRecognizeResponse, stream: ResumableStream, numbered: events.NumberedEvent
) -> None:
    """Tell the client of `response` how to resume its session; responses of most kinds do not."""
    if isinstance(numbered.event, TOKEN_BEARERS) and not numbered.is_interim:
        message = getattr(response, response.WhichOneof("response") or "")
        message.resume_token = stream.token(numbered)
    if isinstance(numbered.event, events.Progress):
        response.progress.committed_byte_offset = stream.committed_bytes(numbered)


def recognition_result(
    result: events.Result, config: RecognitionConfig, *, with_latency: bool
) -> pb.RecognitionResult:
    """An interim or final result; languages are called what the client called them."""
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
        channel_tag=result.channel,
        language_code=tag_for(result.language, config),
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


def model(info: ModelInfo, *, loaded: bool) -> pb.Model:
    """A model."""
    return pb.Model(
        name=info.name,
        display_name=info.display_name,
        revision=info.revision,
        language_codes=[language_tag(code) for code in info.languages],
        loaded=loaded,
        tasks=[_TASK_VALUES[task] for task in info.tasks],
        interim_model=info.interim_model,
    )


def server_limits(limits: Limits) -> pb.ServerLimits:
    """The limits a client should know."""
    return pb.ServerLimits(
        max_session_duration=duration(limits.max_session_duration),
        idle_timeout=duration(limits.idle_timeout),
        max_buffered_audio=duration(limits.max_buffered_audio),
        max_chunk_bytes=limits.max_chunk_bytes,
        resume_window=duration(limits.resume_window),
        max_recording_duration=duration(limits.max_recording_duration),
        max_unacknowledged_responses=limits.max_unacknowledged,
    )


def presets() -> list[pb.Preset]:
    """The presets a client can name."""
    return [pb.Preset(name=each.name, description=each.description) for each in PRESETS]


def _speech_event(event: SpeechEvent) -> pb.SpeechEvent:
    channel = 0
    match event:
        case events.SpeechStarted(channel=channel):
            event_type = pb.SPEECH_EVENT_TYPE_SPEECH_STARTED
        case events.SpeechEnded(channel=channel):
            event_type = pb.SPEECH_EVENT_TYPE_SPEECH_ENDED
        case events.SingleUtteranceEnded():
            event_type = pb.SPEECH_EVENT_TYPE_SINGLE_UTTERANCE_ENDED
        case events.SpeechTimedOut(timeout):
            event_type = TIMEOUTS[timeout]
    return pb.SpeechEvent(type=event_type, offset=offset(event.position), channel_tag=channel)


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


def _warning(event: Trouble) -> pb.Warning:
    if isinstance(event, events.AudioWarning):
        place = {"position": _seconds(event.position)}
        return pb.Warning(reason=PROBLEMS[event.problem], message=event.message, metadata=place)
    if isinstance(event, events.InterimsThinned):
        return _interims_thinned(event)
    start, end = _seconds(event.span.start), _seconds(event.span.end)
    channel = {"channel": str(event.channel)} if event.channel else {}
    if isinstance(event, events.FinalLate):
        return pb.Warning(
            reason=pb.WARNING_REASON_FINALS_LATE,
            message=f"the server is busy: text from {start} s to {end} s comes late",
            metadata={"start": start, "end": end, **channel},
        )
    return pb.Warning(
        reason=pb.WARNING_REASON_RECOGNITION_FAILED,
        message=f"audio from {start} s to {end} s could not be recognized",
        metadata={"start": start, "end": end, "reason": event.reason, **channel},
    )


def _interims_thinned(event: events.InterimsThinned) -> pb.Warning:
    interval = event.interval if math.isfinite(event.interval) else 0.0
    often = f"come every {interval:g} s" if interval else "do not come"
    return pb.Warning(
        reason=pb.WARNING_REASON_INTERIMS_THINNED,
        message=f"interim results {often} at present, by how busy the server is",
        metadata={"start": _seconds(event.position), "interval": f"{interval:g}"},
    )


def _seconds(position: int) -> str:
    return f"{position / SAMPLE_RATE:.3f}"
