"""Streams that end by themselves: after one utterance, or when nobody speaks for too long."""

from __future__ import annotations

import pytest
from sori_server.domain.config import EndpointingMode
from sori_server.domain.errors import ProtocolViolation
from sori_server.domain.events import (
    Event,
    Finalized,
    FinalReason,
    Progress,
    Result,
    SessionSummary,
    SingleUtteranceEnded,
    SpeechEnded,
    SpeechStarted,
    SpeechTimedOut,
    SpeechTimeout,
)
from sori_server.session.core import Session
from sori_server.session.state import State
from support.session_streams import FRAME, SECOND, Stream, counted, stream, words

pytestmark = pytest.mark.unit


def one(probabilities: list[float], s: Stream, *, at_once: bool = True) -> None:
    """Give frames in one chunk or one by one, as long as the session takes them."""
    step = len(probabilities) if at_once else 1
    for start in range(0, len(probabilities), step):
        if s.session.state is not State.OPEN:
            break
        chunk = probabilities[start : start + step]
        s.session.receive_audio(len(chunk) * FRAME, [chunk])
    s.drain()


def told(s: Stream) -> list[Event]:
    """The events that are no text and no progress."""
    return [event for event in s.said if not isinstance(event, Result | Progress)]


SPEECH, SILENCE = [0.9] * 100, [0.0] * 100
"""A second of each."""

# ----------------------------------------------------------- single utterance


@pytest.mark.parametrize("at_once", [True, False])
def test_a_stream_of_a_single_utterance_ends_with_it(at_once: bool) -> None:
    s = stream(single_utterance=True)
    one(SILENCE + SPEECH + SILENCE + SPEECH, s, at_once=at_once)
    end = round(2.5 * SECOND)
    assert s.session.received == end
    assert s.session.state is State.ENDING
    s.answer(s.asked[0], " one")
    assert s.kinds == [
        "SpeechStarted",
        "SpeechEnded",
        "SingleUtteranceEnded",
        "Result",
        "Progress",
        "SessionSummary",
    ]
    assert SingleUtteranceEnded(end) in s.said
    assert s.finals == [("one", FinalReason.ENDPOINT)]
    assert isinstance(s.said[-1], SessionSummary)
    assert (s.said[-1].received, s.said[-1].final_results) == (end, 1)


def test_nothing_may_follow_a_single_utterance() -> None:
    s = stream(single_utterance=True)
    one(SPEECH + SILENCE, s)
    with pytest.raises(ProtocolViolation):
        s.session.receive_audio(FRAME, [[0.0]])
    with pytest.raises(ProtocolViolation):
        s.session.finalize("late")
    s.end()
    s.hear_all()
    assert s.session.state is State.CLOSED
    assert s.kinds.count("SessionSummary") == 1


def test_a_single_utterance_without_text_ends_the_stream_all_the_same() -> None:
    s = stream(single_utterance=True)
    one(SPEECH + SILENCE, s)
    s.answer(s.asked[0], "")
    assert s.finals == []
    assert s.kinds[-2:] == ["Progress", "SessionSummary"]


def test_a_single_utterance_that_is_lost_ends_the_stream_all_the_same() -> None:
    s = stream(single_utterance=True)
    one(SPEECH + SILENCE, s)
    s.fail(s.asked[0])
    assert s.kinds[-3:] == ["WindowLost", "Progress", "SessionSummary"]


def test_a_finalized_single_utterance_ends_the_stream_where_it_ended() -> None:
    """The frame that has just begun is not judged yet, and yet in the utterance."""
    s = stream(single_utterance=True)
    s.speech(1.0)
    s.session.receive_audio(FRAME // 2, [[]])
    s.finalize("a")
    end = SECOND + FRAME // 2
    assert s.session.state is State.ENDING
    s.answer(s.asked[0], " one")
    assert s.finals == [("one", FinalReason.FINALIZE)]
    assert told(s)[2:4] == [SingleUtteranceEnded(end), Finalized("a", end)]
    assert s.kinds[-1] == "SessionSummary"


def test_a_finalize_without_speech_does_not_end_a_stream_of_a_single_utterance() -> None:
    s = stream(single_utterance=True)
    s.silence(1.0)
    s.finalize("a")
    assert s.said == [Finalized("a", SECOND)]
    assert s.session.state is State.OPEN
    one(SPEECH + SILENCE, s)
    assert SingleUtteranceEnded(round(2.5 * SECOND)) in s.said


def test_the_end_of_audio_ends_a_single_utterance() -> None:
    s = stream(single_utterance=True)
    s.speech(1.0)
    s.end()
    s.answer(s.asked[0], " one")
    assert s.finals == [("one", FinalReason.END_OF_AUDIO)]
    assert not any(isinstance(event, SingleUtteranceEnded) for event in s.said)


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        (EndpointingMode.VAD, FinalReason.MAX_UTTERANCE),
        (EndpointingMode.CLIENT, FinalReason.MAX_UTTERANCE),
        (EndpointingMode.FIXED, FinalReason.CHUNK),
    ],
)
def test_a_single_utterance_as_long_as_one_may_be_has_one_final_result(
    mode: EndpointingMode, reason: FinalReason
) -> None:
    """Nothing follows it to which its newest words could be left."""
    s = stream(
        single_utterance=True, mode=mode, max_utterance=4.0, chunk_duration=4.0, prefix_padding=0.0
    )
    s.spoken = words(counted(0, 20))
    one(SPEECH * 6, s)
    s.hear_all()
    assert s.finals == [(counted(0, 8).strip(), reason)]
    assert told(s) == [
        SpeechStarted(0),
        SpeechEnded(4 * SECOND),
        SingleUtteranceEnded(4 * SECOND),
        SessionSummary(4 * SECOND, 4 * SECOND, 1, 0.0),
    ]


