"""The session by examples: frames of 10 ms, utterances written out."""

from __future__ import annotations

import pytest
from sori_server.domain.audio import Span
from sori_server.domain.config import RecognitionConfig, StreamConfig
from sori_server.domain.errors import ProtocolViolation
from sori_server.domain.events import (
    Finalized,
    FinalReason,
    GoingAway,
    Progress,
    Result,
    SessionStarted,
    SessionSummary,
    SpeechEnded,
    SpeechStarted,
    WindowLost,
)
from sori_server.domain.recognition import EngineTiming, RecognitionRequest, WindowKind, Word
from sori_server.session.core import Session
from sori_server.session.state import State
from support.session_streams import FRAME, NEWEST, SECOND, Stream, stream

pytestmark = pytest.mark.unit


# -------------------------------------------------------------- one utterance


def test_an_utterance_from_first_sample_to_summary() -> None:
    s = stream(early=False)
    s.session.begin("id")
    s.silence(1.0)
    s.speech(2.0)
    s.silence(1.0)
    (request,) = s.asked
    assert request == RecognitionRequest(
        request_id=1,
        kind=WindowKind.FINAL,
        start=round(0.7 * SECOND),
        end=round(3.2 * SECOND),
        options=request.options,
        step=SECOND // 2,
    )
    assert (request.options.beam_size, request.options.word_times) == (5, False)
    s.answer(request, " Hello there.", timing=EngineTiming(0.01, 0.02, 0.4, batch_size=4))
    s.end()
    started, onset, offset, final, progress, summary = s.said
    assert started == SessionStarted("id")
    assert onset == SpeechStarted(SECOND)
    assert offset == SpeechEnded(3 * SECOND)
    assert isinstance(final, Result)
    assert (final.utterance_index, final.revision, final.is_final) == (0, 1, True)
    assert (final.committed_text, final.tentative_text) == ("Hello there.", "")
    assert final.span == Span(round(0.7 * SECOND), round(3.2 * SECOND))
    assert final.final_reason is FinalReason.ENDPOINT
    assert (final.language, final.language_confidence, final.confidence) == ("en", 0.8, 0.7)
    assert final.latency is not None
    assert final.latency.endpointing == pytest.approx(0.5)
    assert (final.latency.total, final.latency.batch_size) == (0.2, 4)
    assert progress == Progress(4 * SECOND, round(3.7 * SECOND))
    assert summary == SessionSummary(4 * SECOND, round(2.5 * SECOND), 1, 0.1)
    assert s.session.state is State.CLOSED


def test_the_endpoint_is_decided_with_the_last_frame_of_the_wanted_silence() -> None:
    s = stream(early=False, end_silence=0.5)
    s.speech(1.0)
    s.silence(0.4)
    s.session.receive_audio(9 * FRAME, [[0.0] * 9])
    s.drain()
    assert s.asked == []
    s.session.receive_audio(FRAME, [[0.0]])
    s.drain()
    assert [r.end for r in s.asked] == [round(1.2 * SECOND)]


def test_windows_do_not_depend_on_how_the_audio_was_cut_into_chunks() -> None:
    chunked, whole = stream(), stream()
    for s in (chunked, whole):
        s.silence(1.0)
    for _ in range(100):
        chunked.session.receive_audio(FRAME, [[0.9]])
    chunked.session.receive_audio(SECOND, [[0.0] * 100])
    whole.session.receive_audio(2 * SECOND, [[0.9] * 100 + [0.0] * 100])
    assert chunked.session.requests() == whole.session.requests() != []


def test_silence_asks_for_nothing_and_ends_with_a_summary() -> None:
    s = stream(interims=True)
    s.silence(10.0)
    assert s.session.needed_from[0] == round(9.7 * SECOND)
    s.end()
    assert s.asked == []
    assert s.said == [SessionSummary(10 * SECOND, 0, 0, 0.0)]


def test_an_utterance_without_text_that_showed_nothing_has_no_result() -> None:
    s = stream()
    s.speech(1.0)
    s.end()
    s.answer(s.asked[0], "")
    assert s.results == []
    assert isinstance(s.said[-1], SessionSummary)
    assert s.said[-1].final_results == 0


# ------------------------------------------------------------------- interims


