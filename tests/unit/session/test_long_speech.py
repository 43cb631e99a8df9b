"""Speech without a pause: windows move past committed words, and cuts are between words."""

from __future__ import annotations

from typing import Any

import pytest
from sori_server.domain.audio import Span
from sori_server.domain.config import EndpointingMode, RecognitionConfig, Task
from sori_server.domain.events import FinalReason
from sori_server.session.agreement import ANCHOR
from sori_server.session.display import MASKED
from sori_server.session.windowing import HOLD_BACK
from support.session_streams import FRAME, NEWEST, SECOND, Stream, counted, stream, words

pytestmark = pytest.mark.unit

TRANSLATED = RecognitionConfig(task=Task.TRANSLATE)
HEARD = 33
COMMITTED = HEARD - HOLD_BACK
MOVED = COMMITTED - ANCHOR


def long_speech() -> Stream:
    """17 s of speech, `HEARD` words of it by two interims with times that agree.

    `COMMITTED` of them were committed, and the window moved past `MOVED`.
    """
    s = stream(interims=True, prefix_padding=0.0)
    s.speech(15.5)
    s.answer(s.asked[0], counted(0, HEARD - 2))
    s.speech(0.5)
    for request in s.interims_asked[1:]:
        assert request.options.word_times
    s.answer(s.asked[1], counted(0, HEARD - 1), words(counted(0, HEARD - 1)))
    s.speech(0.5)
    s.answer(s.asked[2], counted(0, HEARD), words(counted(0, HEARD)))
    s.speech(0.5)
    return s


def test_the_window_of_a_long_utterance_moves_past_committed_words() -> None:
    s = long_speech()
    moved = s.asked[3]
    border = round((MOVED / 2 - 0.05) * SECOND)
    assert 0 <= border - moved.start < 160
    assert moved.prompt == counted(0, MOVED)[-400:].strip()
    assert not moved.options.word_times
    assert s.session.needed_from[0] == moved.start
    s.answer(moved, counted(MOVED, HEARD + 1 - MOVED))
    assert s.results[-1].committed_text == counted(0, COMMITTED + 1).strip()
    assert s.results[-1].tentative_text == counted(COMMITTED + 1, HOLD_BACK - MASKED)
    s.silence(1.0)
    final = s.finals_asked[0]
    assert (final.start, final.prompt) == (moved.start, moved.prompt)
    s.answer(final, counted(MOVED, HEARD + 2 - MOVED))
    assert s.finals == [(counted(0, HEARD + 2).strip(), FinalReason.ENDPOINT)]
    assert s.results[-1].words == ()


def test_a_lost_final_keeps_the_words_the_window_moved_past() -> None:
    s = long_speech()
    s.silence(1.0)
    s.fail(s.finals_asked[0])
    assert s.finals == [(counted(0, COMMITTED).strip(), FinalReason.ENDPOINT)]


def test_without_speech_after_the_border_the_window_stays() -> None:
    s = stream(interims=True, prefix_padding=0.0, end_silence=10.0, max_utterance=60.0)
    text = counted(0, 30 + HOLD_BACK)
    s.speech(15.5)
    s.answer(s.asked[0], text)
    s.speech(0.5)
    s.answer(s.asked[1], text, words(text, first=2.0))
    s.speech(0.5)
    s.answer(s.asked[2], text, words(text, first=2.0))
    s.speech(0.5)
    assert s.results[-1].committed_text == counted(0, 30).strip()
    assert {request.start for request in s.asked} == {0}


def test_a_translation_without_a_pause_is_cut_in_its_quietest_place() -> None:
    s = stream(TRANSLATED, max_utterance=4.0, prefix_padding=0.0)
    s.speech(3.0)
    s.audio(0.01, 0.6)
    s.speech(2.0)
    s.end()
    cut = 3 * SECOND + FRAME // 2
    (first,) = s.asked
    s.answer(first, " one")
    (first, second) = s.asked
    assert (first.end, second.start) == (cut, cut - cut % 160)
    s.answer(second, " two")
    assert s.finals == [("one", FinalReason.MAX_UTTERANCE), ("two", FinalReason.END_OF_AUDIO)]
    one, two = (r.span for r in s.results)
    assert (one.start, one.end, two.start, two.end) == (0, cut, cut, round(5.01 * SECOND))


