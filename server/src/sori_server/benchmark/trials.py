"""The runs of one benchmark, and what they say of numbers of streams."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from sori_server.benchmark.capacity import Verdict, bracket
from sori_server.benchmark.figures import Capacity, Judged, RunFigures
from sori_server.benchmark.judging import complaints

VOID_RUNS: Final = 3
"""Void runs of one number of streams after which it is given up."""


def judged(run: RunFigures, deadlines: Iterable[float]) -> Judged:
    """A run and what speaks against it."""
    against = {deadline: complaints(run, deadline) for deadline in deadlines}
    return Judged(run, run.sending.void, against)


def verdicts(runs: Sequence[Judged], deadline: float, repeats: int) -> dict[int, Verdict]:
    """By number of streams; one that was not run often enough has none.

    A number is served if it was in all of its runs, `repeats` at least. Void runs count for
    nothing.
    """
    found = {}
    for streams in {each.run.streams for each in runs}:
        these = [each for each in runs if each.run.streams == streams]
        valid = [each for each in these if not each.void]
        if any(not each.holds(deadline) for each in valid):
            found[streams] = Verdict.NOT_SERVED
        elif len(valid) >= repeats:
            found[streams] = Verdict.SERVED
        elif len(these) - len(valid) >= VOID_RUNS:
            found[streams] = Verdict.VOID
    return found


def capacity(runs: Sequence[Judged], deadline: float, repeats: int) -> Capacity:
    """What the search for a deadline ended with."""
    known = bracket(verdicts(runs, deadline, repeats))
    at_fault = [each for each in runs if each.run.streams == known.high]
    why = {text for each in at_fault if not each.void for text in each.complaints[deadline]}
    if not why and at_fault:
        why = {"the generator did not keep its schedule"}
    return Capacity(deadline, known.low, known.high, tuple(sorted(why)))