def test_interims_are_asked_for_on_the_grid_one_at_a_time() -> None:
    s = stream(interims=True, prefix_padding=0.0)
    s.speech(0.4)
    assert s.asked == []
    s.speech(0.1)
    (first,) = s.asked
    assert (first.kind, first.start, first.end, first.step) == (
        WindowKind.INTERIM,
        0,
        None,
        SECOND // 2,
    )
    assert first.options.beam_size == 1
    s.speech(2.0)
    assert s.asked == [first]
    s.answer(first, " one")
    s.speech(0.4)
    assert s.asked == [first]
    s.speech(0.1)
    assert len(s.asked) == 2


def test_a_late_bound_interim_has_heard_all_there_was_and_no_new_one_is_wanted() -> None:
    s = stream(interims=True, prefix_padding=0.0)
    s.speech(2.6)
    s.answer(s.asked[0], " one two")
    assert s.results[0].span == Span(0, round(2.5 * SECOND))
    assert len(s.asked) == 1
    s.speech(0.4)
    assert len(s.asked) == 2


def test_silence_after_speech_asks_for_one_more_interim_only() -> None:
    s = stream(interims=True, prefix_padding=0.0, end_silence=5.0)
    s.speech(0.7)
    s.answer(s.asked[0], " one")
    s.silence(0.3)
    s.answer(s.asked[1], " one")
    s.silence(3.0)
    assert len(s.asked) == 2


def test_two_hypotheses_commit_and_the_final_keeps_it() -> None:
    s = stream(interims=True)
    s.speech(0.5)
    s.answer(s.asked[0], " one two")
    s.speech(0.5)
    s.answer(s.asked[1], " one two" + NEWEST)
    s.silence(1.0)
    s.answer(s.asked[-1], " won two three four")
    assert s.shown == [("", "one two"), ("one two", " new0"), ("one two three four", "")]
    assert [r.revision for r in s.results] == [1, 2, 3]
    assert s.finals == [("one two three four", FinalReason.ENDPOINT)]


@pytest.mark.parametrize(("wanted", "committed"), [(0.7, "one two"), (0.71, "")])
def test_words_are_committed_at_the_confidence_asked_for(wanted: float, committed: str) -> None:
    s = Stream(StreamConfig(interim_results=True, commit_confidence=wanted))
    s.speech(0.5)
    s.answer(s.asked[0], " one two")
    s.speech(0.5)
    s.answer(s.asked[1], " one two" + NEWEST)
    assert s.shown[-1][0] == committed


def test_the_end_of_an_utterance_withdraws_its_interim_and_late_answers_are_ignored() -> None:
    s = stream(interims=True)
    s.speech(0.5)
    s.silence(1.0)
    interim, final = s.asked
    assert s.withdrawn == [interim.request_id]
    s.answer(interim, " late")
    s.fail(interim)
    assert s.results == []
    s.answer(final, " one")
    s.answer(final, " two")
    assert s.finals == [("one", FinalReason.ENDPOINT)]


def test_a_failed_interim_costs_nothing_but_itself() -> None:
    s = stream(interims=True)
    s.speech(0.5)
    s.fail(s.asked[0])
    s.speech(0.5)
    assert len(s.interims_asked) == 2
    s.answer(s.asked[1], " one")
    assert s.shown == [("", "one")]
    assert not any(isinstance(event, WindowLost) for event in s.said)


def test_interims_wait_until_the_utterance_before_is_final() -> None:
    s = stream(interims=True)
    s.speech(0.5)
    s.silence(1.0)
    s.speech(0.5)
    first = s.finals_asked[0]
    s.answer(s.interims_asked[-1], " two")
    assert s.results == []
    s.answer(first, " one")
    s.speech(0.5)
    s.answer(s.interims_asked[-1], " two" + NEWEST)
    assert s.shown == [("one", ""), ("two", NEWEST)]


def test_an_interim_that_shows_text_makes_the_final_due_even_if_it_has_none() -> None:
    s = stream(interims=True)
    s.speech(0.5)
    s.answer(s.asked[0], " hm")
    s.silence(1.0)
    s.answer(s.finals_asked[0], "")
    assert s.shown == [("", "hm"), ("", "")]
    assert s.results[-1].is_final


# --------------------------------------------------- finalize and end of audio


