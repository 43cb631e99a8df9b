"""Figures as people read them, the same on the terminal and in the report."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sori_server.evaluation.figures import Evaluation

NOTHING: Final = "–"
LATENCIES: Final = {
    "first_interim": "first text, from start of speech",
    "word_shown": "word shown, from its end",
    "word_committed": "word committed, from its end",
    "finalisation": "final, from end of speech",
    "hang_over": "of that: silence waited for (VAD hang-over)",
    "after_decision": "of that: from endpoint decision to final",
}
"""The times of a live pass, by name in JSON."""


def percent(rate: float | None) -> str:
    """A fraction in per cent."""
    return NOTHING if rate is None else f"{100 * rate:.2f}"


def points(difference: float | None) -> str:
    """A difference of fractions in percentage points."""
    return NOTHING if difference is None else f"{100 * difference + 0.0:+.2f}"


def ratio(value: float | None) -> str:
    """A fraction as it is."""
    return NOTHING if value is None else f"{value:.3f}"


def milliseconds(value: float | None) -> str:
    """A time."""
    return NOTHING if value is None else f"{1000 * value:.0f}"


def run_of(evaluation: Evaluation) -> str:
    """What was run, on one line."""
    setup, total = evaluation.setup, evaluation.total
    where = setup.address or f"{setup.device}, {setup.compute_type}"
    settings = f"preset {setup.preset}" if setup.preset else f"mode {setup.mode}"
    count = len(evaluation.recordings)
    return (
        f"{setup.model} ({where}), {settings}, beam {setup.beam_size};"
        f" {count} recordings, {total.duration:.0f} s;"
        f" offline: faster-whisper {setup.faster_whisper}"
    )


def silences(evaluation: Evaluation) -> Iterator[str]:
    """One line for each pass over a recording without speech."""
    for row in evaluation.recordings:
        for pace, silence in row.silence.items():
            calls = "" if silence.model_calls is None else f", {silence.model_calls} model calls"
            what = f"{row.name}, {row.duration:.0f} s without speech"
            yield f"{pace}: {what}: {silence.words} words{calls}"
