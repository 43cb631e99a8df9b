# ruff: noqa: S105, S106 - tokens that protect nothing

from __future__ import annotations

import pytest
from google.protobuf.duration_pb2 import Duration
from sori.v1 import speech_pb2 as pb
from sori_client import (
    Event,
    Finalized,
    FinalReason,
    GoAway,
    Latency,
    Pacing,
    Preset,
    Progress,
    Result,
    ServerWarning,
    SpeechEvent,
    SpeechEventType,
    Summary,
    Task,
    Word,
)
from sori_client.wire import responses

pytestmark = pytest.mark.unit


def at(seconds: float) -> Duration:
    message = Duration()
    message.FromNanoseconds(round(seconds * 1e9))
    return message


FINAL = pb.RecognitionResult(
    utterance_index=3,
    revision=4,
    alternatives=[
        pb.RecognitionAlternative(
            committed_text=" one two",
            confidence=0.5,
            words=[
                pb.WordInfo(word="one", start_offset=at(1.5), end_offset=at(1.75), confidence=0.25)
            ],
        )
    ],
    is_final=True,
    final_reason=pb.FINAL_REASON_MAX_UTTERANCE,
    start_offset=at(1.25),
    end_offset=at(2.5),
    channel_tag=2,
    language_code="en",
    language_confidence=0.75,
    latency=pb.LatencyBreakdown(
        total=at(0.5),
        queue=at(0.125),
        preprocessing=at(0.0625),
        inference=at(0.25),
        endpointing=at(0.75),
        batch_size=8,
    ),
)