def test_finalize_ends_the_utterance_at_the_newest_sample() -> None:
    s = stream()
    s.speech(1.0)
    s.finalize("a")
    assert [(r.start, r.end) for r in s.asked] == [(0, SECOND)]
    assert s.said == [SpeechStarted(0), SpeechEnded(SECOND)]
    s.answer(s.asked[0], " one")
    assert s.finals == [("one", FinalReason.FINALIZE)]
    assert s.said[-1] == Finalized("a", SECOND)


def test_finalize_without_speech_is_answered_at_once() -> None:
    s = stream()
    s.silence(1.0)
    s.finalize("a")
    assert s.asked == []
    assert s.said == [Finalized("a", SECOND)]


def test_finalize_waits_for_the_finals_before_it() -> None:
    s = stream()
    s.speech(1.0)
    s.silence(1.0)
    s.finalize("a")
    s.finalize("b")
    assert not any(isinstance(event, Finalized) for event in s.said)
    s.answer(s.asked[0], " one")
    assert s.said[-2:] == [Finalized("a", 2 * SECOND), Finalized("b", 2 * SECOND)]


def test_speech_goes_on_after_finalize_however_short_its_rest() -> None:
    s = stream(min_speech=0.5, prefix_padding=0.3)
    s.speech(1.0)
    s.finalize()
    s.speech(0.1)
    s.silence(1.0)
    assert [(r.start, r.end) for r in s.asked] == [(0, SECOND), (SECOND, round(1.3 * SECOND))]
    assert SpeechStarted(SECOND) in s.said


def test_a_rest_too_short_for_features_ends_without_a_window() -> None:
    """Two frames of 512 are voiced; the second is complete 24 samples after the first end."""
    s = stream(min_speech=0.0)
    s.session = Session(s.config, 512)
    s.session.receive_audio(1000, [[0.9]])
    s.finalize("a")
    s.session.receive_audio(24, [[0.9]])
    s.finalize("b")
    (request,) = s.asked
    assert (request.start, request.end) == (0, 1000)
    s.answer(request, " one")
    s.end()
    assert s.finals == [("one", FinalReason.FINALIZE)]
    assert [event for event in s.said if isinstance(event, Finalized | WindowLost)] == [
        Finalized("a", 1000),
        Finalized("b", 1024),
    ]


def test_finalize_twice_in_speech_makes_one_utterance() -> None:
    s = stream()
    s.speech(1.0)
    s.finalize("a")
    s.finalize("b")
    s.end()
    assert len(s.asked) == 1


@pytest.mark.parametrize(
    ("runs", "span"),
    [
        ([(0.0, 1.0)], None),
        ([(0.0, 1.0), (0.9, 0.05)], (0.7, 1.05)),
        ([(0.0, 1.0), (0.9, 1.0)], (0.7, 2.0)),
        ([(0.0, 1.0), (0.9, 1.0), (0.0, 0.3)], (0.7, 2.3)),
    ],
    ids=["silence", "onset", "speech", "hangover"],
)
def test_the_end_of_audio_makes_all_of_it_final(
    runs: list[tuple[float, float]], span: tuple[float, float] | None
) -> None:
    s = stream()
    for speech, seconds in runs:
        s.audio(seconds, speech)
    s.end()
    assert s.session.state is (State.CLOSED if span is None else State.ENDING)
    asked = s.waiting
    for request in asked:
        s.answer(request, " one")
    heard = [(r.start, r.end) for r in asked]
    assert heard == ([] if span is None else [tuple(round(x * SECOND) for x in span)])
    assert s.finals == ([] if span is None else [("one", FinalReason.END_OF_AUDIO)])
    assert isinstance(s.said[-1], SessionSummary)
    for kind in (SpeechStarted, SpeechEnded):
        assert sum(isinstance(event, kind) for event in s.said) == len(heard)


def test_speech_that_began_just_before_finalize_is_told() -> None:
    s = stream()
    s.silence(1.0)
    s.speech(0.05)
    s.finalize()
    assert s.said == [SpeechStarted(SECOND), SpeechEnded(SECOND + 5 * FRAME)]


def test_audio_may_end_twice_but_nothing_comes_after_it() -> None:
    s = stream()
    s.speech(1.0)
    s.end()
    s.end()
    assert len(s.asked) == 1
    with pytest.raises(ProtocolViolation):
        s.session.receive_audio(FRAME, [[0.0]])
    with pytest.raises(ProtocolViolation):
        s.session.finalize("late")
    s.answer(s.asked[0], " one")
    s.end()
    s.session.go_away(1.0)
    s.drain()
    assert isinstance(s.said[-1], SessionSummary)
    assert sum(isinstance(event, SessionSummary) for event in s.said) == 1


