"""What a terminal shows: one line for each run, and one that lives while a run goes on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from sori_server.benchmark.figures import Judged, Report, RunFigures, Setup
from sori_server.benchmark.loading import Load
from sori_server.benchmark.records import Pulse
from sori_server.evaluation.distribution import percentile
from sori_server.evaluation.wording import NOTHING, milliseconds, percent, points

DIM: Final = "bright_black"
COLUMNS: Final = (
    *("run", "final p50", "p95", "hang-over", "stale p95", "interval", "queue p95", "batch"),
    *("lost", "missing", "doubled", "failed", "refused", "WER", "diff", "jitter p99"),
)
_FRAMES_PER_SECOND: Final = 4
LEGEND: Final = (
    "times in ms; final: from the true end of speech to its final text, the VAD's hang-over"
    " (median) is part of it; stale: interim behind the audio it covers; WER in per cent"
)


class BenchTable:
    """Shows a benchmark as it goes: an `Audience`."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._rows: list[list[str]] = []
        self._load: Load | None = None
        self._what = ""
        self._pulses: dict[int, Pulse] = {}

    @contextmanager
    def showing(self) -> Iterator[None]:
        """Keeps the table on a terminal; elsewhere runs are printed when they are over."""
        if not self._console.is_terminal:
            yield
            return
        with Live(
            console=self._console,
            get_renderable=self._picture,
            refresh_per_second=_FRAMES_PER_SECOND,
        ):
            yield

    def started(self, setup: Setup) -> None:
        """Say what is measured."""
        server = f" ({setup.server})" if setup.server else ""
        self._console.print(
            Text(
                f"{setup.target}{server}, {setup.workload}, {setup.duration:g} s measured after"
                f" {setup.warm_up:g} s, seed {setup.seed}, on {setup.machine}",
                DIM,
            ),
            soft_wrap=True,
        )

    def running(self, what: str, load: Load) -> None:
        """Begin the line of a run."""
        self._what, self._load = what, load
        self._pulses.clear()

    def pulse(self, process: int, pulse: Pulse) -> None:
        """Move the line of a run on."""
        self._pulses[process] = pulse

    def ran(self, what: str, run: RunFigures, judged: Judged | None) -> None:
        """Replace it by its figures."""
        self._load = None
        self._rows.append(cells(what, run))
        verdict = verdict_of(judged)
        if self._console.is_terminal:
            self._rows[-1].append(verdict)
            return
        named = zip(COLUMNS[1:], cells(what, run)[1:], strict=True)
        figures = ", ".join(f"{name} {value}" for name, value in named)
        self._console.print(f"{what}: {figures}{verdict and f'; {verdict}'}", soft_wrap=True)

    def concluded(self, report: Report) -> None:
        """Say what was looked for."""
        for found in report.capacities:
            reason = f"; {found.failed_at}: {', '.join(found.why)}" if found.failed_at else ""
            self._console.print(
                f"p95 finalisation within {found.deadline:g} s: {found.streams} streams{reason}",
                soft_wrap=True,
            )
        if usage := usage_of(report):
            self._console.print(Text(usage, DIM), soft_wrap=True)
        self._console.print(Text(LEGEND, DIM))

    def _picture(self) -> Group:
        table = Table(box=None, pad_edge=False, header_style=DIM)
        for column in (*COLUMNS, ""):
            table.add_column(column, justify="left" if column in ("run", "") else "right")
        for row in self._rows:
            table.add_row(*row)
        return Group(table, Text(self._progress(), DIM))

    def _progress(self) -> str:
        if self._load is None or not self._pulses:
            return ""
        pulses = list(self._pulses.values())
        finals = [behind for pulse in pulses for behind in pulse.finals]
        interims = [behind for pulse in pulses for behind in pulse.interims]
        return (
            f"{self._what}: {max(p.at for p in pulses):.0f} of {self._load.ends:.0f} s,"
            f" {sum(p.open_streams for p in pulses)} open,"
            f" behind their audio: finals {milliseconds(percentile(finals, 95))},"
            f" interims {milliseconds(percentile(interims, 95))} ms;"
            f" generator at most {milliseconds(max(p.late for p in pulses))} ms late"
        )


def cells(what: str, run: RunFigures) -> list[str]:
    """The line of a run."""
    losses, sending = run.losses, run.sending
    jitter = max(sending.jitter_p99 or 0.0, sending.tick_p99 or 0.0)
    return [
        what,
        *map(milliseconds, (run.finalisation.p50, run.finalisation.p95, run.hang_over.p50)),
        *map(milliseconds, (run.staleness.p95, run.interval.p50, run.queue.p95)),
        f"{batch:.1f}" if (batch := mean_batch(run)) else NOTHING,
        NOTHING if losses.lost_samples is None else str(losses.lost_samples),
        *map(str, (losses.missing, losses.doubled, losses.failed, losses.refused)),
        percent(run.words.wer),
        points(run.words.difference),
        f"{1000 * jitter:.1f}",
    ]


def mean_batch(run: RunFigures) -> float | None:
    """Windows in the model call of a result, on average; None where it is not told."""
    results = sum(run.batch_sizes.values())
    if not results:
        return None
    return sum(size * count for size, count in run.batch_sizes.items()) / results


def verdict_of(judged: Judged | None) -> str:
    """What speaks against a run at its strictest and at each later deadline."""
    if judged is None:
        return ""
    if judged.void:
        return "void: the generator was late"
    held = [deadline for deadline, complaints in judged.complaints.items() if not complaints]
    if held:
        return f"holds {min(held):g} s"
    return ", ".join(judged.complaints[max(judged.complaints)])


def usage_of(report: Report) -> str:
    """Cores and memory of the server in the last run, by process."""
    samples: Sequence[tuple[str, float, float]] = [
        (each.process, each.cores, each.memory) for each in report.runs[-1].run.usage
    ]
    said = []
    for process in dict.fromkeys(name for name, *_ in samples):
        these = [rest for name, *rest in samples if name == process]
        cores = sum(each[0] for each in these) / len(these)
        said.append(f"{process} {cores:.2f} cores, {max(each[1] for each in these):.0f} MiB")
    return "last run: " + "; ".join(said) if said else ""
