"""The recordings that ship with the demo, with what is said in them."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import sori_server
from numpy.typing import NDArray

AUDIO = Path(sori_server.__file__).parent / "demo" / "audio"
NAMES = ("digits_human", "en_dialog", "ko_dialog", "en_ko_mixed")


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """A word of a recording; seconds."""

    text: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Utterance:
    """A sentence of a recording; seconds. `words` is empty where their times are unknown."""

    text: str
    language: str
    start: float
    end: float
    translation: str
    words: tuple[SpokenWord, ...]


@dataclass(frozen=True, slots=True)
class Recording:
    """Mono samples at 16 kHz, -1 to 1, and the utterances in them."""

    name: str
    samples: NDArray[np.float32]
    utterances: tuple[Utterance, ...]

    def cut(self, utterance: Utterance, margin: float = 0.3) -> NDArray[np.float32]:
        """The samples of one utterance with `margin` seconds on both sides."""
        first = round(max(utterance.start - margin, 0) * 16_000)
        return self.samples[first : round((utterance.end + margin) * 16_000)].copy()


@functools.cache
def read_recording(name: str) -> Recording:
    """The bundled recording of this name."""
    with av.open(str(AUDIO / f"{name}.flac")) as container:
        pcm = np.concatenate([f.to_ndarray().reshape(-1) for f in container.decode(audio=0)])
    described = json.loads((AUDIO / f"{name}.json").read_text(encoding="utf-8"))
    utterances = tuple(_utterance(entry) for entry in described["utterances"])
    return Recording(name, pcm.astype(np.float32) / np.float32(32_768), utterances)


def _utterance(entry: dict[str, object]) -> Utterance:
    words = entry.get("words") or []
    assert isinstance(words, list)
    return Utterance(
        text=str(entry["text"]),
        language=str(entry["language"]),
        start=float(str(entry["start"])),
        end=float(str(entry["end"])),
        translation=str(entry.get("translation") or ""),
        words=tuple(SpokenWord(w["word"], w["start"], w["end"]) for w in words),
    )
