"""Who decides when an utterance ends: silence, the client or the clock."""

from __future__ import annotations

from itertools import pairwise

import pytest
from sori_server.domain.audio import samples, seconds
from sori_server.domain.config import EndpointingMode, RecognitionConfig, Task
from sori_server.domain.events import Finalized, FinalReason, SpeechEnded, SpeechStarted
from sori_server.domain.recognition import WindowKind
from support.session_streams import SECOND, Stream, counted, stream, words

pytestmark = pytest.mark.unit

TIMED = RecognitionConfig(word_times=True)


def client(**endpointing: float) -> Stream:
    return stream(mode=EndpointingMode.CLIENT, **endpointing)


def fixed(
    recognition: RecognitionConfig = TIMED, *, interims: bool = False, **endpointing: float
) -> Stream:
    """Chunks of 2 s unless told, from the first speech on."""
    wanted = {"chunk_duration": 2.0, "prefix_padding": 0.0, **endpointing}
    return stream(recognition, interims=interims, mode=EndpointingMode.FIXED, **wanted)


def talk(s: Stream, length: float, *, every: float = 0.5) -> list[str]:
    """Unbroken speech of words from now on, heard at once; the words."""
    first = seconds(s.session.received)
    text = counted(len(s.spoken), round(length / every))
    s.spoken = [*s.spoken, *words(text, first=first, every=every)]
    for _ in range(round(length * 10)):
        s.speech(0.1)
        s.hear_all()
    return text.split()


def said(s: Stream) -> list[str]:
    return " ".join(text for text, _ in s.finals).split()


def in_pieces(s: Stream) -> list[str]:
    """The words of the final results, after a look at how their spans follow each other."""
    for earlier, later in pairwise(s.final_results):
        assert earlier.span.end <= later.span.start
    for result in s.final_results:
        for word in result.words:
            assert result.span.start <= (word.start + word.end) // 2 < result.span.end
    return said(s)


# --------------------------------------------------------------------- client


def test_silence_does_not_end_what_the_client_ends() -> None:
    s = client(end_silence=0.5)
    s.silence(1.0)
    s.speech(1.0)
    s.silence(5.0)
    s.speech(1.0)
    assert s.asked == []
    s.finalize("a")
    (request,) = s.asked
    assert (request.start, request.end) == (round(0.7 * SECOND), 8 * SECOND)
    s.answer(request, " one two")
    assert s.finals == [("one two", FinalReason.FINALIZE)]
    assert s.said[-1] == Finalized("a", 8 * SECOND)


def test_silence_before_the_speech_of_a_client_that_decides_costs_nothing() -> None:
    s = client(max_utterance=2.0)
    s.silence(60.0)
    s.finalize("a")
    s.silence(60.0)
    s.end()
    assert s.asked == []
    assert s.kinds == ["Finalized", "SessionSummary"]


def test_an_utterance_the_client_does_not_end_is_cut_at_its_longest() -> None:
    s = client(max_utterance=4.0, prefix_padding=0.0)
    talk(s, 8.5)
    s.end()
    s.hear_all()
    reasons = [reason for _, reason in s.finals]
    assert reasons == [FinalReason.MAX_UTTERANCE] * 2 + [FinalReason.END_OF_AUDIO]
    assert in_pieces(s) == counted(0, 17).split()


def test_an_utterance_the_client_does_not_end_in_silence_ends_at_its_longest() -> None:
    s = client(max_utterance=4.0, prefix_padding=0.0)
    s.speech(1.0)
    s.silence(20.0)
    (request,) = s.asked
    assert request.end == round(1.2 * SECOND)
    s.answer(request, " one")
    assert s.finals == [("one", FinalReason.MAX_UTTERANCE)]
    assert SpeechEnded(SECOND) in s.said


def test_speech_right_after_a_finalize_is_another_utterance() -> None:
    s = client(prefix_padding=0.0)
    s.speech(1.0)
    s.finalize("a")
    s.speech(1.0)
    s.silence(3.0)
    s.finalize("b")
    assert [(r.start, r.end) for r in s.asked] == [(0, SECOND), (SECOND, 5 * SECOND)]


