"""The tokens of a Whisper model: prompts in, text out."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import tokenizers
from faster_whisper.tokenizer import Tokenizer

from sori_server.domain.config import Task

TOKENIZER_FILE: Final = "tokenizer.json"

HOTWORD_LISTS: Final = 256
"""Lists of hotwords remembered as tokens; when there are more, all are forgotten."""

_REPLACEMENT: Final = "\ufffd"


class Vocabulary:
    """Tokens of one model; `multilingual` models are told language and task."""

    def __init__(self, tokens: tokenizers.Tokenizer, multilingual: bool) -> None:
        self._tokens = tokens
        self._multilingual = multilingual
        self._plain = Tokenizer(tokens, multilingual=False)
        self._hotwords: dict[tuple[tuple[str, ...], int], tuple[int, ...]] = {}

    @classmethod
    def of(cls, folder: Path, multilingual: bool = True) -> Vocabulary:
        """The vocabulary in a model's folder."""
        return cls(tokenizers.Tokenizer.from_file(str(folder / TOKENIZER_FILE)), multilingual)

    @property
    def text_end(self) -> int:
        """The first token that is not text; all others follow it."""
        eot: int = self._plain.eot
        return eot

    def has_language(self, code: str) -> bool:
        """Whether there is a token for this ISO 639-1 code."""
        return self._tokens.token_to_id(f"<|{code}|>") is not None

    def context(self, text: str) -> tuple[int, ...]:
        """The text tokens of what comes before a window."""
        text = text.strip()
        return self._encoded(f" {text}") if text else ()

    def hotwords(self, words: Sequence[str], most: int) -> tuple[int, ...]:
        """The tokens of the first words, as many as `most` tokens hold, as a sentence.

        A list without an end makes the model go on with it. A stream's windows all have the
        same words, so these are tokenized once.
        """
        key = (tuple(words), most)
        if key not in self._hotwords:
            if len(self._hotwords) >= HOTWORD_LISTS:
                self._hotwords.clear()
            self._hotwords[key] = self._fitting(words, most)
        return self._hotwords[key]

    def _fitting(self, words: Sequence[str], most: int) -> tuple[int, ...]:
        def sentence(count: int) -> tuple[int, ...]:
            return self.context(", ".join(words[:count]) + "." if count else "")

        count = bisect_right(range(len(words) + 1), most, key=lambda n: len(sentence(n))) - 1
        return sentence(count)

    def prompt(
        self, context: Sequence[int], language: str, task: Task, timestamps: bool
    ) -> list[int]:
        """The tokens that a window's text follows."""
        previous = [self._plain.sot_prev, *context] if context else []
        mode = [] if timestamps else [self._plain.no_timestamps]
        return [*previous, *self.tokenizer(language, task).sot_sequence, *mode]

    def text_tokens(self, tokens: Sequence[int]) -> list[int]:
        """The tokens that stand for text."""
        return [token for token in tokens if token < self.text_end]

    def text(self, tokens: Sequence[int]) -> str:
        """The text of tokens, without characters that were cut off or never whole."""
        return without_broken(self._plain.decode(list(tokens)))

    def spelled(self, text: str, tokens: Sequence[int]) -> tuple[int, ...]:
        """`tokens` where they say exactly `text`, else other ones that do."""
        return tuple(tokens) if self._plain.decode(list(tokens)) == text else self._encoded(text)

    def never_decoded(self) -> list[int]:
        """Tokens that belong in prompts only."""
        plain = self._plain
        tokens = {plain.transcribe, plain.translate, plain.sot, plain.sot_prev, plain.sot_lm}
        return sorted((tokens | {plain.no_speech}) - {None})

    def tokenizer(self, language: str, task: Task) -> Tokenizer:
        """The library's tokenizer for one language and task."""
        return Tokenizer(self._tokens, self._multilingual, task.value, language)

    def _encoded(self, text: str) -> tuple[int, ...]:
        return tuple(self.text_tokens(self._plain.encode(text)))


def without_broken(text: str) -> str:
    """`text` without the replacement characters of broken UTF-8 sequences."""
    return text.replace(_REPLACEMENT, "")
