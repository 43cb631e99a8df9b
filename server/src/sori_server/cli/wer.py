"""Word error rate: edits that turn what was said into what was recognized, per word said."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WordErrors:
    """Wrong, missing and added words, out of `words` said."""

    errors: int
    words: int

    @property
    def rate(self) -> float:
        """Errors per word said; may exceed 1. Without words, 0 if there are no errors, else 1."""
        if self.words == 0:
            return float(self.errors > 0)
        return self.errors / self.words

    def __add__(self, other: WordErrors) -> WordErrors:
        return WordErrors(self.errors + other.errors, self.words + other.words)


def word_errors(said: str, recognized: str) -> WordErrors:
    """Errors of `recognized`, both texts normalised."""
    reference = normalised_words(said)
    return WordErrors(edit_distance(reference, normalised_words(recognized)), len(reference))


def normalised_words(text: str) -> list[str]:
    """Words without case, punctuation and compatibility forms.

    Apostrophes inside words go without a gap, so that `don't` stays one word.
    """
    folded = unicodedata.normalize("NFKC", text).casefold().replace("'", "").replace("’", "")
    return "".join(
        " " if unicodedata.category(character)[0] in "PSZC" else character for character in folded
    ).split()


def edit_distance(a: Sequence[str], b: Sequence[str]) -> int:
    """Fewest insertions, deletions and substitutions that turn `a` into `b`.

    Source: R. A. Wagner, M. J. Fischer, "The String-to-String Correction Problem",
    J. ACM 21 (1974); one row of the table is kept.
    """
    row = list(range(len(b) + 1))
    for i, item in enumerate(a, start=1):
        diagonal, row[0] = row[0], i
        for j, other in enumerate(b, start=1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (item != other))
    return row[-1]
