"""Two texts lined up by least edit distance (jiwer), and the edits charged to utterances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import jiwer

EQUAL = "equal"


@dataclass(frozen=True, slots=True)
class Edits:
    """What turns a reference of `length` tokens into what was recognized."""

    length: int = 0
    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0

    @property
    def errors(self) -> int:
        """All edits."""
        return self.substitutions + self.deletions + self.insertions

    def __add__(self, other: Edits) -> Edits:
        return Edits(
            self.length + other.length,
            self.substitutions + other.substitutions,
            self.deletions + other.deletions,
            self.insertions + other.insertions,
        )


def equal_pairs(reference: Sequence[str], recognized: Sequence[str]) -> list[tuple[int, int]]:
    """Places of the tokens that are equal in both, in order. Tokens have no spaces."""
    chunks = jiwer.process_words(" ".join(reference), " ".join(recognized)).alignments[0]
    return [
        (chunk.ref_start_idx + k, chunk.hyp_start_idx + k)
        for chunk in chunks
        if chunk.type == EQUAL
        for k in range(chunk.ref_end_idx - chunk.ref_start_idx)
    ]


def word_edits(references: Sequence[str], recognized: str) -> list[Edits]:
    """The edits of each reference; all are lined up in one go with the text of all.

    Texts are normalised. An insertion is charged to the reference of the word before it,
    at the very beginning to the first. Without references there is nothing to charge.
    """
    lengths = [len(reference.split()) for reference in references]
    said = " ".join(reference for reference in references if reference)
    return _charged(lengths, jiwer.process_words(said, recognized).alignments[0])


def character_edits(references: Sequence[str], recognized: str) -> list[Edits]:
    """As `word_edits`, in characters; spaces do not count."""
    packed = ["".join(reference.split()) for reference in references]
    text = "".join(recognized.split())
    chunks = jiwer.process_characters("".join(packed), text).alignments[0]
    return _charged([len(reference) for reference in packed], chunks)


def _charged(lengths: Sequence[int], chunks: Sequence[jiwer.AlignmentChunk]) -> list[Edits]:
    owners = [number for number, length in enumerate(lengths) for _ in range(length)]
    charged = [Edits(length) for length in lengths]
    for chunk in chunks:
        if not owners or chunk.type == EQUAL:
            continue
        if chunk.type == "insert":
            count = chunk.hyp_end_idx - chunk.hyp_start_idx
            charged[owners[max(chunk.ref_start_idx - 1, 0)]] += Edits(insertions=count)
            continue
        one = Edits(substitutions=1) if chunk.type == "substitute" else Edits(deletions=1)
        for place in range(chunk.ref_start_idx, chunk.ref_end_idx):
            charged[owners[place]] += one
    return charged
