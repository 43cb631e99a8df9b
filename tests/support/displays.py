"""Tracks and displays of an evaluation, written as short as they can be."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from sori_server.evaluation.heard import Display, HeardWord
from sori_server.evaluation.references import SpokenWord, Track, Utterance


def utterance(text: str, start: float, end: float, language: str = "en") -> Utterance:
    """Words of equal length from `start` to `end`."""
    pieces = text.split()
    step = (end - start) / max(len(pieces), 1)
    words = tuple(
        SpokenWord(word, start + k * step, start + (k + 1) * step) for k, word in enumerate(pieces)
    )
    return Utterance(text, language, start, end, words)


def track(*utterances: Utterance, seconds: float = 10.0) -> Track:
    """Silence in which the utterances are said to be."""
    return Track("talk", "talk", np.zeros(round(seconds * 16_000), np.int16), utterances)


def shown(
    at: float,
    committed: str,
    tentative: str = "",
    *,
    of: int = 0,
    final: bool = False,
    span: tuple[float, float] = (0.0, 10.0),
    words: Sequence[HeardWord] = (),
    endpointing: float = 0.0,
    language: str = "en",
) -> Display:
    """One result of utterance `of`."""
    return Display(at, of, committed, tentative, final, *span, language, tuple(words), endpointing)


def write_card(folder: Path, name: str, *utterances: dict[str, object], **more: object) -> Path:
    """A transcript without its audio."""
    card = folder / f"{name}.json"
    card.write_text(json.dumps({"utterances": utterances, **more}), encoding="utf-8")
    return card