@pytest.mark.parametrize(
    ("response", "event"),
    [
        (
            pb.StreamingRecognizeResponse(result=FINAL),
            Result(
                committed_text=" one two",
                tentative_text="",
                is_final=True,
                utterance_index=3,
                revision=4,
                start=1.25,
                end=2.5,
                language="en",
                language_confidence=0.75,
                confidence=0.5,
                words=(Word("one", 1.5, 1.75, 0.25),),
                final_reason=FinalReason.MAX_UTTERANCE,
                latency=Latency(0.5, 0.125, 0.0625, 0.25, 0.75, 8),
                channel=2,
            ),
        ),
        (
            pb.StreamingRecognizeResponse(
                speech_event=pb.SpeechEvent(
                    type=pb.SPEECH_EVENT_TYPE_SPEECH_ENDED, offset=at(2.0), channel_tag=1
                )
            ),
            SpeechEvent(SpeechEventType.SPEECH_ENDED, 2.0, channel=1),
        ),
        (
            pb.StreamingRecognizeResponse(
                progress=pb.Progress(
                    acknowledged_byte_offset=64_000, received_offset=at(2), final_offset=at(1)
                )
            ),
            Progress(64_000, 2.0, 1.0),
        ),
        (
            pb.StreamingRecognizeResponse(
                progress=pb.Progress(
                    acknowledged_byte_offset=64_000,
                    committed_byte_offset=0,
                    resume_token="secret",
                    pacing=pb.PACING_STATE_SLOW_DOWN,
                    credit=at(4),
                )
            ),
            Progress(64_000, 0.0, 0.0, 0, Pacing.SLOW_DOWN, 4.0),
        ),
        (
            pb.StreamingRecognizeResponse(finalized=pb.Finalized(request_id="a", offset=at(1.5))),
            Finalized("a", 1.5),
        ),
        (
            pb.StreamingRecognizeResponse(
                warning=pb.Warning(
                    reason=pb.WARNING_REASON_RECOGNITION_FAILED,
                    message="lost",
                    metadata={"start": "1.0"},
                )
            ),
            ServerWarning("RECOGNITION_FAILED", "lost", {"start": "1.0"}),
        ),
        (
            pb.StreamingRecognizeResponse(go_away=pb.GoAway(time_left=at(5), message="bye")),
            GoAway(5.0, "bye"),
        ),
        (
            pb.StreamingRecognizeResponse(
                session_summary=pb.SessionSummary(
                    received_audio=at(10),
                    speech_audio=at(4),
                    final_result_count=2,
                    inference_time=at(0.5),
                )
            ),
            Summary(10.0, 4.0, 2, 0.5),
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_kind_becomes_its_event(response: pb.StreamingRecognizeResponse, event: Event) -> None:
    assert responses.event(response) == event


def test_every_kind_of_the_contract_is_known() -> None:
    kinds = [field.name for field in pb.StreamingRecognizeResponse.DESCRIPTOR.oneofs[0].fields]
    assert len(kinds) == 8
    for kind in kinds:
        response = pb.StreamingRecognizeResponse()
        getattr(response, kind).SetInParent()
        event = responses.event(response)
        assert event is not None or kind == "speech_event"  # one without a type says nothing


@pytest.mark.parametrize("kind", SpeechEventType)
def test_every_speech_event_is_known(kind: SpeechEventType) -> None:
    number = pb.SpeechEventType.Value(f"SPEECH_EVENT_TYPE_{kind.name}")
    response = pb.StreamingRecognizeResponse(speech_event=pb.SpeechEvent(type=number))
    assert responses.event(response) == SpeechEvent(kind, 0.0)
    assert len(SpeechEventType) == len(pb.SpeechEventType.values()) - 1


@pytest.mark.parametrize("pacing", Pacing)
def test_every_pace_is_known(pacing: Pacing) -> None:
    number = pb.PacingState.Value(f"PACING_STATE_{pacing.name}")
    response = pb.StreamingRecognizeResponse(progress=pb.Progress(pacing=number))
    assert responses.event(response) == Progress(0, 0.0, 0.0, pacing=pacing)
    assert len(Pacing) == len(pb.PacingState.values()) - 1


def test_a_session_is_resumable_when_there_is_a_token_which_is_not_shown() -> None:
    started = pb.SessionStarted(session_id="a")
    assert not responses.session_started(started).resumable
    started.resume_token = "secret"
    event = responses.session_started(started)
    assert event.resumable
    assert "secret" not in repr(event)


@pytest.mark.parametrize("reason", FinalReason)
def test_every_reason_is_known(reason: FinalReason) -> None:
    number = pb.FinalReason.Value(f"FINAL_REASON_{reason.name}")
    assert responses.result(pb.RecognitionResult(final_reason=number)).final_reason is reason
    assert len(FinalReason) == len(pb.FinalReason.values()) - 1


def test_kinds_and_names_of_a_newer_server_do_no_harm() -> None:
    assert responses.event(pb.StreamingRecognizeResponse(sequence=1)) is None
    newer = pb.Warning()
    newer.MergeFromString(b"\x08\x63")  # reason = 99
    event = responses.event(pb.StreamingRecognizeResponse(warning=newer))
    assert event == ServerWarning("99", "", {})
    result = pb.RecognitionResult()
    result.MergeFromString(b"\x30\x63")  # final_reason = 99
    assert responses.result(result).final_reason is None
    assert responses.model(pb.Model(tasks=[pb.TASK_TRANSLATE, 99])).tasks == (Task.TRANSLATE,)  # type: ignore[list-item]


def test_an_interim_result_shows_both_texts_and_no_latency_unless_told() -> None:
    reading = pb.RecognitionAlternative(committed_text="one", tentative_text=" two")
    result = responses.result(pb.RecognitionResult(alternatives=[reading]))
    assert result.text == "one two"
    assert result.latency is None
    assert result.final_reason is None
    assert responses.result(pb.RecognitionResult()).text == ""


def test_values_may_be_logged_without_their_text() -> None:
    event = responses.result(FINAL)
    assert "one" not in repr(event)
    assert "two" not in repr(event)
    assert "8 characters" in repr(event)
    assert repr(event.words[0]) == "Word(3 characters, 1.50..1.75 s)"


def test_a_recognition_joins_its_results() -> None:
    silence = pb.RecognitionResult(is_final=True)
    message = pb.RecognizeResponse(
        results=[FINAL, silence, FINAL], summary=pb.SessionSummary(final_result_count=3)
    )
    recognition = responses.recognition(message)
    assert recognition.text == "one two one two"
    assert recognition.summary.final_results == 3


def test_a_server_and_its_models_are_described() -> None:
    limits = pb.ServerLimits(
        max_session_duration=at(60),
        idle_timeout=at(5),
        max_buffered_audio=at(30),
        max_chunk_bytes=1000,
        max_recording_duration=at(600),
    )
    server = responses.server_info(
        pb.GetServerInfoResponse(
            version="1",
            limits=limits,
            active_stream_count=2,
            available_stream_count=3,
            presets=[pb.Preset(name="meeting", description="long talk")],
        )
    )
    assert (server.version, server.active_streams, server.available_streams) == ("1", 2, 3)
    assert not server.draining
    assert server.presets == (Preset("meeting", "long talk"),)
    assert server.limits.max_session_duration == 60.0
    assert server.limits.idle_timeout == 5.0
    assert server.limits.max_buffered_audio == 30.0
    assert server.limits.max_chunk_bytes == 1000
    assert server.limits.max_recording_duration == 600.0
    model = responses.model(
        pb.Model(name="mini", display_name="Mini", language_codes=["en", "ko"], loaded=True)
    )
    assert (model.name, model.display_name, model.loaded) == ("mini", "Mini", True)
    assert model.languages == ("en", "ko")