def test_a_cut_does_not_lie_before_committed_words() -> None:
    """The quiet place at 2.1 s is before words committed by what was heard until 3 s."""
    s = stream(TRANSLATED, interims=True, max_utterance=4.0, prefix_padding=0.0)
    s.speech(2.1)
    s.audio(0.1, 0.55)
    s.speech(0.8)
    s.answer(s.asked[0], " one two three")
    s.speech(0.5)
    s.answer(s.asked[1], " one two three" + NEWEST)
    s.speech(0.5)
    final = s.finals_asked[0]
    assert final.end is not None
    assert 3 * SECOND <= final.end < 4 * SECOND
    assert s.withdrawn == []


def test_speech_without_a_pause_is_cut_between_words_and_heard_again() -> None:
    """Words end every half second; the newest two are left, and a second before them led with."""
    s = stream(max_utterance=4.0, prefix_padding=0.0)
    s.speech(5.0)
    (first,) = s.asked
    assert (first.end, first.options.word_times) == (4 * SECOND, True)
    s.answer(first, counted(0, 8), words(counted(0, 8)))
    assert s.finals == [(counted(0, 6).strip(), FinalReason.MAX_UTTERANCE)]
    assert s.results[0].span == Span(0, round(2.95 * SECOND))
    assert s.results[0].words == ()
    s.silence(1.0)
    second = s.asked[1]
    assert (second.start, second.options.word_times) == (round(1.95 * SECOND), True)
    s.answer(second, counted(4, 6), words(counted(4, 6), first=2.0))
    assert s.finals[1] == (counted(6, 4).strip(), FinalReason.ENDPOINT)
    assert s.results[1].span.start == s.results[0].span.end


def test_what_a_cut_leads_with_is_left_out_though_it_is_misheard() -> None:
    s = stream(max_utterance=4.0, prefix_padding=0.0)
    s.speech(5.0)
    s.answer(s.asked[0], counted(0, 8), words(counted(0, 8)))
    s.silence(1.0)
    s.answer(s.asked[1], " n4 x" + counted(6, 4), words("n4 x" + counted(6, 4), first=2.0))
    assert s.finals[1] == (counted(6, 4).strip(), FinalReason.ENDPOINT)


def test_interims_after_a_cut_show_nothing_that_is_final() -> None:
    s = stream(interims=True, max_utterance=4.0, prefix_padding=0.0)
    s.speech(4.0)
    s.answer(s.finals_asked[0], counted(0, 8), words(counted(0, 8)))
    s.speech(1.0)
    interim = s.interims_asked[-1]
    assert interim.start < s.results[0].span.end
    assert interim.options.word_times
    s.answer(interim, counted(4, 6), words(counted(4, 6), first=2.0))
    assert s.results[-1].text == counted(6, 4).strip()


def test_patience_with_speech_that_was_cut_goes_on_from_its_start() -> None:
    """After half of the longest utterance a pause of 0.1 s is enough, though less is new."""
    s = stream(max_utterance=4.0, prefix_padding=0.0)
    s.speech(4.5)
    s.silence(0.1)
    assert s.session.final_position == 0
    s.answer(s.finals_asked[0], " one")
    assert s.finals_asked[1].end == round(4.6 * SECOND)


def test_a_cut_without_word_times_is_where_the_utterance_was_as_long_as_it_may_be() -> None:
    s = stream(max_utterance=4.0, prefix_padding=0.0)
    s.speech(5.0)
    s.answer(s.asked[0], " one two")
    s.end()
    assert s.results[0].span == Span(0, 4 * SECOND)
    assert s.asked[1].start == 4 * SECOND


def test_a_pause_before_a_cut_leaves_the_window_after_it_within_what_a_model_hears() -> None:
    """A client that ends utterances itself may pause for long; its speech is cut after 28 s."""
    s = stream(mode=EndpointingMode.CLIENT, prefix_padding=0.0)
    s.spoken = [
        *words(counted(0, 20)),
        *words(counted(20, 6), first=27.1, every=0.25),
        *words(counted(26, 20), first=46.0),
    ]
    s.speech(10.0)
    s.silence(17.0)
    s.speech(2.0)
    s.hear_all()
    s.silence(17.0)
    s.speech(11.0)
    s.end()
    s.hear_all()
    first, second, *_ = s.finals_asked
    assert first.end is not None
    assert second.end is not None
    assert second.start < first.end
    assert second.end - second.start <= 30 * SECOND
    assert " ".join(text for text, _ in s.finals) == counted(0, 46).strip()


