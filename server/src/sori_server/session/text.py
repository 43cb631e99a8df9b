"""Text as comparable tokens: words where a language writes spaces, else characters."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sori_server.domain.recognition import Word

UNSPACED_LANGUAGES: Final = frozenset({"zh", "ja", "th", "lo", "my", "km", "yue", "bo"})
"""Languages Whisper writes without spaces between words."""

LINED_UP: Final = 448
"""Most tokens of a differing prefix lined up: as many as Whisper has positions in one window."""

_LETTER_MARKS: Final = frozenset("\u0e33\u0eb3")
"""Vowels of Thai and Lao that Unicode counts as letters, though they stand on the one before."""
_JOINERS: Final = frozenset("\u200d\u1039\u17d2")
"""What makes one sign of the characters beside it: the joiner, stacked Burmese and Khmer."""
_WORD: Final = re.compile(r"\s*\S+")
_EDIT: Final = 100
"""Cost of a word more or less when readings are lined up; other costs are rounded to this."""


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

    def untimed(self) -> Token:
        """The same text, said at no known time."""
        return replace(self, start=None, end=None, confidence=0.0)

    def __repr__(self) -> str:
        return f"Token({len(self.text)} characters, {self.start}..{self.end})"


def tokenize(text: str, language: str, words: Sequence[Word] = ()) -> list[Token]:
    """The tokens of `text`, timed by `words` (which join to `text`) when there are any.

    Where words have spaces, the first one has one too: it may follow other text.
    """
    spaced = language not in UNSPACED_LANGUAGES
    pieces = _WORD.findall(text) if spaced else _characters(text)
    tokens = [Token(piece, _key(piece)) for piece in pieces]
    tokens = _timed(tokens, words) if words else tokens
    if spaced and tokens:
        tokens[0] = replace(tokens[0], text=" " + tokens[0].text.lstrip())
    return tokens


def join(tokens: Sequence[Token]) -> str:
    """The text of `tokens`."""
    return "".join(token.text for token in tokens)


def bare(piece: str) -> str:
    """`piece` without punctuation and the spaces around it; a token's key, but with case."""
    return "".join(c for c in piece if unicodedata.category(c)[0] not in "PZ").strip()


def alike(tokens: Sequence[Token], others: Sequence[Token]) -> int:
    """How many leading tokens are the same words."""
    count = 0
    for token, other in zip(tokens, others, strict=False):
        if token.key != other.key:
            break
        count += 1
    return count


def align(prefix: Sequence[Token], tokens: Sequence[Token]) -> list[int]:
    """For each token of `prefix`, how many of `tokens` say the text up to and with it.

    The last entry is the `j` whose `tokens[:j]` has the least edit distance to `prefix`
    (Wagner and Fischer, 1974); of equals, the one with most equal words, then the one
    nearest to the length of `prefix`. Replacing a word costs up to two edits, the more the
    fewer letters both share: a word is rather said twice than taken for quite another one
    and lost.

    What differs takes time in the product of both lengths, so of `prefix` only the newest
    `LINED_UP` tokens after the equal beginning are lined up; the older say nothing.
    """
    same = alike(prefix, tokens)
    newest = max(same, len(prefix) - LINED_UP)
    rest = _edit_ends(prefix[newest:], tokens[same:])
    return [*range(1, same + 1), *[same] * (newest - same), *(same + end for end in rest)]


def _edit_ends(prefix: Sequence[Token], tokens: Sequence[Token]) -> list[int]:
    """`align` without the shortcut for equal beginnings; one row of costs at a time."""
    weight = len(prefix) + 1  # the least cost weighs more than all equal words together
    edit = weight * _EDIT
    columns = np.arange(len(tokens) + 1) * edit
    rows = np.empty((len(prefix) + 1, len(tokens) + 1), np.int64)
    rows[0] = columns
    for i, replacements in enumerate(_replacements(prefix, tokens, weight)):
        above, row = rows[i], rows[i + 1]
        np.add(above, edit, out=row)
        np.minimum(row[1:], above[:-1] + replacements, out=row[1:])
        # A word more costs one edit from the column before: the least over all before it.
        np.minimum.accumulate(row - columns, out=row)
        row += columns
    return _ends(rows.tolist(), edit)


def _ends(rows: list[list[int]], edit: int) -> list[int]:
    """Back through the table of costs, preferring words more, then equal or replaced ones."""
    last = rows[-1]
    j = min(range(len(last)), key=lambda j: (last[j], abs(j - (len(rows) - 1))))
    ends: list[int] = []
    for i in range(len(rows) - 1, 0, -1):
        ends.append(j)
        while j and rows[i][j] == rows[i][j - 1] + edit:
            j -= 1
        j -= rows[i][j] != rows[i - 1][j] + edit
    return ends[::-1]


def _replacements(
    prefix: Sequence[Token], tokens: Sequence[Token], weight: int
) -> NDArray[np.int64]:
    """What hearing each token of `prefix` as each of `tokens` costs, a row each: -1 if equal."""
    keys = [token.key for token in (*prefix, *tokens)]
    spelled, lengths, count = _letters(keys), np.array([len(key) for key in keys]), len(prefix)
    same = np.unique(keys, return_inverse=True)[1] if keys else lengths
    shared = (spelled[:count] @ spelled[count:].T).astype(np.int64)
    letters = lengths[:count, None] + lengths[count:]
    costs = 2 * _EDIT * (letters - 2 * shared) // np.maximum(letters, 1) * weight
    return np.where(same[:count, None] == same[count:], -1, costs)


def _letters(keys: Sequence[str]) -> NDArray[np.float32]:
    """The letters of each key as ones, others for those it repeats: products count shared ones."""
    place: dict[tuple[str, int], int] = {}
    spelled = [
        [place.setdefault((c, key.count(c, 0, i)), len(place)) for i, c in enumerate(key)]
        for key in keys
    ]
    ones = np.zeros((len(keys), len(place)), np.float32)
    for row, places in zip(ones, spelled, strict=True):
        row[places] = 1.0
    return ones


def _characters(text: str) -> list[str]:
    """Characters with the marks and punctuation after them and the spaces before them."""
    pieces: list[str] = []
    pending = ""
    for character in text:
        if character.isspace():
            pending += character
        elif pieces and not pending and _belongs(character, pieces[-1]):
            pieces[-1] += character
        else:
            pieces.append(pending + character)
            pending = ""
    return pieces


def _belongs(character: str, before: str) -> bool:
    """Whether `character` would be a broken sign without the one before it, or punctuation."""
    if character in _LETTER_MARKS or before[-1] in _JOINERS:
        return True
    category = unicodedata.category(character)
    return category[0] in "MP" or category == "Cf"


def _key(piece: str) -> str:
    return bare(piece.casefold())


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
