"""What a listener was told of one track, whichever way it came. Times are seconds."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class HeardWord:
    """A word and its place."""

    text: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Display:
    """One result as it was shown: `at` is when, on the clock of the pass."""

    at: float
    utterance: int
    committed: str
    tentative: str
    is_final: bool
    start: float
    end: float
    language: str
    words: tuple[HeardWord, ...] = ()
    endpointing: float = 0.0
    """Silence waited for before the decision that ended the utterance; zero if none did."""

    @property
    def text(self) -> str:
        """What a reader sees."""
        return self.committed + self.tentative


@dataclass(slots=True)
class Heard:
    """All that was told of one track.

    `model_calls` counts the windows that reached the model; None where that is not known.
    `latest` is the longest a piece of audio was sent behind schedule.
    """

    displays: list[Display] = field(default_factory=list)
    speech_ends: list[float] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    model: str = ""
    model_calls: int | None = None
    latest: float = 0.0

    @property
    def utterances(self) -> list[list[Display]]:
        """The displays of each utterance in order."""
        grouped: dict[int, list[Display]] = {}
        for display in self.displays:
            grouped.setdefault(display.utterance, []).append(display)
        return [grouped[number] for number in sorted(grouped)]

    @property
    def finals(self) -> list[Display]:
        """Final results in order."""
        return [display for display in self.displays if display.is_final]


@dataclass(frozen=True, slots=True)
class OfflineText:
    """What an offline pass made of one piece of a track."""

    text: str
    language: str
    words: tuple[HeardWord, ...] = ()