def test_a_lost_window_that_was_cut_loses_no_audio_after_it() -> None:
    s = stream(max_utterance=4.0, prefix_padding=0.0)
    s.speech(5.0)
    s.fail(s.asked[0])
    s.end()
    assert s.asked[1].start == 4 * SECOND
    s.answer(s.asked[1], " two")
    assert s.finals == [("two", FinalReason.END_OF_AUDIO)]


def test_a_cut_after_the_window_moved_asks_for_the_rest_only() -> None:
    s = long_speech()
    s.answer(s.asked[3], counted(MOVED, HEARD + 1 - MOVED))
    s.speech(12.0)
    (final,) = s.finals_asked
    assert (final.start, final.prompt) == (s.asked[3].start, counted(0, MOVED)[-400:].strip())
    s.answer(final, counted(MOVED, 50 - MOVED))
    assert s.finals == [(counted(0, 50).strip(), FinalReason.MAX_UTTERANCE)]


def test_a_wanted_silence_longer_than_an_utterance_may_be_ends_it_without_another() -> None:
    s = stream(end_silence=10.0, max_utterance=2.0)
    s.speech(0.3)
    s.silence(20.0)
    (request,) = s.asked
    assert (request.start, request.end) == (0, round(0.5 * SECOND))
    s.answer(request, " one")
    assert s.finals == [("one", FinalReason.MAX_UTTERANCE)]


# ----------------------------------------------------------------- ten minutes

MINUTES = 10
WORD = 0.4


@pytest.mark.parametrize(
    ("interims", "endpointing"),
    [
        (False, {}),
        (True, {}),
        (True, {"max_utterance": 12.0}),
        (True, {"mode": EndpointingMode.CLIENT}),
        (False, {"mode": EndpointingMode.FIXED, "chunk_duration": 2.0}),
        (True, {"mode": EndpointingMode.FIXED, "chunk_duration": 5.0, "overlap_duration": 1.0}),
    ],
    ids=["finals", "interims", "short", "client", "chunks", "interims of chunks"],
)
def test_ten_minutes_without_a_pause_lose_no_word_and_cost_the_same_to_the_end(
    interims: bool, endpointing: dict[str, Any]
) -> None:
    recognition = RecognitionConfig(condition_on_previous_text=True)
    s = stream(recognition, interims=interims, **endpointing)
    text = counted(0, round(MINUTES * 60 / WORD))
    spoken = words(text, every=WORD)
    asked: list[int] = []
    heard: list[float] = []
    most_kept = 0
    for minute in range(MINUTES):
        first = round(max(minute * 60 - 60, 0) / WORD)
        s.spoken = spoken[first : round((minute + 1) * 60 / WORD)]
        before = len(s.asked)
        total = 0
        for _ in range(300):
            s.audio(0.2, 0.9)
            while waiting := s.waiting:
                total += len(waiting[0].bind(s.session.received))
                s.hear(waiting[0])
                assert len(waiting[0].bind(s.session.received)) <= 30 * SECOND
            most_kept = max(most_kept, s.session.received - s.session.needed_from[0])
        asked.append(len(s.asked) - before)
        heard.append(total / SECOND / 60)
        (channel,) = s.session._channels
        assert len(channel._unfinished) <= 2
        assert len(s.session._requests._owners) <= 2
        assert len(channel._context._said) <= 400
        assert len(channel._recent) <= channel._recent.maxlen
        s.asked = s.asked[-5:]
    s.end()
    s.hear_all()
    said = " ".join(text for text, _ in s.finals)
    assert said == text.strip()
    assert most_kept <= 31 * SECOND
    assert abs(asked[-1] - asked[2]) <= 3
    assert heard[-1] == pytest.approx(heard[2], rel=0.1)
    assert heard[-1] < (40 if interims else 15)
