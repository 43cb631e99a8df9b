"""Plots of a benchmark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sori_server.benchmark.figures import Judged, Report, RunFigures
from sori_server.evaluation.plots import CURVE_HEIGHT, MUTED, STYLE, WIDTH, save_png

__all__ = ["draw", "save_png"]

PALETTE: Final = ("#175cd3", "#c4500a", "#0e7a6d", "#7a3fb5", "#98a2b3")
_LATE: Final = 8.0
"""Seconds above which delays are not told apart: they only say that it is too much."""


def draw(report: Report) -> dict[str, Figure]:
    """All plots by name."""
    valid = [judged for judged in report.runs if not judged.void] or list(report.runs)
    runs = sorted((judged.run for judged in valid), key=lambda run: run.streams)
    largest = _largest_served(valid)
    with mpl.rc_context(STYLE):
        figures = {
            "latency": _latency(report, runs),
            "batch-sizes": _batch_sizes(largest),
            "interval": _interval(runs),
            "queue-delay": _queue_delay(runs),
        }
        if largest.usage:
            figures["usage"] = _usage(largest)
    return figures


def _largest_served(runs: Sequence[Judged]) -> RunFigures:
    """The run with most streams that held a deadline; else the one with fewest."""
    held = [each.run for each in runs if any(map(each.holds, each.complaints))]
    if held:
        return max(held, key=lambda run: run.streams)
    return min((each.run for each in runs), key=lambda run: run.streams)


def _latency(report: Report, runs: Sequence[RunFigures]) -> Figure:
    """Finalisation against the number of streams."""
    curves = {
        "p99": [run.finalisation.p99 for run in runs],
        "p95": [run.finalisation.p95 for run in runs],
        "p50": [run.finalisation.p50 for run in runs],
        "hang-over p50": [run.hang_over.p50 for run in runs],
    }
    figure, axes = _axes("Finalisation against streams", "streams", "seconds")
    _curves(axes, [run.streams for run in runs], curves)
    for deadline in dict.fromkeys(d for each in report.runs for d in each.complaints):
        axes.axhline(deadline, color=MUTED, lw=1, ls=(0, (4, 3)))
    known = [value for values in curves.values() for value in values if value is not None]
    axes.set_ylim(0, min(_LATE, 1.1 * max(known, default=1.0)))
    return figure


def _batch_sizes(run: RunFigures) -> Figure:
    figure, axes = _axes(
        f"Windows in one model call, {run.streams} streams", "windows", "per cent of results"
    )
    results = sum(run.batch_sizes.values()) or 1
    shares = [100 * count / results for count in run.batch_sizes.values()]
    axes.bar(list(run.batch_sizes), shares, color=PALETTE[0])
    return figure


def _interval(runs: Sequence[RunFigures]) -> Figure:
    figure, axes = _axes("Time between interim results", "streams", "seconds")
    curves = {
        "p95": [run.interval.p95 for run in runs],
        "p50": [run.interval.p50 for run in runs],
        "staleness p95": [run.staleness.p95 for run in runs],
    }
    _curves(axes, [run.streams for run in runs], curves)
    axes.set_ylim(bottom=0)
    return figure


def _queue_delay(runs: Sequence[RunFigures]) -> Figure:
    """Queue delay, second by second, of the runs with most streams."""
    figure, axes = _axes("Wait for the engine, p95 of each second", "seconds of the run", "seconds")
    for run, color in zip(reversed(runs[-len(PALETTE) :]), PALETTE, strict=False):
        known = [(p.at, p.queue_p95) for p in run.course if p.queue_p95 is not None]
        if known:
            label = f"{run.streams} streams"
            axes.plot(*zip(*known, strict=True), color=color, lw=1.4, label=label)
    _legend(axes)
    return figure


def _usage(run: RunFigures) -> Figure:
    """Cores and memory over time, by process."""
    figure = Figure((WIDTH, 1.5 * CURVE_HEIGHT), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    for process, color in zip(dict.fromkeys(s.process for s in run.usage), PALETTE, strict=False):
        these = [sample for sample in run.usage if sample.process == process]
        at = [sample.at for sample in these]
        above.plot(at, [sample.cores for sample in these], color=color, lw=1.4, label=process)
        below.plot(at, [sample.memory for sample in these], color=color, lw=1.4, label=process)
    above.set_title(f"The server's processes, {run.streams} streams")
    above.set_ylabel("cores")
    below.set_ylabel("MiB resident")
    below.set_xlabel("seconds of the run")
    for axes in (above, below):
        axes.set_ylim(bottom=0)
        axes.grid(axis="y")
    _legend(above)
    return figure


def _axes(title: str, across: str, up: str) -> tuple[Figure, Axes]:
    figure = Figure((WIDTH, CURVE_HEIGHT), layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(title)
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    axes.grid(axis="y")
    return figure, axes


def _curves(
    axes: Axes, across: Sequence[float], curves: Mapping[str, Sequence[float | None]]
) -> None:
    for (name, values), color in zip(curves.items(), PALETTE, strict=False):
        known = [(x, y) for x, y in zip(across, values, strict=True) if y is not None]
        if known:
            axes.plot(*zip(*known, strict=True), "o-", color=color, ms=4, lw=1.6, label=name)
    _legend(axes)


def _legend(axes: Axes) -> None:
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False)
