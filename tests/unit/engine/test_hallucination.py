"""Guards object to invented text and leave speech alone, in English and Korean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sori_server.engine.hallucination import (
    compression_ratio,
    is_doubtful,
    is_silence,
    letters,
    without_loop,
)
from support.recordings import NAMES, read_recording

pytestmark = pytest.mark.unit

SURE = -0.2
SPOKEN = [utterance for name in NAMES for utterance in read_recording(name).utterances]


@pytest.mark.parametrize("utterance", SPOKEN, ids=lambda utterance: f"{utterance.start}")
def test_what_people_say_is_not_doubted(utterance: object) -> None:
    (said,) = [one for one in SPOKEN if one is utterance]
    assert not is_doubtful(said.text, SURE, said.end - said.start)
    assert without_loop(said.text) == said.text


@pytest.mark.parametrize("language", ["en", "ko"])
def test_half_a_minute_of_speech_is_not_doubted(language: str) -> None:
    said = [one for one in SPOKEN if one.language == language][:12]
    text = " ".join(one.text for one in said)
    assert compression_ratio(text) < 2.4
    assert not is_doubtful(text, SURE, sum(one.end - one.start for one in said))


@pytest.mark.parametrize(
    ("text", "once"),
    [
        (" Thank you. Thank you. Thank you. Thank you.", " Thank you."),
        (" I think so, thank you. Thank you! Thank you thank you thank", " I think so, thank you."),
        (" 감사합니다. 감사합니다. 감사합니다. 감사합니다.", " 감사합니다."),
        (
            " 네, 시청해 주셔서 감사합니다." + " 시청해 주셔서 감사합니다." * 4,
            " 네, 시청해 주셔서 감사합니다.",
        ),
        ("謝謝觀看" * 6, "謝謝觀看"),
        (" well" + "ha" * 20, " wellha"),
        (" ㅋ" + "ㅋ" * 40, " ㅋ"),
        (" one two three" * 4, " one two three"),
        (" a" * 40, " a"),
    ],
)
def test_a_loop_is_said_once(text: str, once: str) -> None:
    assert without_loop(text) == once
    assert is_doubtful(text, SURE, 30.0)
    assert not is_doubtful(once, SURE, 30.0)


@pytest.mark.parametrize(
    "text",
    [
        " No, no, no, no!",
        " 네 네 네 네 네.",
        " Two two two two.",
        " 하하하하",
        " The cat and the dog and the bird and the fish.",
        " Thank you. Thank you. Thank you.",
    ],
)
def test_what_people_repeat_is_kept(text: str) -> None:
    assert without_loop(text) == text
    assert not is_doubtful(text, SURE, 3.0)


@pytest.mark.parametrize("text", [".", " ...", "♪♪"])
def test_marks_without_a_word_are_doubted(text: str) -> None:
    assert is_doubtful(text, SURE, 3.0)
    assert without_loop(text) == text


def test_a_loop_in_the_middle_is_doubted_and_kept() -> None:
    for loop in (" thank you very much" * 10, " 정말 감사합니다" * 10):
        text = f" Yes{loop} and goodbye everyone."
        assert without_loop(text) == text
        assert is_doubtful(text, SURE, 30.0)


def test_improbable_text_is_doubted_and_near_silence_it_is_none() -> None:
    assert is_doubtful(" Hello.", -1.1, 2.0)
    assert not is_doubtful(" Hello.", -0.9, 2.0)
    assert is_silence(-1.1, 0.7, 0.6)
    assert not is_silence(-1.1, 0.7, 0.8)
    assert not is_silence(-0.9, 0.7, 0.6)


def test_more_text_than_anyone_can_say_is_doubted() -> None:
    english = " Thank you for watching, please subscribe to my channel."
    korean = " 시청해 주셔서 감사합니다. 구독과 좋아요 부탁드립니다."
    for text in (english, korean):
        assert is_doubtful(text, SURE, 0.4)
        assert not is_doubtful(text, SURE, 3.0)


def test_scripts_are_counted_alike() -> None:
    assert letters(" abc, 12!") == 5
    assert letters("한국") == 6
    assert letters("é") == 1


def test_the_ratio_of_short_texts_says_nothing() -> None:
    assert compression_ratio("no " * 20) == 1.0
    assert compression_ratio("no " * 40) > 2.4


@given(st.text("ab 가. ", max_size=80), st.integers(0, 12))
def test_what_is_left_is_a_beginning_and_has_no_loop(text: str, times: int) -> None:
    looped = text + " thank you" * times
    left = without_loop(looped)
    assert looped.startswith(left)
    assert len(without_loop(left)) > len(left) - 24 or without_loop(left) == left