def test_interims_of_a_client_that_decides_stop_in_silence() -> None:
    s = stream(mode=EndpointingMode.CLIENT, interims=True, prefix_padding=0.0)
    s.spoken = words("one two")
    for _ in range(10):
        s.speech(0.1)
        s.hear_all()
    asked = len(s.asked)
    for _ in range(100):
        s.silence(0.1)
        s.hear_all()
    assert len(s.asked) <= asked + 1


# ---------------------------------------------------------------------- fixed


def test_text_is_final_every_chunk_from_the_start_of_speech_on() -> None:
    s = fixed()
    s.silence(1.3)
    wanted = talk(s, 9.0)
    ends = [r.end for r in s.finals_asked]
    assert ends == [samples(1.3 + 2.0 * k) for k in range(1, 5)]
    s.silence(1.0)
    s.hear_all()
    reasons = [reason for _, reason in s.finals]
    assert reasons == [FinalReason.CHUNK] * 4 + [FinalReason.ENDPOINT]
    assert in_pieces(s) == wanted
    assert [type(e) for e in s.said if isinstance(e, SpeechStarted | SpeechEnded)] == [
        SpeechStarted,
        SpeechEnded,
    ]


def test_a_chunk_counts_from_the_padding_before_speech() -> None:
    s = fixed(prefix_padding=0.5)
    s.silence(1.0)
    s.speech(2.0)
    (request,) = s.asked
    assert (request.start, request.end) == (SECOND // 2, round(2.5 * SECOND))


def test_silence_ends_an_utterance_before_its_chunk_is_full() -> None:
    s = fixed(chunk_duration=5.0)
    s.speech(1.0)
    s.silence(1.0)
    (request,) = s.asked
    assert request.end == round(1.2 * SECOND)
    s.answer(request, " one")
    assert s.finals == [("one", FinalReason.ENDPOINT)]


def test_a_chunk_that_is_full_in_a_pause_ends_there() -> None:
    s = fixed()
    s.speech(1.8)
    s.silence(0.2)
    (request,) = s.asked
    s.answer(request, " one")
    assert s.finals == [("one", FinalReason.CHUNK)]
    assert SpeechEnded(round(1.8 * SECOND)) in s.said


def test_words_in_the_overlap_are_left_to_the_next_chunk() -> None:
    """At 0.1 s each, more words than are held back anyway end in the last 0.5 s."""
    s = fixed(overlap_duration=0.5)
    s.spoken = words(counted(0, 40), every=0.1)
    s.speech(2.1)
    s.hear_all()
    (first,) = s.final_results
    assert first.words[-1].end <= round(1.5 * SECOND) < first.words[-1].end + samples(0.1)
    assert first.span.end == (first.words[-1].end + s.spoken[len(first.words)].start) // 2


def test_the_next_chunk_hears_the_words_before_it_again_and_shows_them_once() -> None:
    s = fixed(interims=True)
    wanted = talk(s, 10.0)
    s.end()
    s.hear_all()
    assert in_pieces(s) == wanted
    for earlier, later in pairwise(s.finals_asked):
        assert earlier.end is not None
        assert later.start <= earlier.end - SECOND
    shown = [r.text.split()[0] for r in s.results if r.text]
    firsts = {r.utterance_index: r.text.split()[0] for r in s.final_results}
    assert shown == [firsts[r.utterance_index] for r in s.results if r.text]


@pytest.mark.parametrize("chunk", [1.0, 2.0, 5.0, 10.0, 28.0])
@pytest.mark.parametrize("every", [0.1, 0.4, 1.7])
def test_no_word_is_lost_or_doubled_and_no_window_is_too_long(chunk: float, every: float) -> None:
    s = fixed(chunk_duration=chunk, overlap_duration=min(0.2, chunk / 2))
    wanted = talk(s, 70.0, every=every)
    s.end()
    s.hear_all()
    assert in_pieces(s) == wanted
    lengths = [r.end - r.start for r in s.finals_asked if r.end is not None]
    assert max(lengths) <= 30 * SECOND


@pytest.mark.parametrize("overlap", [0.0, 0.2, 1.0, 7.0, 14.0])
@pytest.mark.parametrize("chunk", [14.0, 28.0])
def test_however_far_a_chunk_goes_back_the_next_window_fits_the_model(
    chunk: float, overlap: float
) -> None:
    s = fixed(chunk_duration=chunk, overlap_duration=min(overlap, chunk / 2))
    wanted = talk(s, 70.0)
    s.end()
    s.hear_all()
    assert in_pieces(s) == wanted
    assert all(r.end - r.start <= 30 * SECOND for r in s.finals_asked if r.end is not None)


@pytest.mark.parametrize("every", [0.9, 1.5, 2.3])
def test_a_chunk_of_a_second_moves_on_through_slow_words(every: float) -> None:
    s = fixed(chunk_duration=1.0, overlap_duration=0.5)
    wanted = talk(s, 20.7, every=every)
    s.end()
    s.hear_all()
    assert len(s.finals_asked) == 21
    assert in_pieces(s) == wanted


def test_chunks_without_words_have_no_results_and_lose_none() -> None:
    s = fixed()
    s.spoken = words("one two", first=7.0)
    for _ in range(110):
        s.speech(0.1)
        s.hear_all()
    s.end()
    s.hear_all()
    assert len(s.finals_asked) == 6
    assert said(s) == ["one", "two"]
    assert len(s.finals) <= 2


def test_a_chunk_that_cannot_be_recognized_costs_its_own_words_only() -> None:
    s = fixed()
    s.spoken = words(counted(0, 12))
    s.speech(6.0)
    s.fail(s.waiting[0])
    s.end()
    s.hear_all()
    assert said(s) == counted(4, 8).split()
    assert s.kinds.count("WindowLost") == 1


def test_speech_that_ends_with_its_chunk_ends_with_one_more_window_at_most() -> None:
    s = fixed()
    wanted = talk(s, 4.0)
    s.silence(2.0)
    s.hear_all()
    assert len(s.finals_asked) <= 3
    assert in_pieces(s) == wanted
    s.end()
    assert s.kinds[-1] == "SessionSummary"


def test_a_translation_is_cut_every_chunk_too() -> None:
    s = fixed(RecognitionConfig(task=Task.TRANSLATE))
    s.speech(9.0)
    requests = [r for r in s.asked if r.kind is WindowKind.FINAL]
    while s.waiting:
        s.answer(s.waiting[0], " yes")
    spans = [r.span for r in s.final_results]
    assert len(requests) >= 1
    assert all(earlier.end == later.start for earlier, later in pairwise(spans))
    assert all(SECOND <= len(span) <= 2 * SECOND for span in spans)
    assert spans[-1].end >= 8 * SECOND - 2 * SECOND


def test_without_an_overlap_a_chunk_ends_between_words_all_the_same() -> None:
    s = fixed(overlap_duration=0.0)
    wanted = talk(s, 9.0, every=0.35)
    s.end()
    s.hear_all()
    assert in_pieces(s) == wanted


# ------------------------------------------------------------------------ vad


def test_chunks_mean_nothing_where_silence_decides() -> None:
    s = stream(chunk_duration=1.0, overlap_duration=0.5)
    s.speech(5.0)
    assert s.asked == []
    s.silence(1.0)
    (request,) = s.asked
    s.answer(request, " one")
    assert s.finals == [("one", FinalReason.ENDPOINT)]


@pytest.mark.parametrize("every", [0.2, 0.5, 1.0, 3.0])
@pytest.mark.parametrize("longest", [2.0, 12.0, 28.0])
def test_unbroken_speech_loses_no_word_and_its_windows_fit_the_model(
    longest: float, every: float
) -> None:
    s = stream(TIMED, prefix_padding=0.0, max_utterance=longest)
    wanted = talk(s, 90.0, every=every)
    s.end()
    s.hear_all()
    assert in_pieces(s) == wanted
    assert all(r.end - r.start <= 30 * SECOND for r in s.finals_asked if r.end is not None)


def test_words_long_before_a_cut_do_not_make_the_next_window_too_long() -> None:
    """The last words held back are 12 s before the cut; nothing but noise follows them."""
    s = stream(TIMED, prefix_padding=0.0, max_utterance=28.0)
    s.spoken = [*words(counted(0, 32)), *words(counted(32, 20), first=40.0)]
    s.speech(60.0)
    s.end()
    s.hear_all()
    assert in_pieces(s) == counted(0, 52).split()
    assert all(r.end - r.start <= 30 * SECOND for r in s.finals_asked if r.end is not None)
