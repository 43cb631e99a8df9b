"""Words of a pass found again in the reference, and how far apart their places are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sori_server.evaluation.alignment import equal_pairs
from sori_server.evaluation.heard import Display, HeardWord
from sori_server.evaluation.references import SpokenWord, Track
from sori_server.evaluation.texts import key, shown_words

NO_KEY = "-"
"""Stands for a word that is punctuation only: it has a place in the text and no sound."""


@dataclass(frozen=True, slots=True)
class Emission:
    """When a word that was said was first shown, and when it was committed; its language."""

    said: SpokenWord
    language: str
    shown: float
    committed: float


def spoken_words(track: Track) -> list[tuple[SpokenWord, str]]:
    """All words with times, with their languages."""
    return [(word, u.language) for u in track.utterances for word in u.words]


def matched(
    track: Track, heard: Sequence[HeardWord]
) -> Iterator[tuple[SpokenWord, str, HeardWord]]:
    """The words both have, lined up by their text alone, so that wrong times show."""
    said = spoken_words(track)
    for i, j in equal_pairs(
        [key(word.text) or NO_KEY for word, _ in said], [key(word.text) or NO_KEY for word in heard]
    ):
        yield *said[i], heard[j]


def emissions(track: Track, utterances: Sequence[Sequence[Display]]) -> Iterator[Emission]:
    """When each word said came on the screen, for words that are right in the final text."""
    said = spoken_words(track)
    keys: list[str] = []
    times: list[tuple[float, float]] = []
    for displays in utterances:
        if displays and displays[-1].is_final:
            keys.extend(_keys(displays[-1]))
            times.extend(_shown_and_committed(displays))
    for i, j in equal_pairs([key(word.text) or NO_KEY for word, _ in said], keys):
        yield Emission(*said[i], *times[j])


def _keys(display: Display) -> list[str]:
    return [key(word) or NO_KEY for word in shown_words(display.text, display.language)]


def _shown_and_committed(displays: Sequence[Display]) -> list[tuple[float, float]]:
    """For each word of the last display, when it first stood in one, and when it was committed."""
    final = displays[-1]
    wanted = _keys(final)
    shown, committed = [final.at] * len(wanted), [final.at] * len(wanted)
    for display in reversed(displays[:-1]):
        for i, _ in equal_pairs(wanted, _keys(display)):
            shown[i] = display.at
        sure = len(shown_words(display.committed, display.language))
        committed[:sure] = [display.at] * min(sure, len(wanted))
    return list(zip(shown, committed, strict=True))