# ------------------------------------------------------------------- timeouts


@pytest.mark.parametrize("at_once", [True, False])
def test_a_stream_without_speech_ends_in_time(at_once: bool) -> None:
    s = stream(speech_start_timeout=1.5)
    one(SILENCE * 4, s, at_once=at_once)
    end = round(1.5 * SECOND)
    assert s.said == [SpeechTimedOut(SpeechTimeout.START, end), SessionSummary(end, 0, 0, 0.0)]
    assert s.session.state is State.CLOSED


@pytest.mark.parametrize("at_once", [True, False])
def test_a_stream_ends_in_time_after_speech_that_ended(at_once: bool) -> None:
    """The silence waited for before the endpoint is a part of the time."""
    s = stream(speech_end_timeout=1.5, end_silence=0.5)
    one(SILENCE + SPEECH + SILENCE * 4, s, at_once=at_once)
    end = round(3.5 * SECOND)
    assert s.session.received == end
    s.answer(s.asked[0], " one")
    assert told(s) == [
        SpeechStarted(SECOND),
        SpeechEnded(2 * SECOND),
        SpeechTimedOut(SpeechTimeout.END, end),
        SessionSummary(end, round(1.5 * SECOND), 1, 0.0),
    ]
    assert s.kinds[-3:] == ["Result", "Progress", "SessionSummary"]
    assert s.finals == [("one", FinalReason.ENDPOINT)]


@pytest.mark.parametrize("mode", [EndpointingMode.VAD, EndpointingMode.CLIENT])
def test_a_timeout_shorter_than_the_silence_waited_for_ends_the_utterance_too(
    mode: EndpointingMode,
) -> None:
    s = stream(speech_end_timeout=1.0, end_silence=5.0, mode=mode)
    one(SILENCE + SPEECH + SILENCE * 2, s)
    s.answer(s.asked[0], " one")
    end = 3 * SECOND
    assert told(s)[:3] == [
        SpeechStarted(SECOND),
        SpeechEnded(2 * SECOND),
        SpeechTimedOut(SpeechTimeout.END, end),
    ]
    assert s.finals == [("one", FinalReason.END_OF_AUDIO)]
    assert s.final_results[0].span.end <= end


def test_no_time_runs_while_somebody_speaks() -> None:
    s = stream(speech_start_timeout=1.0, speech_end_timeout=1.0)
    one(SPEECH[:90] + SPEECH * 20, s)
    assert s.session.state is State.OPEN


def test_speech_that_begins_in_time_is_in_time_though_that_is_known_later() -> None:
    s = stream(speech_start_timeout=1.0, min_speech=0.2)
    one(SILENCE[:90] + SPEECH, s)
    assert s.session.state is State.OPEN
    assert s.said == [SpeechStarted(round(0.9 * SECOND))]


def test_what_proves_to_be_no_speech_does_not_save_the_stream() -> None:
    s = stream(speech_start_timeout=1.0, min_speech=0.2)
    one(SILENCE[:90] + SPEECH[:19] + SILENCE, s)
    assert s.session.received == round(1.1 * SECOND)
    assert s.kinds == ["SpeechTimedOut", "SessionSummary"]


def test_time_starts_again_with_every_speech() -> None:
    s = stream(speech_end_timeout=1.0, speech_start_timeout=0.5)
    one(SPEECH + SILENCE[:90] + SPEECH + SILENCE[:90] + SPEECH + SILENCE * 2, s)
    assert s.session.received == round(5.8 * SECOND)


def test_the_start_has_no_time_where_only_the_end_has() -> None:
    s = stream(speech_end_timeout=0.5)
    one(SILENCE * 60, s)
    assert s.session.state is State.OPEN


def test_the_end_has_no_time_where_only_the_start_has() -> None:
    s = stream(speech_start_timeout=0.5)
    one(SPEECH + SILENCE * 60, s)
    assert s.session.state is State.OPEN


def test_finals_of_earlier_speech_come_before_the_summary_of_a_timeout() -> None:
    s = stream(speech_end_timeout=2.0)
    one(SPEECH + SILENCE + SPEECH + SILENCE * 4, s)
    assert s.session.state is State.ENDING
    s.answer(s.asked[1], " two")
    assert s.finals == []
    s.answer(s.asked[0], " one")
    assert [text for text, _ in s.finals] == ["one", "two"]
    assert s.kinds[-1] == "SessionSummary"


@pytest.mark.parametrize("frame", [160, 512])
def test_timeouts_fall_on_the_first_frame_that_makes_them(frame: int) -> None:
    s = stream(speech_start_timeout=1.0)
    s.session = Session(s.config, frame)
    s.session.receive_audio(3 * SECOND, [[0.0] * (3 * SECOND // frame)])
    s.drain()
    end = -(-SECOND // frame) * frame
    assert s.said[0] == SpeechTimedOut(SpeechTimeout.START, end)
    assert s.session.received == end


def test_a_finalize_after_speech_does_not_stop_the_time() -> None:
    """Its speech ended with it, as far as anybody can tell."""
    s = stream(speech_end_timeout=1.0)
    one(SPEECH, s)
    s.finalize("a")
    one(SILENCE * 3, s)
    assert SpeechTimedOut(SpeechTimeout.END, 2 * SECOND) in s.said