def test_the_server_may_end_the_audio() -> None:
    s = stream()
    s.speech(1.0)
    s.session.go_away(5.0)
    s.session.end_of_audio(FinalReason.SERVER)
    s.drain()
    s.answer(s.asked[0], " one")
    assert GoingAway(5.0) in s.said
    assert s.finals == [("one", FinalReason.SERVER)]


# ------------------------------------------------------------ order and losses


def test_finals_come_in_order_though_their_texts_did_not() -> None:
    s = stream()
    for _ in range(2):
        s.speech(1.0)
        s.silence(1.0)
    first, second = s.asked
    s.answer(second, " two")
    assert s.finals == []
    assert s.session.needed_from[0] == first.start
    s.answer(first, " one")
    assert [text for text, _ in s.finals] == ["one", "two"]
    assert s.session.needed_from[0] == round(3.7 * SECOND)


def test_a_lost_final_is_told_and_what_was_committed_is_kept() -> None:
    s = stream(interims=True)
    s.speech(0.5)
    s.answer(s.asked[0], " one two")
    s.speech(0.5)
    s.answer(s.asked[1], " one two" + NEWEST)
    s.silence(1.0)
    s.fail(s.finals_asked[0])
    span = Span(0, round(1.2 * SECOND))
    assert WindowLost(span, "RECOGNITION_FAILED") in s.said
    assert s.finals == [("one two", FinalReason.ENDPOINT)]
    assert s.results[-1].language == "en"


def test_committed_words_the_final_lacks_have_a_place_between_the_others() -> None:
    s = stream(RecognitionConfig(word_times=True), interims=True, prefix_padding=0.0)
    s.speech(0.5)
    s.answer(s.asked[0], " one two three four")
    s.speech(0.5)
    s.answer(s.asked[1], " one two three four" + NEWEST)
    s.silence(1.0)
    heard = (Word(" one", 1000, 2000, 0.9), Word(" four", 5000, 6000, 0.9))
    s.answer(s.finals_asked[0], " one four", heard)
    final = s.results[-1]
    assert final.text == "one two three four"
    assert [(w.text, w.start, w.end, w.confidence) for w in final.words] == [
        (" one", 1000, 2000, 0.9),
        (" two", 2000, 3500, 0.0),
        (" three", 3500, 5000, 0.0),
        (" four", 5000, 6000, 0.9),
    ]


def test_committed_words_without_any_times_share_the_span() -> None:
    s = stream(RecognitionConfig(word_times=True), interims=True, prefix_padding=0.0)
    s.speech(0.5)
    s.answer(s.asked[0], " one two")
    s.speech(0.5)
    s.answer(s.asked[1], " one two" + NEWEST)
    s.silence(1.0)
    s.fail(s.finals_asked[0])
    final = s.results[-1]
    end, middle = final.span.end, final.span.end // 2
    assert [(w.start, w.end) for w in final.words] == [(0, middle), (middle, end)]


def test_a_lost_final_without_committed_text_has_no_result() -> None:
    s = stream()
    s.speech(1.0)
    s.silence(1.0)
    s.fail(s.asked[0])
    assert s.results == []
    assert sum(isinstance(event, WindowLost) for event in s.said) == 1


# ------------------------------------------------------------------- progress


def test_progress_is_told_by_audio_and_never_goes_back() -> None:
    s = Stream(StreamConfig(progress_interval=0.5))
    s.silence(1.0)
    s.speech(1.0)
    s.silence(1.0)
    s.answer(s.asked[0], " one")
    s.silence(0.5)
    told = [(e.received / SECOND, e.final / SECOND) for e in s.said if isinstance(e, Progress)]
    assert told == [
        (0.5, 0.2),
        (1.0, 0.7),
        (1.5, 0.7),
        (2.0, 0.7),
        (2.5, 0.7),
        (3.0, 0.7),
        (3.0, 2.7),
        (3.5, 3.2),
    ]


def test_without_activity_events_speech_is_not_told() -> None:
    s = Stream(StreamConfig())
    s.speech(1.0)
    s.end()
    assert s.said == []
