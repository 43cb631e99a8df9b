"""Prompts have lengths that batch; text has no broken characters at its end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sori_server.domain.config import Task
from sori_server.engine.models import MINI_FOLDER
from sori_server.engine.shapes import CONTEXT_LENGTHS
from sori_server.engine.vocabulary import Vocabulary

pytestmark = pytest.mark.unit

MINI = Vocabulary.of(MINI_FOLDER)
SENTENCE = " The meeting is on Thursday the five of January."


@given(st.text(max_size=300))
def test_context_has_a_usual_length_and_only_text(text: str) -> None:
    context = MINI.context(text)
    assert len(context) in CONTEXT_LENGTHS
    assert all(0 <= token < MINI.text_end for token in context)


def test_context_is_the_end_of_the_text() -> None:
    long = MINI.context(SENTENCE * 12)
    assert len(long) == 64
    assert (SENTENCE * 12).endswith(MINI.text(long))
    assert MINI.context(" Hello.") == ()
    assert MINI.context("") == ()


@pytest.mark.parametrize("length", [16, 17, 31, 32, 33, 63, 64, 65])
def test_context_is_cut_to_the_next_smaller_length(length: int) -> None:
    tokens = MINI.context(SENTENCE * 30)
    text = MINI.text((tokens * 2)[:length])
    got = len(MINI.context(text))
    assert got <= length
    assert got in (16, 32, 64)


def test_special_tokens_written_as_text_stay_out_of_the_prompt() -> None:
    sneaky = "<|endoftext|><|nospeech|><|startoftranscript|>" * 20 + SENTENCE * 3
    assert all(token < MINI.text_end for token in MINI.context(sneaky))


def test_prompts_name_context_language_task_and_mode() -> None:
    def names(prompt: list[int]) -> list[str]:
        return [MINI._tokens.id_to_token(token) for token in prompt]

    context = MINI.context(SENTENCE * 3)
    plain = MINI.prompt((), "ko", Task.TRANSLATE, timestamps=False)
    assert names(plain) == ["<|startoftranscript|>", "<|ko|>", "<|translate|>", "<|notimestamps|>"]
    timed = MINI.prompt((), "en", Task.TRANSCRIBE, timestamps=True)
    assert names(timed) == ["<|startoftranscript|>", "<|en|>", "<|transcribe|>"]
    with_context = MINI.prompt(context, "en", Task.TRANSCRIBE, timestamps=False)
    assert names(with_context)[0] == "<|startofprev|>"
    assert tuple(with_context[1 : 1 + len(context)]) == context


def test_models_of_one_language_are_told_neither_language_nor_task() -> None:
    english = Vocabulary(MINI._tokens, multilingual=False)
    prompt = english.prompt((), "en", Task.TRANSCRIBE, timestamps=False)
    assert len(prompt) == 2


def test_a_character_cut_off_at_the_end_is_dropped() -> None:
    # "괜" is not a single piece of the vocabulary: its bytes can be cut apart.
    tokens = MINI._plain.encode(" 네 괜")
    texts = [MINI.text(tokens[:n]) for n in range(len(tokens) + 1)]
    assert "\ufffd" in MINI._plain.decode(tokens[:-1])
    assert all("\ufffd" not in text for text in texts)
    assert texts[-1] == " 네 괜"


def test_what_belongs_in_prompts_is_never_decoded() -> None:
    never = MINI.never_decoded()
    assert all(token >= MINI.text_end for token in never)
    assert MINI.text_end not in never
    assert len(never) == 6
