"""Text as comparable tokens: words where a language writes spaces, else characters."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Final

from sori_server.domain.recognition import Word

UNSPACED_LANGUAGES: Final = frozenset({"zh", "ja", "th", "lo", "my", "km", "yue", "bo"})
"""Languages Whisper writes without spaces between words."""

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


def align(prefix: Sequence[Token], tokens: Sequence[Token]) -> list[int]:
    """For each token of `prefix`, how many of `tokens` say the text up to and with it.

    The last entry is the `j` whose `tokens[:j]` has the least edit distance to `prefix`
    (Wagner and Fischer, 1974); of equals, the one with most equal words, then the one
    nearest to the length of `prefix`. Replacing a word costs up to two edits, the more the
    fewer letters both share: a word is rather said twice than taken for quite another one
    and lost.
    """
    same = 0
    while same < min(len(prefix), len(tokens)) and prefix[same].key == tokens[same].key:
        same += 1
    rest = _edit_ends(prefix[same:], tokens[same:])
    return [*range(1, same + 1), *(same + end for end in rest)]


def _edit_ends(prefix: Sequence[Token], tokens: Sequence[Token]) -> list[int]:
    """`align` without the shortcut for equal beginnings."""
    weight = len(prefix) + 1  # the least cost weighs more than all equal words together
    edit = weight * _EDIT
    rows = [[j * edit for j in range(len(tokens) + 1)]]
    for replacements in _replacements(prefix, tokens, weight):
        above = rows[-1]
        row = [above[0] + edit]
        for j, replacement in enumerate(replacements):
            row.append(min(above[j] + replacement, above[j + 1] + edit, row[j] + edit))
        rows.append(row)
    j = min(range(len(tokens) + 1), key=lambda j: (rows[-1][j], abs(j - len(prefix))))
    ends: list[int] = []
    for i in range(len(prefix), 0, -1):
        ends.append(j)
        while j and rows[i][j] == rows[i][j - 1] + edit:
            j -= 1
        j -= rows[i][j] != rows[i - 1][j] + edit
    return ends[::-1]


def _replacements(
    prefix: Sequence[Token], tokens: Sequence[Token], weight: int
) -> Iterator[list[int]]:
    """For each token of `prefix`, what hearing it as each of `tokens` costs: -1 if equal."""
    keys = [token.key for token in (*prefix, *tokens)]
    letters = list(zip(keys, map(len, keys), _letters(keys), strict=True))
    for key, length, bits in letters[: len(prefix)]:
        yield [
            -1
            if key == other
            else 2 * _EDIT * (length + n - 2 * (bits & others).bit_count()) // (length + n) * weight
            for other, n, others in letters[len(prefix) :]
        ]


def _letters(keys: Sequence[str]) -> list[int]:
    """The letters of each key as bits, with others for those it repeats: `&` is what two share."""
    place: dict[tuple[str, int], int] = {}
    return [
        sum(1 << place.setdefault((c, key.count(c, 0, i)), len(place)) for i, c in enumerate(key))
        for key in keys
    ]


def _characters(text: str) -> list[str]:
    """Characters with the marks and punctuation after them and the spaces before them."""
    pieces: list[str] = []
    pending = ""
    for character in text:
        if character.isspace():
            pending += character
        elif pieces and not pending and unicodedata.category(character)[0] in "MP":
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
