"""Prompts: what the client gave, what was said before, what the window moved past."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sori_server.domain.config import (
    Adaptation,
    EndpointingMode,
    RecognitionConfig,
    Replacement,
)
from sori_server.domain.recognition import RecognitionRequest
from sori_server.session.context import PROMPT_CHARACTERS, Context
from sori_server.session.text import tokenize
from support.session_streams import Stream, counted, stream, words

pytestmark = pytest.mark.unit

FOLLOWING = RecognitionConfig(condition_on_previous_text=True)
GIVEN = replace(FOLLOWING, adaptation=Adaptation(initial_prompt=" Names: Sori. "))


def prompt(context: Context, sealed: str = "") -> str:
    return context.prompt(tokenize(sealed, "en"))


# -------------------------------------------------------------------- context


def test_a_prompt_is_what_was_given_then_what_was_said_then_what_is_committed() -> None:
    context = Context(GIVEN)
    assert prompt(context) == "Names: Sori."
    context.add("One.", "en", doubtful=False)
    context.add("Two.", "en", doubtful=False)
    assert prompt(context) == "Names: Sori. One. Two."
    assert prompt(context, "three four") == "Names: Sori. One. Two. three four"


@pytest.mark.parametrize("follows", [False, None])
def test_without_earlier_text_only_the_words_of_the_utterance_itself_follow(
    follows: bool | None,
) -> None:
    context = Context(replace(GIVEN, condition_on_previous_text=follows))
    assert not context.follows_text
    context.add("One.", "en", doubtful=False)
    assert prompt(context, "three") == "Names: Sori. three"


def test_text_that_the_model_doubts_is_forgotten_with_all_before_it() -> None:
    context = Context(GIVEN)
    context.add("One.", "en", doubtful=False)
    context.add("Two.", "en", doubtful=True)
    assert prompt(context) == "Names: Sori."
    context.add("Three.", "en", doubtful=False)
    assert prompt(context) == "Names: Sori. Three."


def test_text_in_another_language_is_forgotten() -> None:
    context = Context(FOLLOWING)
    context.add("One.", "en", doubtful=False)
    context.add("둘.", "ko", doubtful=False)
    assert prompt(context) == "둘."


@pytest.mark.parametrize(
    ("again", "left"), [(0, "One two three."), (1, "One two"), (3, ""), (4, ""), (9, "")]
)
def test_words_that_a_window_hears_again_are_no_prompt(again: int, left: str) -> None:
    """There may be more of them than were kept: earlier text is forgotten now and then."""
    context = Context(FOLLOWING)
    context.add("둘.", "ko", doubtful=False)
    context.add("One two three.", "en", doubtful=False)
    assert context.prompt([], again) == left


def test_an_utterance_without_text_changes_nothing() -> None:
    context = Context(FOLLOWING)
    context.add("One.", "en", doubtful=False)
    context.add("", "ko", doubtful=True)
    assert prompt(context) == "One."


@given(st.lists(st.text(min_size=1, max_size=900), max_size=6), st.text(max_size=900))
def test_a_prompt_is_bounded_and_ends_with_the_newest(said: list[str], sealed: str) -> None:
    context = Context(GIVEN)
    for text in said:
        context.add(text, "en", doubtful=False)
        assert len(context._said) <= PROMPT_CHARACTERS
    composed = prompt(context, sealed)
    assert len(composed) <= PROMPT_CHARACTERS + len("Names: Sori. ")
    newest = (sealed.split() or (said or [""])[-1].split() or [""])[-1]
    assert composed.endswith(newest[-PROMPT_CHARACTERS:])


# -------------------------------------------------------------------- session


def utterances(s: Stream, count: int) -> None:
    for _ in range(count):
        s.speech(2.0)
        s.silence(1.0)


def text_of(request: RecognitionRequest) -> str:
    """A text that depends on the window and on its prompt."""
    return f" {request.start}-{len(request.prompt)}"


def test_an_utterance_waits_for_the_final_before_it_where_that_is_its_prompt() -> None:
    s = stream(GIVEN)
    utterances(s, 3)
    assert len(s.asked) == 1
    s.answer(s.asked[0], " One.")
    assert len(s.asked) == 2
    s.answer(s.asked[1], " Two.")
    s.answer(s.asked[2], " Three.")
    assert [r.prompt for r in s.asked] == [
        "Names: Sori.",
        "Names: Sori. One.",
        "Names: Sori. One. Two.",
    ]
    assert [text for text, _ in s.finals] == ["One.", "Two.", "Three."]


def test_without_earlier_text_no_utterance_waits() -> None:
    s = stream()
    utterances(s, 3)
    assert len(s.asked) == 3
    assert {r.prompt for r in s.asked} == {""}


@pytest.mark.parametrize("late", [0, 1, 2])
def test_prompts_are_the_same_however_late_the_answers(late: int) -> None:
    def said(late: int) -> list[str]:
        s = stream(FOLLOWING)
        for _ in range(5):
            utterances(s, 1)
            while len(s.waiting) > late:
                s.answer(s.waiting[0], text_of(s.waiting[0]))
        s.end()
        while s.waiting:
            s.answer(s.waiting[0], text_of(s.waiting[0]))
        return [text for text, _ in s.finals]

    assert said(late) == said(0)
    assert len(said(late)) == 5


def test_what_waited_goes_on_when_the_final_before_it_is_lost() -> None:
    s = stream(FOLLOWING)
    utterances(s, 3)
    s.fail(s.asked[0])
    s.answer(s.asked[1], " two")
    s.answer(s.asked[2], " three")
    assert [r.prompt for r in s.asked] == ["", "", "two"]
    assert [text for text, _ in s.finals] == ["two", "three"]


def test_the_end_of_audio_does_not_hurry_what_waits() -> None:
    s = stream(FOLLOWING)
    utterances(s, 2)
    s.speech(1.0)
    s.end()
    assert len(s.asked) == 1
    for text in (" one", " two", " three"):
        s.answer(s.waiting[0], text)
    assert s.asked[-1].prompt == "one two"
    assert s.kinds[-1] == "SessionSummary"


def test_a_finalize_is_answered_when_what_waits_is_final() -> None:
    s = stream(FOLLOWING)
    utterances(s, 1)
    s.speech(1.0)
    s.finalize("a")
    s.answer(s.waiting[0], " one")
    assert "Finalized" not in s.kinds
    s.answer(s.waiting[0], " two")
    assert s.kinds[-1] == "Finalized"


def test_interims_of_what_waits_come_once_it_can_go_on() -> None:
    s = stream(FOLLOWING, interims=True, prefix_padding=0.0)
    s.speech(1.0)
    s.silence(1.0)
    s.speech(1.0)
    assert len(s.interims_asked) == 1
    s.answer(s.finals_asked[0], " one")
    assert s.interims_asked[-1].start == s.session.received - 16_000
    assert s.interims_asked[-1].prompt == "one"


def test_a_prompt_holds_what_was_heard_not_what_is_written_instead() -> None:
    adaptation = Adaptation(replacements=(Replacement("one", "1"),))
    s = stream(replace(FOLLOWING, adaptation=adaptation))
    utterances(s, 2)
    s.answer(s.asked[0], " one")
    assert s.finals == [("1", s.finals[0][1])]
    assert s.asked[1].prompt == "one"


def test_doubtful_text_is_no_prompt() -> None:
    s = stream(FOLLOWING)
    utterances(s, 3)
    s.answer(s.waiting[0], " one")
    s.answer(s.waiting[0], " thank you", doubtful=True)
    assert [r.prompt for r in s.asked] == ["", "one", ""]


def test_the_prompt_of_a_chunk_is_the_text_before_what_its_window_hears_again() -> None:
    s = stream(FOLLOWING, mode=EndpointingMode.FIXED, chunk_duration=2.0, prefix_padding=0.0)
    s.spoken = words(counted(0, 40))
    s.speech(20.0)
    s.end()
    s.hear_all()
    assert " ".join(text for text, _ in s.finals) == counted(0, 40).strip()
    for request in s.finals_asked:
        before = [word.text for word in s.spoken if word.end <= request.start]
        assert request.prompt == "".join(before).strip()
    assert s.finals_asked[-1].prompt


def test_hotwords_are_given_with_every_window() -> None:
    adaptation = Adaptation(hotwords=("Sori", "소리"))
    s = stream(RecognitionConfig(adaptation=adaptation), interims=True)
    s.speech(1.0)
    s.silence(1.0)
    assert [r.hotwords for r in s.asked] == [("Sori", "소리")] * 2
