"""A bank of spoken utterances on disk: one NumPy archive, no pickles."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 16_000


@dataclass(frozen=True)
class Spoken:
    """What is said in some samples; `word_starts` in seconds, empty where unknown."""

    language: str
    text: str
    translation: str
    word_starts: tuple[float, ...]
    voice: str


@dataclass(frozen=True)
class Utterance:
    """Mono int16 samples at 16 kHz and what is said in them."""

    spoken: Spoken
    samples: NDArray[np.int16]


def save(path: Path, utterances: Sequence[Utterance]) -> None:
    """Write a bank."""
    described = [asdict(utterance.spoken) for utterance in utterances]
    np.savez(
        path,
        samples=np.concatenate([utterance.samples for utterance in utterances]),
        ends=np.cumsum([len(utterance.samples) for utterance in utterances]),
        spoken=np.array(json.dumps(described, ensure_ascii=False)),
    )


def load(path: Path) -> list[Utterance]:
    """Read a bank."""
    with np.load(path) as archive:
        parts = np.split(archive["samples"], archive["ends"][:-1])
        described = json.loads(str(archive["spoken"]))
    return [
        Utterance(Spoken(**{**entry, "word_starts": tuple(entry["word_starts"])}), part)
        for entry, part in zip(described, parts, strict=True)
    ]
