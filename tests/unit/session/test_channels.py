"""Channels that are recognized apart: nothing of one is in the way of another."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sori_server.domain.audio import Span
from sori_server.domain.config import ChannelMode, EndpointingMode, RecognitionConfig
from sori_server.domain.events import (
    Finalized,
    FinalReason,
    Progress,
    Result,
    SessionSummary,
    SpeechEnded,
    SpeechStarted,
    WindowLost,
)
from sori_server.domain.recognition import Hypothesis
from sori_server.session.core import Session
from support.session_streams import FRAME, SECOND, Stream, stream

pytestmark = pytest.mark.unit

APART = RecognitionConfig(channel_mode=ChannelMode.SEPARATE)


def two(*, interims: bool = False) -> Stream:
    return stream(APART, channels=2, interims=interims, prefix_padding=0.0)


def turns() -> Stream:
    """The first speaks, then both, then the second: windows 1 and 2."""
    s = two()
    s.audio(1.0, 0.9, 0.0)
    s.audio(1.0, 0.9, 0.9)
    s.audio(1.0, 0.0, 0.9)
    s.silence(1.0)
    return s


def test_channels_are_numbered_from_one_where_they_are_apart() -> None:
    s = turns()
    first, second = s.asked
    assert [(r.channel, r.start, r.end) for r in s.asked] == [
        (0, 0, round(2.2 * SECOND)),
        (1, SECOND, round(3.2 * SECOND)),
    ]
    s.answer(first, " one")
    s.answer(second, " two")
    assert [(r.channel, r.utterance_index, r.text) for r in s.results] == [
        (1, 0, "one"),
        (2, 0, "two"),
    ]
    activity = [e for e in s.said if isinstance(e, SpeechStarted | SpeechEnded)]
    assert activity == [
        SpeechStarted(0, 1),
        SpeechStarted(SECOND, 2),
        SpeechEnded(2 * SECOND, 1),
        SpeechEnded(3 * SECOND, 2),
    ]


def test_one_channel_that_is_apart_is_the_first_and_mixed_ones_are_none() -> None:
    for recognition, channel in ((APART, 1), (RecognitionConfig(), 0)):
        s = stream(recognition)
        s.speech(1.0)
        s.end()
        s.answer(s.asked[0], " one")
        assert s.results[0].channel == channel
        assert s.asked[0].channel == 0


def test_finals_of_a_channel_do_not_wait_for_another() -> None:
    s = turns()
    s.answer(s.asked[1], " two")
    assert [r.text for r in s.final_results] == ["two"]
    s.answer(s.asked[0], " one")
    assert [r.text for r in s.final_results] == ["two", "one"]


def test_utterances_are_counted_by_channel() -> None:
    s = two()
    for _ in range(2):
        s.audio(1.0, 0.9, 0.0)
        s.silence(1.0)
    s.audio(1.0, 0.0, 0.9)
    s.end()
    for request in list(s.asked):
        s.answer(request, " yes")
    assert [(r.channel, r.utterance_index) for r in s.results] == [(1, 0), (1, 1), (2, 0)]
    assert s.said[-1] == SessionSummary(5 * SECOND, round(3.4 * SECOND), 3, 0.0)


def test_progress_is_that_of_the_slowest_channel() -> None:
    s = turns()
    s.answer(s.asked[1], " two")
    assert s.session.final_position == 0
    s.answer(s.asked[0], " one")
    told = [(e.received, e.final) for e in s.said if isinstance(e, Progress)]
    assert told == [(4 * SECOND, 0), (4 * SECOND, 4 * SECOND)]


def test_each_channel_needs_its_own_audio() -> None:
    s = turns()
    assert s.session.needed_from == [0, SECOND]
    s.answer(s.asked[1], " two")
    assert s.session.needed_from == [0, 4 * SECOND]
    s.answer(s.asked[0], " one")
    assert s.session.needed_from == [4 * SECOND, 4 * SECOND]


def test_a_lost_window_names_its_channel() -> None:
    s = turns()
    s.fail(s.asked[1])
    lost = WindowLost(Span(SECOND, round(3.2 * SECOND)), "RECOGNITION_FAILED", 2)
    assert [event for event in s.said if isinstance(event, WindowLost)] == [lost]


def test_a_finalize_is_answered_after_the_finals_of_all_channels() -> None:
    s = two()
    s.speech(1.0)
    s.finalize("a")
    first, second = s.asked
    s.answer(second, " two")
    assert not any(isinstance(event, Finalized) for event in s.said)
    s.answer(first, " one")
    assert s.said[-1] == Finalized("a", SECOND)
    assert {reason for _, reason in s.finals} == {FinalReason.FINALIZE}


def test_a_finalize_waits_for_no_channel_that_was_silent() -> None:
    s = two()
    s.audio(1.0, 0.9, 0.0)
    s.finalize("a")
    s.answer(s.asked[0], " one")
    assert s.said[-1] == Finalized("a", SECOND)


def test_a_finalize_waits_for_no_utterance_begun_after_it() -> None:
    s = two()
    s.speech(1.0)
    s.finalize("a")
    s.speech(1.0)
    s.silence(1.0)
    first, second, third, fourth = s.asked
    s.answer(third, " three")
    s.answer(first, " one")
    assert [r.text for r in s.final_results] == ["one", "three"]
    s.answer(second, " two")
    assert s.said[-1] == Finalized("a", SECOND)
    s.answer(fourth, " four")
    assert [r.text for r in s.final_results] == ["one", "three", "two", "four"]


def test_in_one_channel_later_finals_follow_the_answer() -> None:
    s = stream(prefix_padding=0.0)
    s.speech(1.0)
    s.finalize("a")
    s.speech(1.0)
    s.silence(1.0)
    s.answer(s.asked[1], " two")
    s.answer(s.asked[0], " one")
    order = [e for e in s.said if isinstance(e, Finalized | Result)]
    assert [getattr(e, "text", "answer") for e in order] == ["one", "answer", "two"]


def test_waiting_interims_are_replaced_by_those_of_their_own_channel_only() -> None:
    session = Session(two(interims=True).config, FRAME, 2)

    def hear(texts: list[str]) -> None:
        session.receive_audio(SECOND, [[0.9] * 100] * 2)
        for request, text in zip(session.requests(), texts, strict=False):
            heard = Hypothesis(request.bind(session.received), text, "en")
            session.receive_hypothesis(request.request_id, heard, 0.1)

    hear([" one", " two"])
    hear([" one won"])
    events = [numbered.event for numbered in iter(session.next_event, None)]
    results = [(e.channel, e.revision) for e in events if isinstance(e, Result)]
    assert results == [(2, 1), (1, 2)]


def test_each_channel_has_an_interim_of_its_own_under_way() -> None:
    s = two(interims=True)
    s.speech(2.0)
    assert [r.channel for r in s.asked] == [0, 1]
    s.answer(s.asked[1], " two")
    s.speech(0.5)
    assert [r.channel for r in s.asked] == [0, 1, 1]


def test_a_channel_detects_its_own_language_and_follows_its_own_text() -> None:
    recognition = replace(APART, condition_on_previous_text=True)
    s = stream(recognition, channels=2, prefix_padding=0.0)
    s.speech(2.0)
    s.silence(1.0)
    s.answer(s.asked[0], " one", language="en", sure=0.9)
    s.answer(s.asked[1], " 둘", language="ko", sure=0.9)
    s.speech(2.0)
    s.silence(1.0)
    assert [(r.options.languages, r.prompt) for r in s.asked[2:]] == [
        (("en",), "one"),
        (("ko",), "둘"),
    ]


def test_the_end_of_audio_ends_all_channels() -> None:
    s = turns()
    s.speech(0.5)
    s.end()
    for request in list(s.asked):
        s.answer(request, " yes")
    assert s.kinds[-1] == "SessionSummary"
    assert [r.final_reason for r in s.final_results][2:] == [FinalReason.END_OF_AUDIO] * 2


def test_chunks_of_a_channel_begin_with_its_own_speech() -> None:
    s = stream(
        APART, channels=2, mode=EndpointingMode.FIXED, chunk_duration=2.0, prefix_padding=0.0
    )
    s.audio(0.5, 0.9, 0.0)
    s.audio(2.5, 0.9, 0.9)
    assert [(r.channel, r.end) for r in s.asked] == [(0, 2 * SECOND), (1, round(2.5 * SECOND))]


def test_eight_channels_of_silence_ask_for_nothing() -> None:
    s = stream(APART, channels=8)
    s.silence(10.0)
    s.finalize("a")
    s.end()
    assert s.asked == []
    assert s.said == [Finalized("a", 10 * SECOND), SessionSummary(10 * SECOND, 0, 0, 0.0)]
