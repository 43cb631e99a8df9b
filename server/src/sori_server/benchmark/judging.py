"""What a run must show so that its number of streams counts as served."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sori_server.benchmark.figures import Growth, RunFigures, Words

MOST_GROWTH: Final = 0.1
"""Seconds a delay may rise over the time measured, at two standard errors."""
MOST_WER: Final = 0.002
"""What WER may be above that of few streams: 0.2 points."""


def complaints(run: RunFigures, deadline: float) -> tuple[str, ...]:
    """Everything that speaks against a run; nothing if its streams were served in time."""
    return (*_late(run, deadline), *_lost(run), *_growing(run.growth), *_wrong(run.words))


def _late(run: RunFigures, deadline: float) -> Iterator[str]:
    p95 = run.finalisation.p95
    if p95 is None:
        yield "no final result was measured"
    elif p95 > deadline:
        yield f"p95 finalisation {p95:.2f} s"


def _lost(run: RunFigures) -> Iterator[str]:
    losses = run.losses
    counted = {
        "samples lost": losses.lost_samples or 0,
        "streams refused": losses.refused,
        "streams failed": losses.failed,
        "finals missing": losses.missing,
        "finals doubled": losses.doubled,
    }
    for what, count in counted.items():
        if count:
            yield f"{count} {what}"


def _growing(growth: Growth | None) -> Iterator[str]:
    if growth is not None and growth.over_run - 2 * growth.error > MOST_GROWTH:
        yield f"{growth.basis} delay grows by {growth.over_run:.2f} s"


def _wrong(words: Words) -> Iterator[str]:
    """One word more than expected says nothing, however few were said."""
    if words.expected_errors is None or words.difference is None:
        return
    if words.errors - words.expected_errors > 1 and words.difference > MOST_WER:
        yield f"WER {100 * words.difference:+.2f} points"
