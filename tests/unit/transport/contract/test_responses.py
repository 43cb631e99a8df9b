"""Every event and setting as the client sees it, to the last sample."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import get_args

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st
from sori.v1 import speech_pb2 as pb
from sori_server.domain import events
from sori_server.domain.audio import Span
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
from sori_server.domain.events import FinalReason, Latency, NumberedEvent, Result
from sori_server.domain.limits import Limits
from sori_server.domain.recognition import Word
from sori_server.engine.port import ModelInfo
from sori_server.transport.contract.durations import duration, offset
from sori_server.transport.contract.effective import effective_config
from sori_server.transport.contract.requests import stream_config
from sori_server.transport.contract.responses import (
    FINAL_REASONS,
    PACING,
    PROBLEMS,
    TIMEOUTS,
    presets,
    recognition_result,
    response,
    server_limits,
    summary,
)
from sori_server.transport.contract.responses import model as model_message

pytestmark = pytest.mark.unit

MODEL = ModelInfo(
    name="tiny",
    display_name="Tiny",
    revision="r1",
    languages=("en", "ko"),
    tasks=(Task.TRANSCRIBE, Task.TRANSLATE),
    device="cpu",
    compute_type="int8",
    max_utterance=15.0,
    interim_model="tinier",
)
FINAL = Result(
    utterance_index=4,
    revision=7,
    span=Span(8_000, 40_001),
    committed_text="hello there",
    tentative_text="",
    is_final=True,
    language="en",
    language_confidence=0.75,
    confidence=0.5,
    words=(Word(" hello", 8_000, 16_000, 0.25), Word(" there", 16_000, 40_001, 1.0)),
    final_reason=FinalReason.ENDPOINT,
    latency=Latency(0.25, 0.125, 0.0625, 0.03125, 0.5, 3),
    channel=2,
)
FINAL_MESSAGE = pb.RecognitionResult(
    utterance_index=4,
    revision=7,
    alternatives=[
        pb.RecognitionAlternative(
            committed_text="hello there",
            confidence=0.5,
            words=[
                pb.WordInfo(
                    word="hello",
                    start_offset=Duration(nanos=500_000_000),
                    end_offset=Duration(seconds=1),
                    confidence=0.25,
                ),
                pb.WordInfo(
                    word="there",
                    start_offset=Duration(seconds=1),
                    end_offset=Duration(seconds=2, nanos=500_062_500),
                    confidence=1.0,
                ),
            ],
        )
    ],
    is_final=True,
    final_reason=pb.FINAL_REASON_ENDPOINT,
    start_offset=Duration(nanos=500_000_000),
    end_offset=Duration(seconds=2, nanos=500_062_500),
    channel_tag=2,
    language_code="en",
    language_confidence=0.75,
    latency=pb.LatencyBreakdown(
        total=Duration(nanos=250_000_000),
        queue=Duration(nanos=125_000_000),
        preprocessing=Duration(nanos=62_500_000),
        inference=Duration(nanos=31_250_000),
        batch_size=3,
        endpointing=Duration(nanos=500_000_000),
    ),
)
ANY = RecognitionConfig()


# ------------------------------------------------------------------------------------- time


@given(st.integers(0, 10**12))
def test_positions_are_exact(position: int) -> None:
    message = offset(position)
    assert 0 <= message.nanos < 10**9
    assert (message.seconds * 10**9 + message.nanos) * 16_000 == position * 10**9


@given(st.floats(0, 10**6))
def test_durations_are_right_to_the_nanosecond(seconds: float) -> None:
    message = duration(seconds)
    assert 0 <= message.nanos < 10**9
    assert message.seconds + message.nanos / 1e9 == pytest.approx(seconds, abs=1e-9)


def test_a_duration_just_below_a_second_is_one() -> None:
    assert duration(0.9999999999) == Duration(seconds=1)


# ----------------------------------------------------------------------------------- results


def test_a_final_has_every_field() -> None:
    assert recognition_result(FINAL, ANY, with_latency=True) == FINAL_MESSAGE


def test_latency_is_told_when_it_is_asked_for_and_known() -> None:
    assert not recognition_result(FINAL, ANY, with_latency=False).HasField("latency")
    unknown = replace(FINAL, latency=None)
    assert not recognition_result(unknown, ANY, with_latency=True).HasField("latency")


def test_an_interim_has_both_texts_and_no_reason() -> None:
    interim = Result(0, 1, Span(0, 16_000), "hello ", "th", is_final=False, language="en")
    message = recognition_result(interim, ANY, with_latency=True)
    (alternative,) = message.alternatives
    assert (alternative.committed_text, alternative.tentative_text) == ("hello ", "th")
    assert not message.is_final
    assert message.final_reason == pb.FINAL_REASON_UNSPECIFIED
    assert message.HasField("start_offset")


def test_every_reason_has_its_value() -> None:
    assert set(FINAL_REASONS) == set(FinalReason)
    for reason, value in FINAL_REASONS.items():
        assert pb.FinalReason.Name(value) == f"FINAL_REASON_{reason.name}"


@pytest.mark.parametrize(
    ("languages", "tags", "heard", "told"),
    [
        ((), (), "ko", "ko"),
        (("ko",), ("ko-KR",), "ko", "ko-KR"),
        (("en", "ko"), ("EN_us", "ko-KR"), "en", "EN_us"),
        (("en", "ko"), (), "ko", "ko"),
        (("en",), ("en-GB",), "ko", "ko"),
        ((), (), "jw", "jv"),
        (("no",), ("nb-NO",), "no", "nb-NO"),
    ],
)
def test_a_language_is_called_what_the_client_called_it(
    languages: tuple[str, ...], tags: tuple[str, ...], heard: str, told: str
) -> None:
    config = RecognitionConfig(languages=languages, language_tags=tags)
    message = recognition_result(replace(FINAL, language=heard), config, with_latency=False)
    assert message.language_code == told


# ------------------------------------------------------------------------------------ events

SEEN = {
    "result": (FINAL, FINAL_MESSAGE),
    "speech_event": (
        events.SpeechStarted(24_000),
        pb.SpeechEvent(
            type=pb.SPEECH_EVENT_TYPE_SPEECH_STARTED,
            offset=Duration(seconds=1, nanos=500_000_000),
        ),
    ),
    "speech_event ended": (
        events.SpeechEnded(1, channel=3),
        pb.SpeechEvent(
            type=pb.SPEECH_EVENT_TYPE_SPEECH_ENDED, offset=Duration(nanos=62_500), channel_tag=3
        ),
    ),
    "speech_event single utterance": (
        events.SingleUtteranceEnded(16_000),
        pb.SpeechEvent(
            type=pb.SPEECH_EVENT_TYPE_SINGLE_UTTERANCE_ENDED, offset=Duration(seconds=1)
        ),
    ),
    "speech_event start timeout": (
        events.SpeechTimedOut(events.SpeechTimeout.START, 16_000),
        pb.SpeechEvent(type=pb.SPEECH_EVENT_TYPE_SPEECH_START_TIMEOUT, offset=Duration(seconds=1)),
    ),
    "speech_event end timeout": (
        events.SpeechTimedOut(events.SpeechTimeout.END, 16_000),
        pb.SpeechEvent(type=pb.SPEECH_EVENT_TYPE_SPEECH_END_TIMEOUT, offset=Duration(seconds=1)),
    ),
    "progress": (
        events.Progress(32_000, 16_000),
        pb.Progress(
            acknowledged_byte_offset=99,
            received_offset=Duration(seconds=2),
            final_offset=Duration(seconds=1),
        ),
    ),
    "finalized": (
        events.Finalized("mine", 16_000),
        pb.Finalized(request_id="mine", offset=Duration(seconds=1)),
    ),
    "warning": (
        events.WindowLost(Span(16_000, 24_000), "RECOGNITION_FAILED"),
        pb.Warning(
            reason=pb.WARNING_REASON_RECOGNITION_FAILED,
            message="audio from 1.000 s to 1.500 s could not be recognized",
            metadata={"start": "1.000", "end": "1.500", "reason": "RECOGNITION_FAILED"},
        ),
    ),
    "warning of a channel": (
        events.WindowLost(Span(0, 16_000), "RECOGNITION_FAILED", channel=2),
        pb.Warning(
            reason=pb.WARNING_REASON_RECOGNITION_FAILED,
            message="audio from 0.000 s to 1.000 s could not be recognized",
            metadata={
                "start": "0.000",
                "end": "1.000",
                "reason": "RECOGNITION_FAILED",
                "channel": "2",
            },
        ),
    ),
    "warning of audio": (
        events.AudioWarning(events.AudioProblem.CLIPPED, 24_000, "too loud"),
        pb.Warning(
            reason=pb.WARNING_REASON_AUDIO_CLIPPED,
            message="too loud",
            metadata={"position": "1.500"},
        ),
    ),
    "warning of interims": (
        events.InterimsThinned(24_000, 2.0),
        pb.Warning(
            reason=pb.WARNING_REASON_INTERIMS_THINNED,
            message="interim results come every 2 s at present, by how busy the server is",
            metadata={"start": "1.500", "interval": "2"},
        ),
    ),
    "warning of no interims": (
        events.InterimsThinned(24_000, math.inf),
        pb.Warning(
            reason=pb.WARNING_REASON_INTERIMS_THINNED,
            message="interim results do not come at present, by how busy the server is",
            metadata={"start": "1.500", "interval": "0"},
        ),
    ),
    "warning of a late final": (
        events.FinalLate(Span(16_000, 24_000), channel=2),
        pb.Warning(
            reason=pb.WARNING_REASON_FINALS_LATE,
            message="the server is busy: text from 1.000 s to 1.500 s comes late",
            metadata={"start": "1.000", "end": "1.500", "channel": "2"},
        ),
    ),
    "go_away": (
        events.GoingAway(2.5),
        pb.GoAway(
            time_left=Duration(seconds=2, nanos=500_000_000),
            message="the server is shutting down; final results follow",
        ),
    ),
    "session_summary": (
        events.SessionSummary(48_000, 16_000, 2, 0.125),
        pb.SessionSummary(
            received_audio=Duration(seconds=3),
            speech_audio=Duration(seconds=1),
            final_result_count=2,
            inference_time=Duration(nanos=125_000_000),
        ),
    ),
}


@pytest.mark.parametrize("name", SEEN)
def test_every_event_has_its_response(name: str) -> None:
    event, expected = SEEN[name]
    message = response(NumberedEvent(12, event), 99, StreamConfig(latency_breakdown=True))
    kind = name.split(maxsplit=1)[0]
    assert message.sequence == 12
    assert message.WhichOneof("response") == kind
    assert getattr(message, kind) == expected


def test_every_kind_of_response_was_seen() -> None:
    oneof = pb.StreamingRecognizeResponse.DESCRIPTOR.oneofs_by_name["response"]
    kinds = {field.name for field in oneof.fields}
    assert {name.split()[0] for name in SEEN} | {"session_started"} == kinds


def test_every_kind_of_event_was_seen() -> None:
    seen = {type(event) for event, _ in SEEN.values()}
    assert seen | {events.SessionStarted} == set(get_args(events.Event))


def test_the_tables_know_every_problem_and_timeout() -> None:
    assert set(TIMEOUTS) == set(events.SpeechTimeout)
    assert set(PROBLEMS) == set(events.AudioProblem)
    assert set(PACING) == set(events.Pacing)
    for pacing, number in PACING.items():
        assert pb.PacingState.Name(number) == f"PACING_STATE_{pacing.name}"
    for problem, value in PROBLEMS.items():
        assert pb.WarningReason.Name(value) == f"WARNING_REASON_AUDIO_{problem.name}"


def test_a_summary_is_the_same_in_both_calls() -> None:
    totals, expected = SEEN["session_summary"]
    assert isinstance(totals, events.SessionSummary)
    assert summary(totals) == expected


# ----------------------------------------------------------------------------------- session


def assert_complete(message: Message) -> None:
    """Every field of ours is set to something that is not zero."""
    given = {field.name for field, _ in message.ListFields()}
    assert given == set(message.DESCRIPTOR.fields_by_name)


def test_a_model_has_every_field() -> None:
    message = model_message(MODEL, loaded=True)
    assert_complete(message)
    assert message == pb.Model(
        name="tiny",
        display_name="Tiny",
        revision="r1",
        language_codes=["en", "ko"],
        loaded=True,
        tasks=[pb.TASK_TRANSCRIBE, pb.TASK_TRANSLATE],
        interim_model="tinier",
    )
    assert not model_message(MODEL, loaded=False).loaded


def test_limits_have_every_field() -> None:
    limits = Limits(
        max_session_duration=1.5,
        idle_timeout=2.0,
        max_buffered_audio=3.0,
        max_chunk_bytes=4,
        max_recording_duration=5.0,
        resume_window=6.0,
        max_unacknowledged=7,
    )
    message = server_limits(limits)
    assert_complete(message)
    assert message == pb.ServerLimits(
        max_session_duration=Duration(seconds=1, nanos=500_000_000),
        idle_timeout=Duration(seconds=2),
        max_buffered_audio=Duration(seconds=3),
        max_chunk_bytes=4,
        max_recording_duration=Duration(seconds=5),
        resume_window=Duration(seconds=6),
        max_unacknowledged_responses=7,
    )


def test_presets_have_every_field() -> None:
    assert len(presets()) == 5
    for preset in presets():
        assert_complete(preset)


SECONDS = st.integers(500, 10_000).map(lambda milliseconds: milliseconds / 1000)
TEXTS = st.text(max_size=20)
RECOGNITION = st.builds(
    RecognitionConfig,
    model=st.just("tiny"),
    languages=st.just(("ko", "en")),
    language_tags=st.just(("ko-KR", "EN_us")),
    language_switching=st.booleans(),
    task=st.sampled_from(Task),
    word_times=st.booleans(),
    interim_words=st.booleans(),
    adaptation=st.builds(
        Adaptation,
        initial_prompt=TEXTS,
        hotwords=st.lists(TEXTS, max_size=3).map(tuple),
        replacements=st.lists(st.builds(Replacement, TEXTS, TEXTS, st.booleans()), max_size=3).map(
            tuple
        ),
    ),
    channel_mode=st.sampled_from(ChannelMode),
    beam_size=st.integers(1, 10),
    no_speech_threshold=st.sampled_from([0.0, 0.25, 1.0]),
    condition_on_previous_text=st.none() | st.booleans(),
)
COMMON = st.fixed_dictionaries(
    {
        "min_speech": SECONDS,
        "prefix_padding": SECONDS,
        "speech_threshold": st.sampled_from([0.25, 0.75]),
        "speech_start_timeout": st.none() | SECONDS,
        "speech_end_timeout": st.none() | SECONDS,
    }
)
IN_MODE = {
    EndpointingMode.VAD: st.fixed_dictionaries({"end_silence": SECONDS, "max_utterance": SECONDS}),
    EndpointingMode.CLIENT: st.fixed_dictionaries({"max_utterance": SECONDS}),
    EndpointingMode.FIXED: st.fixed_dictionaries(
        {"end_silence": SECONDS, "chunk_duration": SECONDS, "overlap_duration": SECONDS}
    ),
}
ENDPOINTING = st.sampled_from(EndpointingMode).flatmap(
    lambda mode: st.builds(
        lambda common, own: EndpointingConfig(mode=mode, **common, **own), COMMON, IN_MODE[mode]
    )
)
CONFIGS = st.builds(
    StreamConfig,
    recognition=RECOGNITION,
    endpointing=ENDPOINTING,
    interim_results=st.booleans(),
    single_utterance=st.booleans(),
    interim_interval=SECONDS,
    voice_activity_events=st.booleans(),
    progress_interval=st.none() | SECONDS,
    latency_breakdown=st.booleans(),
    priority=st.sampled_from(Priority),
    resume=st.just(ResumeConfig())
    | st.integers(1_000, 30_000).map(lambda ms: ResumeConfig(True, ms / 1_000)),
)


@given(CONFIGS)
def test_the_settings_in_force_are_those_asked_for(config: StreamConfig) -> None:
    """What is told, asked for in the next stream, gives the same settings."""
    assert stream_config(effective_config(config, MODEL), Limits()) == config


def test_settings_that_mean_nothing_in_a_mode_are_not_told() -> None:
    fixed = EndpointingConfig(mode=EndpointingMode.FIXED)
    told = effective_config(StreamConfig(endpointing=fixed), MODEL).endpointing
    assert {field.name for field, _ in told.ListFields()} == {
        "mode",
        "end_silence",
        "min_speech",
        "prefix_padding",
        "speech_threshold",
        "chunk_duration",
        "overlap_duration",
    }


def test_the_model_in_force_is_named_when_none_was_asked_for() -> None:
    assert effective_config(StreamConfig(), MODEL).recognition.model == "tiny"
