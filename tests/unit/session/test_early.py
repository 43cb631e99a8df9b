"""Final windows asked for while the silence that would end the utterance still lasts."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from sori_server.domain.audio import Span
from sori_server.domain.config import (
    Adaptation,
    ChannelMode,
    EndpointingMode,
    RecognitionConfig,
    Task,
)
from sori_server.domain.events import FinalReason, SpeechEnded, WindowLost
from sori_server.domain.recognition import EngineTiming, RecognitionRequest
from support.session_streams import FRAME, NEWEST, SECOND, Stream, stream, words

pytestmark = pytest.mark.unit

TIMED = RecognitionConfig(word_times=True)


def ends(requests: list[RecognitionRequest]) -> list[float | None]:
    return [None if r.end is None else r.end / SECOND for r in requests]


def paused(**wanted: object) -> tuple[Stream, RecognitionRequest]:
    """A second of speech, 0.3 s of silence, and the early final asked for in it."""
    s = stream(**wanted)  # type: ignore[arg-type]
    s.speech(1.0)
    s.silence(0.3)
    return s, s.finals_asked[-1]


# ------------------------------------------------------------------- asked for


@pytest.mark.parametrize(
    "recognition",
    [
        RecognitionConfig(),
        RecognitionConfig(word_times=True, beam_size=1, languages=("ko",)),
        RecognitionConfig(task=Task.TRANSLATE, adaptation=Adaptation("Given.", ("Sori",))),
    ],
)
def test_it_is_the_final_window_asked_for_ahead_of_the_endpoint(
    recognition: RecognitionConfig,
) -> None:
    late = stream(recognition, early=False)
    late.speech(1.0)
    late.silence(0.5)
    s = stream(recognition)
    s.speech(1.0)
    s.silence(0.2)
    (request,) = s.asked
    assert request == replace(late.asked[0], ahead=round(0.3 * SECOND))
    s.silence(0.8)
    assert s.asked == [request]


def test_none_is_asked_for_before_the_silence_that_a_window_keeps() -> None:
    s = stream()
    s.speech(1.0)
    s.session.receive_audio(19 * FRAME, [[0.0] * 19])
    s.drain()
    assert s.asked == []
    s.session.receive_audio(FRAME, [[0.0]])
    s.drain()
    assert ends(s.asked) == [1.2]


def test_none_is_asked_for_where_the_silence_is_over_when_its_audio_comes() -> None:
    s = stream()
    s.speech(1.0)
    s.session.receive_audio(SECOND, [[0.0] * 30 + [0.9] * 20 + [0.0] * 50])
    s.drain()
    assert [(r.end, r.ahead) for r in s.asked] == [(round(1.7 * SECOND), 0)]


@pytest.mark.parametrize(
    "wanted",
    [
        {"early": False},
        {"end_silence": 0.2},
        {"end_silence": 0.1},
        {"mode": EndpointingMode.CLIENT},
        {"max_utterance": 2.0},  # patience has run out after one second
    ],
)
def test_none_is_asked_for_where_it_could_not_be_early(wanted: dict[str, object]) -> None:
    s = stream(interims=True, **wanted)  # type: ignore[arg-type]
    s.speech(1.5)
    s.silence(1.0)
    assert [r.ahead for r in s.asked] == [0] * len(s.asked)


def test_it_takes_the_place_of_interims_until_speech_goes_on() -> None:
    s = stream(interims=True, prefix_padding=0.0, end_silence=2.0)
    s.speech(0.7)
    first = s.interims_asked[0]
    s.silence(1.5)
    (early,) = s.finals_asked
    assert s.withdrawn == [first.request_id]
    s.answer(early, " one")
    assert len(s.asked) == 2
    s.speech(0.8)
    assert len(s.interims_asked) == 2
    assert s.withdrawn == [first.request_id]


def test_an_utterance_that_waits_for_another_has_none_until_it_need_not() -> None:
    s = stream(RecognitionConfig(condition_on_previous_text=True))
    s.speech(1.0)
    s.silence(1.0)
    s.speech(1.0)
    s.silence(0.3)
    (first,) = s.asked
    s.answer(first, " One.")
    s.silence(0.1)
    early = s.asked[-1]
    assert (early.prompt, early.ahead) == ("One.", round(0.1 * SECOND))


def test_chunks_of_the_clock_that_end_in_silence_have_one_too() -> None:
    s = stream(mode=EndpointingMode.FIXED, chunk_duration=1.4, prefix_padding=0.0)
    s.speech(1.0)
    s.silence(0.3)
    (early,) = s.asked
    assert early.ahead == round(0.2 * SECOND)
    s.silence(0.1)
    s.answer(early, " one")
    assert s.finals == [("one", FinalReason.CHUNK)]


def test_each_channel_has_its_own() -> None:
    s = stream(RecognitionConfig(channel_mode=ChannelMode.SEPARATE), channels=2)
    s.audio(1.0, 0.9, 0.9)
    s.audio(0.3, 0.0, 0.9)
    s.audio(0.1, 0.9, 0.9)
    s.audio(0.3, 0.9, 0.0)
    assert [(r.channel, ends([r])) for r in s.asked] == [(0, [1.2]), (1, [1.6])]
    assert s.withdrawn == [s.asked[0].request_id]


# ------------------------------------------------------------- silence goes on


def test_an_answer_that_came_early_is_final_with_the_endpoint() -> None:
    s, early = paused()
    s.answer(early, " one", timing=EngineTiming(0.01, 0.02, 0.1, batch_size=4))
    assert s.results == []
    s.silence(0.2)
    assert s.finals == [("one", FinalReason.ENDPOINT)]
    (final,) = s.final_results
    assert (final.revision, final.span) == (1, Span(0, round(1.2 * SECOND)))
    told = final.latency
    assert told is not None
    assert (told.total, told.queue, told.preprocessing, told.inference) == (0, 0, 0, 0)
    assert (told.endpointing, told.batch_size) == (0.5, 4)
    assert s.asked == [early]
    assert s.kinds == ["SpeechStarted", "SpeechEnded", "Result", "Progress"]


def test_an_answer_that_was_under_way_is_final_and_its_time_runs_from_the_endpoint() -> None:
    s = stream()
    s.speech(1.0)
    s.session.receive_audio(40 * FRAME, [[0.0] * 40])
    s.session.receive_audio(10 * FRAME, [[0.0] * 10])
    s.drain()
    (early,) = s.asked
    assert early.ahead == round(0.1 * SECOND)
    s.answer(early, " one")
    assert s.finals == [("one", FinalReason.ENDPOINT)]
    assert s.results[0].latency is not None
    assert s.results[0].latency.total == pytest.approx(0.2 - 0.1)


def test_it_is_shown_whole_while_silence_lasts_and_commits_as_interims_do() -> None:
    s = stream(interims=True)
    s.speech(0.5)
    s.answer(s.asked[0], " one two")
    s.speech(0.5)
    s.answer(s.asked[1], " one two three")
    assert s.shown[-1] == ("one", " two")
    s.silence(0.3)
    s.answer(s.finals_asked[0], " one two three.")
    assert s.shown[-1] == ("one", " two three.")
    assert s.results[-1].latency is not None
    assert (s.results[-1].latency.total, s.results[-1].latency.endpointing) == (0.2, 0.0)
    s.silence(0.2)
    assert s.shown[-1] == ("one two three.", "")
    assert s.results[-1].is_final


def test_words_it_shows_have_the_times_that_interims_have() -> None:
    s = stream(RecognitionConfig(interim_words=True), interims=True, prefix_padding=0.0)
    s.spoken = words("one two", every=0.5)
    s.speech(1.0)
    s.hear_all()
    s.silence(0.3)
    s.hear_all()
    assert s.results[-1].words == s.spoken
    s.silence(0.2)
    assert s.results[-1].is_final
    assert s.results[-1].words == ()


@pytest.mark.parametrize("interims", [False, True])
@pytest.mark.parametrize("after", [False, True], ids=["before the endpoint", "after"])
def test_one_that_fails_costs_nothing_but_itself(interims: bool, after: bool) -> None:
    s, early = paused(interims=interims)
    if not after:
        s.fail(early)
        s.silence(0.1)
        assert s.waiting == []
    s.silence(0.3)
    (final,) = s.waiting
    if after:
        assert final is early
        s.fail(final)
        assert isinstance(s.said[-2], WindowLost)
        return
    assert final == replace(early, request_id=final.request_id, ahead=0)
    s.answer(final, " one")
    assert s.finals == [("one", FinalReason.ENDPOINT)]
    assert not any(isinstance(event, WindowLost) for event in s.said)


def test_the_language_it_was_heard_in_may_be_held_from_then_on() -> None:
    s, early = paused(interims=True)
    assert early.options.languages == ()
    s.answer(early, " ja", language="de", sure=1.0)
    s.silence(0.3)
    assert s.finals == [("ja", FinalReason.ENDPOINT)]
    s.speech(1.0)
    assert s.asked[-1].options.languages == ("de",)


def test_it_is_asked_for_again_when_another_language_is_held_at_the_endpoint() -> None:
    s = stream()
    s.speech(1.0)
    s.silence(1.0)
    s.speech(1.0)
    s.silence(0.3)
    before, early = s.asked
    s.answer(early, " ja", language="de", sure=0.5)
    s.answer(before, " yes", language="en", sure=1.0)
    s.silence(0.3)
    final = s.asked[-1]
    assert (final.end, final.ahead, final.options.languages) == (early.end, 0, ("en",))
    s.answer(final, " yeah", sure=1.0)
    assert [text for text, _ in s.finals] == ["yes", "yeah"]


# ----------------------------------------------------------- silence goes not on


@pytest.mark.parametrize("interims", [False, True])
def test_one_under_way_is_withdrawn_when_speech_goes_on(interims: bool) -> None:
    s, early = paused(interims=interims)
    s.speech(0.3)
    assert early.request_id in s.withdrawn
    s.answer(early, " late")
    assert s.results == []
    s.silence(0.3)
    again = s.finals_asked[-1]
    assert ends([again]) == [1.8]
    s.answer(again, " one two")
    s.silence(0.3)
    assert s.finals == [("one two", FinalReason.ENDPOINT)]


def test_what_was_heard_is_an_interim_when_speech_goes_on() -> None:
    s, early = paused(interims=True)
    s.answer(early, " one two")
    s.speech(0.5)
    s.answer(s.waiting[0], " one two" + NEWEST)
    assert s.shown[-1][0] == "one two"
    s.silence(0.5)
    s.answer(s.waiting[0], " one two three")
    assert s.shown[-1] == ("one two three", "")


def test_what_was_heard_is_dropped_when_speech_goes_on_and_nothing_is_shown() -> None:
    s, early = paused()
    s.answer(early, " one")
    s.speech(1.0)
    s.silence(0.5)
    s.answer(s.waiting[0], " won two")
    assert s.finals == [("won two", FinalReason.ENDPOINT)]
    assert len(s.results) == 1


def test_every_pause_has_one_at_most() -> None:
    s = stream()
    for _ in range(3):
        s.speech(0.5)
        s.silence(0.4)
    assert ends(s.asked) == [0.7, 1.6, 2.5]
    assert s.withdrawn == [1, 2]


@pytest.mark.parametrize("heard", [False, True])
@pytest.mark.parametrize("how", ["finalize", "end"])
def test_what_ends_the_utterance_elsewhere_asks_anew(how: str, heard: bool) -> None:
    s, early = paused()
    if heard:
        s.answer(early, " one")
    if how == "finalize":
        s.finalize()
    else:
        s.end()
    (final,) = s.waiting
    assert (final.end, final.ahead) == (round(1.3 * SECOND), 0)
    assert (early.request_id in s.withdrawn) is not heard
    s.answer(final, " one")
    (result,) = s.results
    assert result.span == Span(0, round(1.3 * SECOND))


def test_a_late_final_of_the_utterance_before_leaves_it_alone() -> None:
    """Chunks: the second one waits for where the first was cut; the third waits for nothing."""
    s = stream(TIMED, mode=EndpointingMode.FIXED, chunk_duration=2.0, prefix_padding=0.0)
    s.spoken = words("one two three four five six seven eight", every=0.5)
    s.speech(3.0)
    s.silence(0.6)
    s.speech(0.4)
    s.silence(0.3)
    first, early = s.asked
    assert early.ahead
    s.hear(first)
    assert s.withdrawn == []
    s.hear_all()
    s.silence(0.3)
    assert len(s.final_results) == 3
    assert len(s.asked) == 3


# ------------------------------------------------------------- at every place


def talk_on(s: Stream, frames: list[float], chunk: int, fate: str) -> None:
    """Audio in chunks of so many frames; all windows are heard but for the early finals' fate."""
    for first in range(0, len(frames), chunk):
        part = frames[first : first + chunk]
        s.session.receive_audio(len(part) * FRAME, [part])
        s.drain()
        for request in s.waiting:
            early = request.ahead > 0 and not isinstance(s.activity[-1], SpeechEnded)
            late = s.session.received < (request.end or 0) + round(0.15 * SECOND)
            if early and fate == "fails":
                s.fail(request)
            elif not early or fate == "at once" or (fate == "late" and not late):
                s.hear(request)
    s.end()
    s.hear_all()


@pytest.mark.parametrize("interims", [False, True])
@pytest.mark.parametrize("fate", ["at once", "late", "never", "fails"])
@pytest.mark.parametrize("chunk", [1, 7, 10])
def test_speech_may_go_on_at_every_place_of_a_pause(chunk: int, fate: str, interims: bool) -> None:
    for silent in range(1, 61, 1 if chunk == 1 else 3):
        s = stream(TIMED, interims=interims, prefix_padding=0.0)
        again = SECOND + silent * FRAME
        s.spoken = words("one two") + words("three four", first=again / SECOND)
        talk_on(s, [0.9] * 100 + [0.0] * silent + [0.9] * 100 + [0.0] * 60, chunk, fate)
        end = again + round(1.2 * SECOND)
        apart = [(0, round(1.2 * SECOND)), (again, end)]
        spans = [(r.span.start, r.span.end) for r in s.final_results]
        assert spans == ([(0, end)] if silent < 50 else apart)
        assert " ".join(text for text, _ in s.finals) == "one two three four"
        for earlier, later in pairwise(s.results):
            if later.utterance_index == earlier.utterance_index:
                assert later.committed_text.startswith(earlier.committed_text)
