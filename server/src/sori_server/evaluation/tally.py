"""Counts and times of a pass, which add up over tracks and languages."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Final

from sori_server.evaluation.alignment import Edits

Seconds = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Tally:
    """What one pass over some utterances gave. Times are seconds, one entry per case."""

    words: Edits = field(default_factory=Edits)
    characters: Edits = field(default_factory=Edits)
    utterances: int = 0
    """Said."""
    empty: int = 0
    """Utterances said of which there is no text."""
    shown: int = 0
    """Words in final displays."""
    deleted: int = 0
    """Words taken back from displays."""
    misheard: int = 0
    """The same, without those that came back with other case or punctuation."""
    violations: int = 0
    """Results that take committed text back."""
    start_errors: Seconds = ()
    """Distance of word starts from the reference."""
    end_errors: Seconds = ()
    first_interim: Seconds = ()
    """From the start of speech to the first text of an utterance."""
    word_shown: Seconds = ()
    """From the end of a word to its first display."""
    word_committed: Seconds = ()
    """From the end of a word to the moment it is committed."""
    finalisation: Seconds = ()
    """From the end of speech to the final text."""
    hang_over: Seconds = ()
    """Silence the endpointer waited for; part of `finalisation`."""
    after_decision: Seconds = ()
    """From sending the audio that decided the endpoint to the final text."""

    def __add__(self, other: Tally) -> Tally:
        return Tally(**{name: getattr(self, name) + getattr(other, name) for name in _NAMES})


_NAMES: Final = tuple(each.name for each in fields(Tally))
