"""The tokens of a Whisper model: prompts in, text out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import tokenizers
from faster_whisper.tokenizer import Tokenizer

from sori_server.domain.config import Task
from sori_server.engine.shapes import CONTEXT_LENGTHS

TOKENIZER_FILE: Final = "tokenizer.json"

_REPLACEMENT: Final = "\ufffd"


class Vocabulary:
    """Tokens of one model; `multilingual` models are told language and task."""

    def __init__(self, tokens: tokenizers.Tokenizer, multilingual: bool) -> None:
        self._tokens = tokens
        self._multilingual = multilingual
        self._plain = Tokenizer(tokens, multilingual=False)

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
        """The last 64, 32, 16 or no tokens of a text: windows must agree in this number."""
        ids = [i for i in self._plain.encode(text) if i < self.text_end] if text else []
        length = next(n for n in CONTEXT_LENGTHS if n <= len(ids))
        return tuple(ids[len(ids) - length :])

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
        """The text of tokens, without a character that was cut off at the end."""
        return without_broken_end(self._plain.decode(list(tokens)))

    def never_decoded(self) -> list[int]:
        """Tokens that belong in prompts only."""
        plain = self._plain
        tokens = {plain.transcribe, plain.translate, plain.sot, plain.sot_prev, plain.sot_lm}
        return sorted((tokens | {plain.no_speech}) - {None})

    def tokenizer(self, language: str, task: Task) -> Tokenizer:
        """The library's tokenizer for one language and task."""
        return Tokenizer(self._tokens, self._multilingual, task.value, language)


def without_broken_end(text: str) -> str:
    """`text` without the replacement characters of an unfinished UTF-8 sequence at its end."""
    return text.rstrip(_REPLACEMENT)
