"""Loads for tests of the benchmark: scripts with words at known places, and what came back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sori_server.benchmark.blocks import Piece
from sori_server.benchmark.figures import Losses, RunFigures, Sending, Words
from sori_server.benchmark.records import StreamRecord
from sori_server.benchmark.scripts import Script, Spoken, StreamPlan
from sori_server.benchmark.target import Heard, Pcm, Told
from sori_server.evaluation.distribution import Distribution

NOTHING = Distribution.of([])


def spoken(start: float, end: float, text: str = "red blue", block: str = "a") -> Spoken:
    """An utterance of two words, half of its time each."""
    middle = (start + end) / 2
    return Spoken(block, text, start, end, ((start, middle), (middle, end)))


def plan(*said: Spoken, duration: float = 10.0, starts: float = 0.0) -> StreamPlan:
    """A stream that says this, again after `duration` seconds."""
    script = Script.of("en", [np.zeros(round(duration * 16_000), np.int16)], said)
    return StreamPlan(0, script, 0.0, starts)


def pcm_of(script: Script) -> Pcm:
    """One round."""
    return np.concatenate(script.parts)


def final(start: float, end: float, text: str = "red blue", utterance: int = 0) -> Heard:
    """A final result whose server told of its times."""
    return Heard(utterance, text, is_final=True, start=start, end=end, told=Told(0.01, 0.1, 0.3, 2))


def interim(start: float, end: float, text: str = "red", utterance: int = 0) -> Heard:
    """An interim result of a server that tells nothing."""
    return Heard(utterance, text, is_final=False, start=start, end=end)


def record(*heard: tuple[float, Heard], seconds: float = 10.0, **other: object) -> StreamRecord:
    """A stream that ended well, of which the server heard everything."""
    sent = round(seconds * 16_000)
    fields = {
        "number": 0,
        "sent": sent,
        "acknowledged": sent,
        "heard": heard,
        "late": np.full(round(seconds * 10), 0.001, np.float32),
        "held": np.zeros(round(seconds * 10), np.float32),
        "complete": True,
        **other,
    }
    return StreamRecord(**fields)  # type: ignore[arg-type]


def piece(start: float, end: float, duration: float, language: str = "en") -> Piece:
    """A tone for a voice, at its place in a piece."""
    place = np.arange(round(duration * 16_000)) / 16_000
    inside = (place >= start) & (place < end)
    pcm = (8_000 * inside * np.sin(place * 2_000)).astype(np.int16)
    return Piece(language, pcm, spoken(start, end, block=f"{language}/{start}/{end}"))


def run_figures(
    streams: int, finalisation: Sequence[float] = (0.4,), **other: object
) -> RunFigures:
    """A run in which nothing went wrong, but for what is told."""
    fields = {
        "streams": streams,
        "sending": Sending(0.001, 0.002, 0.001, 0.0, 0.0, 0.1),
        "losses": Losses(0, 1_000, 0, 0, (), 10, 0, 0),
        "words": Words.of(100, 5, 5.0),
        "finalisation": Distribution.of(finalisation),
        "growth": None,
        "batch_sizes": {1: 3, 2: 1},
        "disturbers": {},
        "course": (),
        "usage": (),
    }
    times = ("hang_over", "after_decision", "first_text", "staleness", "interval", "queue")
    fields |= dict.fromkeys((*times, "refusal"), NOTHING)
    return RunFigures(**{**fields, **other})  # type: ignore[arg-type]
