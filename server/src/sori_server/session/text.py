"""Text as comparable tokens: words where a language writes spaces, else characters."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Final

from sori_server.domain.recognition import Word

UNSPACED_LANGUAGES: Final = frozenset({"zh", "ja", "th", "lo", "my", "km", "yue", "bo"})
"""Languages Whisper writes without spaces between words."""

_WORD: Final = re.compile(r"\s*\S+")


@dataclass(frozen=True, slots=True, repr=False)
class Token:
    """A piece of text with its leading space; tokens join to the text they came from.

    `key` compares across hypotheses: no case, no punctuation. `start` and `end` are
    positions where word times are known, else None; `confidence` is then 0 to 1.
    """

    text: str
    key: str
    start: int | None = None
    end: int | None = None
    confidence: float = 0.0

    def __repr__(self) -> str:
        return f"Token({len(self.text)} characters, {self.start}..{self.end})"


def tokenize(text: str, language: str, words: Sequence[Word] = ()) -> list[Token]:
    """The tokens of `text`, timed by `words` (which join to `text`) when there are any."""
    pieces = _characters(text) if language in UNSPACED_LANGUAGES else _WORD.findall(text)
    tokens = [Token(piece, _key(piece)) for piece in pieces]
    return _timed(tokens, words) if words else tokens


def join(tokens: Sequence[Token]) -> str:
    """The text of `tokens`."""
    return "".join(token.text for token in tokens)


def aligned_length(prefix: Sequence[Token], tokens: Sequence[Token]) -> int:
    """How many of `tokens` say what `prefix` says.

    The `j` whose `tokens[:j]` has the least edit distance to `prefix` (Wagner and
    Fischer, 1974); of equals, the one nearest to the length of `prefix`.
    """
    row = list(range(len(tokens) + 1))
    for i, wanted in enumerate(prefix, start=1):
        previous, row = row, [i]
        for j, token in enumerate(tokens, start=1):
            substitution = previous[j - 1] + (wanted.key != token.key)
            row.append(min(substitution, previous[j] + 1, row[j - 1] + 1))
    return min(range(len(row)), key=lambda j: (row[j], abs(j - len(prefix))))


def _characters(text: str) -> list[str]:
    """Characters with the marks that belong to them and the spaces before them."""
    pieces: list[str] = []
    pending = ""
    for character in text:
        if character.isspace():
            pending += character
        elif pieces and not pending and unicodedata.category(character).startswith("M"):
            pieces[-1] += character
        else:
            pieces.append(pending + character)
            pending = ""
    return pieces


def _key(piece: str) -> str:
    letters = [c for c in piece.casefold() if not unicodedata.category(c).startswith(("P", "Z"))]
    return "".join(letters).strip()


def _timed(tokens: Sequence[Token], words: Sequence[Word]) -> list[Token]:
    """Tokens with the times of the words whose characters they share."""
    word_ends = list(accumulate(len(word.text) for word in words))
    timed: list[Token] = []
    offset = 0
    for token in tokens:
        visible = offset + len(token.text) - len(token.text.lstrip())
        offset += len(token.text)
        first = min(bisect_right(word_ends, visible), len(words) - 1)
        last = min(bisect_left(word_ends, offset), len(words) - 1)
        confidence = min(word.confidence for word in words[first : last + 1])
        timed.append(
            replace(token, start=words[first].start, end=words[last].end, confidence=confidence)
        )
    return timed
