"""The figures on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from sori_server.evaluation.figures import Evaluation, Row
from sori_server.evaluation.wording import (
    LATENCIES,
    milliseconds,
    percent,
    points,
    ratio,
    run_of,
    silences,
)

DIM: Final = "bright_black"
ACCURACY: Final = ("offline", "WER", "diff", "CER", "sub", "del", "ins", "empty")
STEADINESS: Final = ("erasure", "words only", "taken back", "start offline", "start live")


def show(console: Console, evaluation: Evaluation) -> None:
    """Print the tables of each live pass, or that of the offline one if there is no other."""
    console.print(Text(run_of(evaluation), DIM), soft_wrap=True)
    for pace in evaluation.total.live:
        console.print(Group(Text(), *_tables(evaluation, pace)))
    for line in silences(evaluation):
        console.print(Text(line))
    if evaluation.skipped:
        names = ", ".join(evaluation.skipped)
        console.print(Text(f"skipped, without a transcript: {names}", DIM))


def _tables(evaluation: Evaluation, pace: str) -> Iterable[RenderableType]:
    rows = tuple(row for row in evaluation.recordings if pace in row.live)
    groups = (rows, evaluation.languages, (evaluation.total,))
    yield Text(f"{pace}: text, per cent and words", "bold")
    yield _by_row(groups, pace, ACCURACY, _accuracy)
    yield Text()
    yield Text(f"{pace}: erasure; median error of word starts, ms", "bold")
    yield _by_row(groups, pace, STEADINESS, _steadiness)
    yield Text()
    yield Text(f"{pace}: {clock_of(pace)}", "bold")
    yield _latency(evaluation.total, pace)
    if late := evaluation.send_delay[pace]:
        yield Text(f"audio was sent at most {milliseconds(late)} ms late", DIM)


def clock_of(pace: str) -> str:
    """What the times of a pass mean."""
    if pace == "paced":
        return "times on the wall clock, ms"
    return "times in audio sent (no computing time), ms"


def _by_row(
    groups: Sequence[Sequence[Row]],
    pace: str,
    columns: Sequence[str],
    cells: Callable[[Row, str], list[str]],
) -> Table:
    table = Table(box=None, pad_edge=False, header_style=DIM)
    table.add_column("")
    for column in columns:
        table.add_column(column, justify="right")
    for group in groups:
        for row in group:
            table.add_row(row.name, *cells(row, pace), end_section=row is group[-1])
    return table


def _accuracy(row: Row, pace: str) -> list[str]:
    live = row.live[pace]
    accuracy = live.accuracy
    return [
        percent(row.offline.accuracy.wer if row.offline else None),
        percent(accuracy.wer),
        points(live.wer_difference),
        percent(accuracy.cer),
        str(accuracy.substitutions),
        str(accuracy.deletions),
        str(accuracy.insertions),
        str(accuracy.empty),
    ]


def _steadiness(row: Row, pace: str) -> list[str]:
    stability = row.live[pace].stability
    return [
        ratio(stability.normalised_erasure),
        ratio(stability.misheard_erasure),
        str(stability.violations),
        milliseconds(row.offline.word_times.start.p50 if row.offline else None),
        milliseconds(row.live[pace].word_times.start.p50),
    ]


def _latency(total: Row, pace: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style=DIM)
    table.add_column("")
    for column in ("p50", "p95", "p99", "cases"):
        table.add_column(column, justify="right")
    for name, meaning in LATENCIES.items():
        times = getattr(total.live[pace].latency, name)
        if times.count:
            figures = (milliseconds(value) for value in (times.p50, times.p95, times.p99))
            table.add_row(meaning, *figures, str(times.count))
    return table
