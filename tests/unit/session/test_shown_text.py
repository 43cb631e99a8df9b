"""What a client sees of its words: no broken sign, its own spelling, places of words."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from itertools import pairwise

import pytest
from sori_server.domain.config import Adaptation, EndpointingMode, RecognitionConfig, Replacement
from support.session_streams import SECOND, Stream, counted, stream, words

pytestmark = pytest.mark.unit

TALK = {
    "ko": "아침에 일어나서 물을 마시고 나서 책을 읽었습니다 그리고 나갔어요",
    "ko decomposed": unicodedata.normalize(
        "NFD", "아침에 일어나서 물을 마시고 나서 책을 읽었습니다"
    ),
    "zh": "今天天氣很好，我們一起去公園散步吧。",
    "ja decomposed": unicodedata.normalize("NFD", "がぎぐげござじずぜぞだぢづでどばびぶべぼ"),
    "th": "น้ำที่นี่ดื่มได้ทุกวันนะครับขอบคุณมากน้ำ",
    "en decomposed": unicodedata.normalize("NFD", "cafés où naïve façades été señor über"),
}


def written(*rules: tuple[str, str]) -> RecognitionConfig:
    replacements = tuple(Replacement(search, new) for search, new in rules)
    return RecognitionConfig(adaptation=Adaptation(replacements=replacements))


def spelled_out(s: Stream, text: str, language: str) -> None:
    """Interims that hear one character more each time, whole or not, then the final."""
    for end in range(1, len(text) + 1):
        s.speech(0.5)
        s.answer(s.waiting[0], " " + text[:end], language=language, sure=1.0)
    s.end()
    s.answer(s.waiting[0], " " + text, language=language, sure=1.0)


# ----------------------------------------------------------------- characters


@pytest.mark.parametrize("name", TALK)
def test_text_is_never_split_before_a_mark(name: str) -> None:
    text = TALK[name]
    s = stream(interims=True)
    spelled_out(s, text, name.split(maxsplit=1)[0])
    assert s.results[-1].text == text
    assert any(r.committed_text for r in s.results[:-1])
    for result in s.results:
        assert text.startswith(result.committed_text)
        following = result.tentative_text[:1]
        assert not following or not unicodedata.category(following).startswith("M")
        assert following not in ("ำ", "\u200d")
        left = text[len(result.committed_text) :][:1]
        assert not left or not unicodedata.category(left).startswith("M"), "half a sign committed"


@pytest.mark.parametrize("name", TALK)
def test_text_shown_is_whole_utf_8(name: str) -> None:
    s = stream(interims=True)
    spelled_out(s, TALK[name], name.split(maxsplit=1)[0])
    for result in s.results:
        for part in (result.committed_text, result.tentative_text):
            assert part.encode().decode() == part
            assert "\ufffd" not in part


# --------------------------------------------------------------- replacements


def test_replacements_are_made_in_interims_and_finals_alike() -> None:
    s = stream(written(("sorry", "Sori"), ("new york", "NYC")), interims=True)
    text = " sorry in new york is fine today now"
    for _ in range(3):
        s.speech(0.5)
        s.answer(s.waiting[0], text, sure=1.0)
    assert s.results[0].text.startswith("Sori in NYC is")
    assert s.results[-1].committed_text.startswith("Sori in NYC is")
    s.end()
    s.answer(s.waiting[0], text)
    assert s.results[-1].text == "Sori in NYC is fine today now"


def test_characters_are_replaced_in_a_final_that_had_no_interim() -> None:
    s = stream(written(("東京", "Tokyo")))
    s.speech(1.0)
    s.end()
    s.answer(s.waiting[0], "私は東京にいる", language="ja")
    assert s.results[0].text == "私はTokyoにいる"


def test_a_replacement_that_may_go_on_is_not_committed_before_that_is_known() -> None:
    s = stream(written(("one two three", "123")), interims=True)
    for text in (" zero one two a b", " zero one two a b", " zero one two three a b c"):
        s.speech(0.5)
        s.answer(s.waiting[0], text, sure=1.0)
    sure = [r.committed_text for r in s.results]
    for earlier, later in pairwise(sure):
        assert later.startswith(earlier)


def test_words_and_text_say_the_same_after_replacements() -> None:
    recognition = replace(written(("n1 n2", "both"), ("n4", "")), word_times=True)
    s = stream(recognition, prefix_padding=0.0)
    s.spoken = words(counted(0, 6))
    s.speech(3.0)
    s.end()
    s.hear_all()
    (final,) = s.final_results
    assert final.text == "n0 both n3 n5"
    assert "".join(w.text for w in final.words).strip() == final.text
    both = final.words[1]
    assert (both.start, both.end) == (s.spoken[1].start, s.spoken[2].end)


def test_replacements_do_not_reach_over_finals_or_into_what_a_window_hears_again() -> None:
    s = stream(
        replace(written(("n5 n6", "never")), word_times=True),
        mode=EndpointingMode.FIXED,
        chunk_duration=4.0,
        prefix_padding=0.0,
    )
    s.spoken = words(counted(0, 16))
    s.speech(8.0)
    s.end()
    s.hear_all()
    assert s.final_results[0].text.split()[-1] == "n5"
    assert " ".join(text for text, _ in s.finals) == counted(0, 16).strip()


def test_a_text_that_is_replaced_by_nothing_leaves_a_final_that_takes_the_interim_back() -> None:
    s = stream(written(("hm", "")), interims=True)
    s.speech(0.5)
    s.answer(s.waiting[0], " hm", sure=1.0)
    s.end()
    s.answer(s.waiting[0], " hm", sure=1.0)
    assert [r.text for r in s.results] == ["", ""]
    assert s.results[-1].is_final


# -------------------------------------------------------------- interim words


def test_interim_results_have_words_when_asked_for() -> None:
    s = stream(RecognitionConfig(interim_words=True), interims=True, prefix_padding=0.0)
    s.spoken = words(counted(0, 12))
    for _ in range(60):
        s.speech(0.1)
        s.hear_all()
    assert all(r.options.word_times for r in s.interims_asked)
    shown = [r for r in s.results if r.text]
    assert len(shown) > 5
    for result in shown:
        assert "".join(w.text for w in result.words).strip() == result.text
        assert all(0 <= w.start <= w.end <= result.span.end for w in result.words)
    assert [w.start for w in shown[-1].words] == [w.start for w in s.spoken[: len(shown[-1].words)]]


def test_interim_words_are_those_of_replaced_text() -> None:
    recognition = replace(written(("n1 n2", "both")), interim_words=True)
    s = stream(recognition, interims=True, prefix_padding=0.0)
    s.spoken = words(counted(0, 12))
    for _ in range(50):
        s.speech(0.1)
        s.hear_all()
    newest = s.results[-1]
    assert newest.text.startswith("n0 both n3")
    assert "".join(w.text for w in newest.words).strip() == newest.text
    assert newest.words[1].text == " both"


def test_finals_have_no_words_where_only_interims_should_and_the_other_way_round() -> None:
    for recognition in (RecognitionConfig(interim_words=True), RecognitionConfig(word_times=True)):
        s = stream(recognition, interims=True, prefix_padding=0.0)
        s.spoken = words(counted(0, 4))
        s.speech(2.0)
        s.hear_all()
        s.end()
        s.hear_all()
        interim, final = s.results[0], s.results[-1]
        assert bool(interim.words) is recognition.interim_words
        assert bool(final.words) is recognition.word_times


def test_words_of_a_long_interim_keep_the_places_of_those_the_window_moved_past() -> None:
    s = stream(RecognitionConfig(interim_words=True), interims=True, prefix_padding=0.0)
    s.spoken = words(counted(0, 60))
    for _ in range(250):
        s.speech(0.1)
        s.hear_all()
    newest = s.results[-1]
    assert s.interims_asked[-1].start > 5 * SECOND
    assert len(newest.words) > 40
    assert [w.start for w in newest.words] == [w.start for w in s.spoken[: len(newest.words)]]
