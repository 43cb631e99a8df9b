"""Plots of an evaluation. Each is drawn once and saved as PNG and, for the report, as SVG."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from sori_server.evaluation.distribution import percentile
from sori_server.evaluation.figures import Evaluation, Row
from sori_server.evaluation.tally import Tally

INK: Final = "#1c2330"
MUTED: Final = "#667085"
RULE: Final = "#e4e7ec"
OFFLINE: Final = "#98a2b3"
LIVE: Final = {"fast": "#175cd3", "paced": "#c4500a"}
COLORS: Final = {"offline": OFFLINE, **LIVE}
DOT: Final = {"offline": 12, "fast": 9, "paced": 6}
"""Sizes that leave each to be seen where all are equal."""
DASHES: Final = {"paced": (0, (4, 2))}
CURVES: Final = {
    "first_interim": ("first text", "#175cd3"),
    "word_shown": ("word shown", "#0e7a6d"),
    "word_committed": ("word committed", "#7a3fb5"),
    "finalisation": ("final text", "#c4500a"),
}
STYLE: Final[dict[Any, Any]] = {
    "font.size": 10.0,
    "text.color": INK,
    "axes.edgecolor": RULE,
    "axes.labelcolor": MUTED,
    "axes.titlecolor": INK,
    "axes.titlesize": 11.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 12.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": INK,
    "ytick.left": False,
    "grid.color": RULE,
    "svg.hashsalt": "sori",
}
WIDTH: Final = 7.6
"""Inches."""
DOTS: Final = 160
"""Per inch of a PNG."""
ROW: Final = 0.46
CURVE_HEIGHT: Final = 4.0
ERASURE_GOAL: Final = 0.20


def draw(evaluation: Evaluation, tallies: Mapping[str, Tally], offline: Tally) -> dict[str, Figure]:
    """All plots by name; `tallies` are those of all tracks, by pace."""
    with mpl.rc_context(STYLE):
        figures = {"wer": _wer(evaluation)}
        figures["erasure"] = _erasure(evaluation)
        for pace, tally in tallies.items():
            figures[f"latency-{pace}"] = _latency(pace, tally)
        figures["word-times"] = _word_times(tallies, offline)
    return figures


def save_png(figure: Figure, path: Path) -> None:
    """Write a plot as PNG."""
    FigureCanvasAgg(figure).print_figure(str(path), dpi=DOTS)


def svg(figure: Figure) -> str:
    """A plot as an SVG element, to put into a page."""
    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "sori"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]


def _wer(evaluation: Evaluation) -> Figure:
    """Offline and live word error rates side by side, a line for each recording."""
    rows = [row for row in (*evaluation.recordings, evaluation.total) if row.live]
    with _lines(rows) as (figure, axes):
        for y, row in enumerate(rows):
            rates = {"offline": row.offline.accuracy.wer if row.offline else None}
            rates |= {pace: live.accuracy.wer for pace, live in row.live.items()}
            known = {name: 100 * rate for name, rate in rates.items() if rate is not None}
            axes.plot([min(known.values()), max(known.values())], [y, y], color=RULE, lw=3)
            for name, value in known.items():
                axes.plot(value, y, "o", color=COLORS[name], ms=DOT[name], mec="white", mew=1)
            axes.annotate(
                ", ".join(f"{name} {value:.1f}" for name, value in known.items()),
                (max(known.values()), y),
                xytext=(10, 0),
                textcoords="offset points",
                va="center",
            )
        axes.set_title("Word error rate: live against offline")
        axes.set_xlabel("WER, per cent (lower is better)")
        axes.set_xlim(0, 1.4 * axes.get_xlim()[1])
        _key(axes, {"offline": OFFLINE, **{pace: LIVE[pace] for pace in evaluation.total.live}})
    return figure


def _erasure(evaluation: Evaluation) -> Figure:
    rows = [row for row in (*evaluation.recordings, evaluation.total) if row.live]
    paces = list(evaluation.total.live)
    with _lines(rows) as (figure, axes):
        thick = 0.6 / len(paces)
        for k, pace in enumerate(paces):
            for y, row in enumerate(rows):
                value = row.live[pace].stability.normalised_erasure or 0.0
                at = y + (k - (len(paces) - 1) / 2) * thick
                axes.barh(at, value, thick * 0.9, color=LIVE[pace])
                axes.annotate(
                    f"{value:.2f}",
                    (value, at),
                    xytext=(5, 0),
                    textcoords="offset points",
                    va="center",
                )
        axes.axvline(ERASURE_GOAL, color=MUTED, lw=1, ls=(0, (4, 3)))
        axes.annotate(
            f"goal {ERASURE_GOAL:.2f}",
            (ERASURE_GOAL, 1),
            xycoords=("data", "axes fraction"),
            xytext=(0, 1),
            textcoords="offset points",
            color=MUTED,
            fontsize=8.5,
            ha="center",
        )
        axes.set_title("Normalised erasure: words taken back per final word")
        axes.set_xlabel("words taken back / final words (lower is better)")
        axes.set_xlim(0, max(1.15 * axes.get_xlim()[1], 0.26))
        _key(axes, {pace: LIVE[pace] for pace in paces} if len(paces) > 1 else {})
    return figure


def _latency(pace: str, tally: Tally) -> Figure:
    """Share of cases below each time."""
    figure, axes = _figure(CURVE_HEIGHT)
    ends = []
    for name, (label, color) in CURVES.items():
        values = sorted(getattr(tally, name))
        if values:
            _curve(axes, values, color)
            ends.append((label, color, values))
    _label_curves(axes, ends)
    clock = "wall clock" if pace == "paced" else "audio clock, computing time left out"
    axes.set_title(f"How soon text comes ({pace}: {clock})")
    axes.set_xlabel("seconds after the event it is measured from")
    _shares(axes)
    least = min((percentile(values, 1) or 0.0 for *_, values in ends), default=0.0)
    most = max((percentile(values, 99) or 0.0 for *_, values in ends), default=1.0)
    axes.set_xlim(min(least, 0.0) - 0.05, most + 0.05)
    return figure


def _word_times(tallies: Mapping[str, Tally], offline: Tally) -> Figure:
    figure, axes = _figure(CURVE_HEIGHT)
    known = [("offline", OFFLINE, offline)]
    known += [(pace, LIVE[pace], tally) for pace, tally in tallies.items()]
    ends = []
    for label, color, tally in known:
        values = sorted(1000 * error for error in tally.start_errors)
        if values:
            _curve(axes, values, color, DASHES.get(label, "solid"))
            ends.append((label, color, values))
    _label_curves(axes, ends)
    axes.set_title("Where words start: distance from the reference")
    axes.set_xlabel("milliseconds (lower is better)")
    _shares(axes)
    axes.set_xlim(0, 600)
    return figure


def _curve(axes: Axes, values: Sequence[float], color: str, dashes: Any = "solid") -> None:  # noqa: ANN401 - matplotlib's own
    shares = [100 * (i + 1) / len(values) for i in range(len(values))]
    axes.step(values, shares, where="post", color=color, lw=1.8, ls=dashes)


def _label_curves(axes: Axes, curves: Sequence[tuple[str, str, Sequence[float]]]) -> None:
    """Name each curve where it has room, with its median."""
    for i, (label, color, values) in enumerate(curves):
        middle = values[(len(values) - 1) // 2]
        axes.plot(middle, 50, "o", color=color, ms=6, mec="white", mew=1)
        axes.annotate(
            f"{label}, median {middle:.2f}" if middle < 10 else f"{label}, median {middle:.0f}",
            (0.99, 0.06 + 0.09 * (len(curves) - 1 - i)),
            xycoords="axes fraction",
            ha="right",
            color=color,
            fontweight="bold",
        )


def _shares(axes: Axes) -> None:
    axes.set_ylabel("per cent of cases")
    axes.set_ylim(0, 102)
    axes.grid(axis="both")


def _key(axes: Axes, colors: Mapping[str, str]) -> None:
    """Names of the colours, above the plot on the right."""
    for i, (name, color) in enumerate(reversed(list(colors.items()))):
        axes.annotate(
            f"● {name}",
            (1, 1),
            xycoords="axes fraction",
            xytext=(-62 * i, 12),
            textcoords="offset points",
            ha="right",
            va="bottom",
            color=color,
            fontweight="bold",
        )


def _figure(height: float) -> tuple[Figure, Axes]:
    figure = Figure((WIDTH, height), layout="constrained")
    return figure, figure.add_subplot()


@contextmanager
def _lines(rows: Sequence[Row]) -> Iterator[tuple[Figure, Axes]]:
    """A plot with one line of text for each row, the first on top."""
    figure, axes = _figure(1.3 + ROW * len(rows))
    yield figure, axes
    axes.set_yticks(range(len(rows)), [row.name for row in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.grid(axis="x")
