"""Prompts have lengths that batch; text has no broken characters at its end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sori_server.domain.audio import Span
from sori_server.domain.config import Task
from sori_server.engine.models import MINI_FOLDER
from sori_server.engine.vocabulary import Vocabulary
from sori_server.engine.words import AlignedWord, placed_words

pytestmark = pytest.mark.unit

MINI = Vocabulary.of(MINI_FOLDER)
SENTENCE = " The meeting is on Thursday the five of January."


@given(st.text(max_size=300))
def test_context_is_only_text(text: str) -> None:
    assert all(0 <= token < MINI.text_end for token in MINI.context(text))


def test_context_is_the_text_after_a_space() -> None:
    assert MINI.text(MINI.context("  Hello. ")) == " Hello."
    assert MINI.context("") == MINI.context(" \n") == ()


def test_hotwords_are_a_sentence_of_whole_words() -> None:
    words = ("Alice", "서울", "train")
    assert MINI.text(MINI.hotwords(words, 99)) == " Alice, 서울, train."
    lengths = [len(MINI.hotwords(words[:n], 99)) for n in range(4)]
    for most in range(lengths[-1] + 1):
        tokens = MINI.hotwords(words, most)
        assert len(tokens) == max(length for length in lengths if length <= most)
    assert MINI.hotwords((), 99) == MINI.hotwords(("a very long hotword",), 3) == ()


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


@given(st.lists(st.integers(0, MINI.text_end - 1), max_size=40))
def test_no_tokens_have_broken_characters(tokens: list[int]) -> None:
    assert "\ufffd" not in MINI.text(tokens)
    text = MINI.text(tokens)
    whole = MINI.spelled(text, tokens)
    words, _ = MINI.tokenizer("ko", Task.TRANSCRIBE).split_to_word_tokens(whole)
    placed = placed_words([AlignedWord(word, 0.0, 0.1, 1.0) for word in words], Span(0, 16_000))
    assert "".join(word.text for word in placed) == MINI.text(whole) == text


def test_tokens_that_say_the_text_are_kept() -> None:
    tokens = MINI._plain.encode(" 네 괜찮아")
    assert MINI.spelled(" 네 괜찮아", tokens) == tuple(tokens)
    assert MINI.spelled(" 네", tokens) == tuple(MINI._plain.encode(" 네"))


@given(st.text("가각괜뷁힣한국어 abé漢🙂", min_size=1, max_size=20), st.data())
def test_a_text_cut_off_anywhere_is_its_beginning(text: str, data: st.DataObject) -> None:
    tokens = MINI._plain.encode(text)
    cut = data.draw(st.integers(0, len(tokens)))
    assert text.startswith(MINI.text(tokens[:cut]))
    assert MINI.text(tokens) == text


def test_what_belongs_in_prompts_is_never_decoded() -> None:
    never = MINI.never_decoded()
    assert all(token >= MINI.text_end for token in never)
    assert MINI.text_end not in never
    assert len(never) == 6
