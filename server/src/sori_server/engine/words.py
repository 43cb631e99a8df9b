"""Words with places on the audio clock, from an alignment of tokens with audio."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

from sori_server.domain.audio import Span, samples
from sori_server.domain.recognition import Word
from sori_server.engine.vocabulary import without_broken

_OPENING: Final = frozenset("\"'“¿([{-")
_CLOSING: Final = frozenset("\"'.。,，!！?？:：”)]}、")


@dataclass(frozen=True, slots=True)
class AlignedWord:
    """A word or a mark of punctuation; seconds from the start of the window."""

    text: str
    start: float
    end: float
    probability: float

    @classmethod
    def of(cls, alignment: Iterable[dict[str, Any]]) -> list[AlignedWord]:
        """The words of what faster-whisper's `find_alignment` returned for one window."""
        return [
            cls(w["word"], float(w["start"]), float(w["end"]), float(w["probability"]))
            for w in alignment
            if w["word"]
        ]


def placed_words(aligned: Iterable[AlignedWord], span: Span) -> tuple[Word, ...]:
    """Words in order within `span`, punctuation joined to the word it belongs to.

    Broken characters are dropped; apart from them nothing of the text is lost.
    """
    whole = (replace(word, text=without_broken(word.text)) for word in aligned)
    words: list[Word] = []
    earliest = span.start
    for word in _with_closing(_with_opening(word for word in whole if word.text)):
        start = min(max(span.start + samples(word.start), earliest), span.end)
        earliest = end = min(max(span.start + samples(word.end), start), span.end)
        words.append(Word(word.text, start, end, min(max(word.probability, 0.0), 1.0)))
    return tuple(words)


def _with_opening(aligned: Iterable[AlignedWord]) -> Iterable[AlignedWord]:
    """Join opening marks, which bring their own space, to the word after them."""
    held: AlignedWord | None = None
    for word in aligned:
        current = word
        if held:
            current = replace(word, text=held.text + word.text, start=held.start)
        held = current if word.text.startswith(" ") and word.text.strip() in _OPENING else None
        if not held:
            yield current
    if held:
        yield held


def _with_closing(aligned: Iterable[AlignedWord]) -> Iterable[AlignedWord]:
    """Join closing marks, which follow without a space, to the word before them."""
    held: AlignedWord | None = None
    for word in aligned:
        if held and word.text in _CLOSING and not held.text.endswith(" "):
            held = replace(held, text=held.text + word.text, end=word.end)
            continue
        if held:
            yield held
        held = word
    if held:
        yield held
