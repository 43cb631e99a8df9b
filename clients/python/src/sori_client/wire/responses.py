"""From response messages to the client's values. Kinds and names not known are skipped."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

from google.protobuf.duration_pb2 import Duration
from sori.v1 import speech_pb2 as pb

from sori_client import types
from sori_client.config import ChannelMode, Endpointing, Priority, Replacement, StreamConfig, Task
from sori_client.wire.requests import CHANNEL_MODES, ENCODINGS, MODES, PRIORITIES, TASKS

Value = TypeVar("Value", float, bool)

_ENCODINGS: Final = {number: encoding for encoding, number in ENCODINGS.items()}
_TASKS: Final = {number: task for task, number in TASKS.items()}
_CHANNEL_MODES: Final = {number: mode for mode, number in CHANNEL_MODES.items()}
_MODES: Final = {number: mode for mode, number in MODES.items()}
_PRIORITIES: Final = {number: priority for priority, number in PRIORITIES.items()}
_FINAL_REASONS: Final = {
    pb.FINAL_REASON_ENDPOINT: types.FinalReason.ENDPOINT,
    pb.FINAL_REASON_FINALIZE: types.FinalReason.FINALIZE,
    pb.FINAL_REASON_MAX_UTTERANCE: types.FinalReason.MAX_UTTERANCE,
    pb.FINAL_REASON_CHUNK: types.FinalReason.CHUNK,
    pb.FINAL_REASON_END_OF_AUDIO: types.FinalReason.END_OF_AUDIO,
    pb.FINAL_REASON_SERVER: types.FinalReason.SERVER,
}
_SPEECH_EVENTS: Final = {
    pb.SPEECH_EVENT_TYPE_SPEECH_STARTED: types.SpeechEventType.SPEECH_STARTED,
    pb.SPEECH_EVENT_TYPE_SPEECH_ENDED: types.SpeechEventType.SPEECH_ENDED,
    pb.SPEECH_EVENT_TYPE_SINGLE_UTTERANCE_ENDED: types.SpeechEventType.SINGLE_UTTERANCE_ENDED,
    pb.SPEECH_EVENT_TYPE_SPEECH_START_TIMEOUT: types.SpeechEventType.SPEECH_START_TIMEOUT,
    pb.SPEECH_EVENT_TYPE_SPEECH_END_TIMEOUT: types.SpeechEventType.SPEECH_END_TIMEOUT,
}
_WARNINGS: Final = {
    number: name.removeprefix("WARNING_REASON_") for name, number in pb.WarningReason.items()
}


_PACING: Final = {
    pb.PACING_STATE_OK: types.Pacing.OK,
    pb.PACING_STATE_SLOW_DOWN: types.Pacing.SLOW_DOWN,
    pb.PACING_STATE_PAUSE: types.Pacing.PAUSE,
}


def seconds(message: Duration) -> float:
    """A duration in seconds; zero when unset."""
    return message.seconds + message.nanos / 1e9


def event(response: pb.StreamingRecognizeResponse) -> types.Event | None:
    """The event of a response; None for kinds this client does not know."""
    kind = response.WhichOneof("response")
    if kind is None:
        return None
    return _EVENTS[kind](getattr(response, kind))


def session_started(message: pb.SessionStarted) -> types.SessionStarted:
    """The session and the settings in force."""
    recognition = message.effective_config.recognition
    return types.SessionStarted(
        session_id=message.session_id,
        config=_stream_config(message.effective_config),
        audio_format=_audio_format(recognition.audio_format),
        model=model(message.model),
        limits=limits(message.limits),
        resumable=bool(message.resume_token),
    )


def _stream_config(message: pb.StreamingConfig) -> StreamConfig:
    recognition, decoding = message.recognition, message.recognition.decoding
    adaptation = recognition.adaptation
    return StreamConfig(
        model=recognition.model,
        languages=tuple(recognition.language_codes),
        language_switching=recognition.language_switching,
        task=_TASKS.get(recognition.task, Task.TRANSCRIBE),
        word_times=recognition.features.word_time_offsets,
        interim_words=recognition.features.interim_word_time_offsets,
        initial_prompt=adaptation.initial_prompt,
        hotwords=tuple(adaptation.hotwords),
        replacements=tuple(
            Replacement(each.search, each.replace, each.case_sensitive)
            for each in adaptation.replacements
        ),
        channel_mode=_CHANNEL_MODES.get(recognition.channel_mode, ChannelMode.MIX),
        beam_size=decoding.beam_size,
        no_speech_threshold=_optional(decoding, "no_speech_threshold", float),
        condition_on_previous_text=_optional(decoding, "condition_on_previous_text", bool),
        preset=message.preset,
        interim_results=message.interim_results,
        interim_interval=_optional(message, "min_interim_interval", seconds),
        endpointing=_endpointing(message.endpointing),
        single_utterance=message.single_utterance,
        voice_activity_events=message.voice_activity_events,
        progress_interval=_optional(message, "progress_interval", seconds),
        latency_breakdown=message.latency_breakdown,
        priority=_PRIORITIES.get(message.priority, Priority.LIVE),
    )


def _endpointing(message: pb.EndpointingConfig) -> Endpointing:
    return Endpointing(
        mode=_MODES.get(message.mode),
        end_silence=_optional(message, "end_silence", seconds),
        max_utterance=_optional(message, "max_utterance", seconds),
        min_speech=_optional(message, "min_speech", seconds),
        prefix_padding=_optional(message, "prefix_padding", seconds),
        speech_threshold=_optional(message, "speech_threshold", float),
        speech_start_timeout=_optional(message, "speech_start_timeout", seconds),
        speech_end_timeout=_optional(message, "speech_end_timeout", seconds),
        chunk_duration=_optional(message, "chunk_duration", seconds),
        overlap_duration=_optional(message, "overlap_duration", seconds),
    )


def _optional(message: Any, name: str, read: Callable[[Any], Value]) -> Value | None:  # noqa: ANN401
    return read(getattr(message, name)) if message.HasField(name) else None


def _audio_format(message: pb.AudioFormat) -> types.AudioFormat:
    return types.AudioFormat(
        encoding=_ENCODINGS.get(message.encoding, types.AudioEncoding.LINEAR16),
        sample_rate=message.sample_rate_hertz,
        channels=message.channel_count,
    )


def result(message: pb.RecognitionResult) -> types.Result:
    """Interim or final text: the best reading."""
    best = message.alternatives[0] if message.alternatives else pb.RecognitionAlternative()
    return types.Result(
        committed_text=best.committed_text,
        tentative_text=best.tentative_text,
        is_final=message.is_final,
        utterance_index=message.utterance_index,
        revision=message.revision,
        start=seconds(message.start_offset),
        end=seconds(message.end_offset),
        language=message.language_code,
        language_confidence=message.language_confidence,
        confidence=best.confidence,
        words=tuple(_words(best.words)),
        final_reason=_FINAL_REASONS.get(message.final_reason),
        latency=_latency(message.latency) if message.HasField("latency") else None,
        channel=message.channel_tag,
    )


def _words(messages: Iterable[pb.WordInfo]) -> Iterable[types.Word]:
    for word in messages:
        yield types.Word(
            text=word.word,
            start=seconds(word.start_offset),
            end=seconds(word.end_offset),
            confidence=word.confidence,
        )


def _latency(message: pb.LatencyBreakdown) -> types.Latency:
    return types.Latency(
        total=seconds(message.total),
        queue=seconds(message.queue),
        preprocessing=seconds(message.preprocessing),
        inference=seconds(message.inference),
        endpointing=seconds(message.endpointing),
        batch_size=message.batch_size,
    )


def _speech_event(message: pb.SpeechEvent) -> types.SpeechEvent | None:
    kind = _SPEECH_EVENTS.get(message.type)
    if kind is None:
        return None
    return types.SpeechEvent(kind, seconds(message.offset), message.channel_tag)


def _progress(message: pb.Progress) -> types.Progress:
    return types.Progress(
        acknowledged_bytes=message.acknowledged_byte_offset,
        received=seconds(message.received_offset),
        final=seconds(message.final_offset),
        committed_bytes=message.committed_byte_offset if message.resume_token else None,
        pacing=_PACING.get(message.pacing),
        credit=_optional(message, "credit", seconds),
    )


def _finalized(message: pb.Finalized) -> types.Finalized:
    return types.Finalized(message.request_id, seconds(message.offset))


def _warning(message: pb.Warning) -> types.ServerWarning:
    reason = _WARNINGS.get(message.reason, str(message.reason))
    return types.ServerWarning(reason, message.message, dict(message.metadata))


def _go_away(message: pb.GoAway) -> types.GoAway:
    return types.GoAway(seconds(message.time_left), message.message)


def summary(message: pb.SessionSummary) -> types.Summary:
    """Totals."""
    return types.Summary(
        received_audio=seconds(message.received_audio),
        speech_audio=seconds(message.speech_audio),
        final_results=message.final_result_count,
        inference_time=seconds(message.inference_time),
    )


def recognition(message: pb.RecognizeResponse) -> types.Recognition:
    """The text of one recording."""
    return types.Recognition(tuple(map(result, message.results)), summary(message.summary))


def model(message: pb.Model) -> types.Model:
    """A model."""
    return types.Model(
        name=message.name,
        display_name=message.display_name,
        revision=message.revision,
        languages=tuple(message.language_codes),
        tasks=tuple(_TASKS[task] for task in message.tasks if task in _TASKS),
        loaded=message.loaded,
        interim_model=message.interim_model,
    )


def limits(message: pb.ServerLimits) -> types.ServerLimits:
    """Limits of a stream and of a recording."""
    return types.ServerLimits(
        max_session_duration=seconds(message.max_session_duration),
        idle_timeout=seconds(message.idle_timeout),
        max_buffered_audio=seconds(message.max_buffered_audio),
        max_chunk_bytes=message.max_chunk_bytes,
        max_recording_duration=seconds(message.max_recording_duration),
        resume_window=seconds(message.resume_window),
        max_unacknowledged_responses=message.max_unacknowledged_responses,
    )


def server_info(message: pb.GetServerInfoResponse) -> types.ServerInfo:
    """State of the server."""
    return types.ServerInfo(
        version=message.version,
        limits=limits(message.limits),
        active_streams=message.active_stream_count,
        available_streams=message.available_stream_count,
        draining=message.draining,
        presets=tuple(types.Preset(each.name, each.description) for each in message.presets),
    )


_EVENTS: Final[dict[str, Callable[[Any], types.Event | None]]] = {
    "session_started": session_started,
    "result": result,
    "speech_event": _speech_event,
    "progress": _progress,
    "finalized": _finalized,
    "warning": _warning,
    "go_away": _go_away,
    "session_summary": summary,
}
