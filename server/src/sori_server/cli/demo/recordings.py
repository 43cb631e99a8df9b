"""The bundled recordings and what is said in them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import sori_server

AUDIO: Final = Path(sori_server.__file__).parent / "demo" / "audio"

STREAMS: Final = {
    "digits": "digits_human",
    "english": "en_dialog",
    "korean": "ko_dialog",
    "mixed": "en_ko_mixed",
}
"""File by the name a stream has on the screen."""


@dataclass(frozen=True, slots=True)
class DemoRecording:
    """One recording: its words' places are (start, end) in seconds."""

    name: str
    path: Path
    duration: float
    said: str
    words: tuple[tuple[float, float], ...]

    def speech_start(self, after: float) -> float | None:
        """Where the first word begins whose middle comes after a position."""
        return next((start for start, end in self.words if (start + end) / 2 > after), None)


def demo_recordings() -> list[DemoRecording]:
    """All of them, in the order they are shown."""
    return [_read(name, AUDIO / f"{file}.json") for name, file in STREAMS.items()]


def _read(name: str, path: Path) -> DemoRecording:
    described = json.loads(path.read_text(encoding="utf-8"))
    utterances = described["utterances"]
    return DemoRecording(
        name=name,
        path=path.with_suffix(".flac"),
        duration=described["duration"],
        said=" ".join(utterance["text"] for utterance in utterances),
        words=tuple(
            (word["start"], word["end"]) for utterance in utterances for word in utterance["words"]
        ),
    )
