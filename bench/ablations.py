"""What each feature is worth: the same load on Sori as built and with one thing turned off.

    python bench/ablations.py --streams 30 --json ablations.json

Starts one server after another on this machine (`bench/ablated_server.py`), gives each the same
streams and prints one line for each: choose a number of streams near the capacity of Sori as
built, where what is turned off shows most. Compare lines of one run only. `--rounds 3` goes
through all of them three times, `--only fifo batch-1` leaves the others out.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ablation.variants import AS_BUILT, VARIANTS
from rich.console import Console
from rich.table import Table
from sori_server.benchmark.blocks import pieces_of
from sori_server.benchmark.figures import RunFigures
from sori_server.benchmark.loading import Load, run_load
from sori_server.benchmark.sori_target import SoriTarget
from sori_server.benchmark.summing import figures
from sori_server.benchmark.table import COLUMNS, cells
from sori_server.benchmark.workloads import Cast, Workload, cast_of
from sori_server.child_server import started
from sori_server.cli.demo.recordings import AUDIO
from sori_server.evaluation.references import read_corpus

SERVER = str(Path(__file__).with_name("ablated_server.py"))
SEED = 1


@dataclass(frozen=True, slots=True)
class Ablation:
    """What a variant did. `times_p95` is its p95 finalisation over that as built."""

    variant: str
    title: str
    times_p95: float | None
    server_cores: float
    run: RunFigures


async def ablate(given: argparse.Namespace) -> list[Ablation]:
    """Run all variants, one after another."""
    cast = cast_of(pieces_of(read_corpus(given.recordings)), Workload(given.workload), SEED)
    names = [AS_BUILT, *(name for name in given.only if name != AS_BUILT)]
    found: list[Ablation] = []
    for _ in range(given.rounds):
        built: float | None = None
        for name in names:
            run = await measured(name, cast, given)
            p95 = run.finalisation.p95
            built = p95 if name == AS_BUILT else built
            times = p95 / built if p95 and built else None
            found.append(Ablation(name, VARIANTS[name].title, times, _cores(run), run))
            print(f"{name}: p95 {_text(p95)} s", file=sys.stderr)
    return found


async def measured(name: str, cast: Cast, given: argparse.Namespace) -> RunFigures:
    """The run of one variant on a server of its own."""
    load = Load(
        plans=cast.plans(given.streams, given.warm_up / 2),
        warm_up=given.warm_up,
        duration=given.duration,
        processes=1,
        by_final=cast.workload is Workload.CONTINUOUS,
    )
    command = (SERVER, "--variant", name, "--model", given.model, "--grpc-port", "0")
    async with started(*command) as server:
        target = SoriTarget(server.address)
        return figures(await run_load(target, load, server.pid, lambda *_: None), None)


def show(found: Sequence[Ablation]) -> None:
    """Print the table."""
    table = Table(box=None, pad_edge=False)
    for column in ("turned off", "× p95", "cores", *COLUMNS[1:], ""):
        table.add_column(column, justify="left" if column in ("turned off", "") else "right")
    for each in found:
        void = "void: the generator was late" if each.run.sending.void else ""
        row = cells("", each.run)[1:]
        table.add_row(each.title, _text(each.times_p95), f"{each.server_cores:.2f}", *row, void)
    Console(highlight=False, width=200).print(table)


def _cores(run: RunFigures) -> float:
    """Processor cores all processes of the server kept busy, on average."""
    processes = {sample.process for sample in run.usage}
    per_process = (
        [sample.cores for sample in run.usage if sample.process == name] for name in processes
    )
    return sum(sum(cores) / len(cores) for cores in per_process)


def _text(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def main() -> None:
    """Read the flags, run, print, and write the JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--streams", type=int, required=True)
    parser.add_argument("--duration", type=float, default=60.0, help="seconds measured")
    parser.add_argument("--warm-up", type=float, default=15.0, help="seconds before that")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--only", nargs="*", choices=VARIANTS, default=list(VARIANTS))
    workloads = [workload.value for workload in Workload]
    parser.add_argument("--workload", choices=workloads, default=Workload.CONVERSATIONAL.value)
    parser.add_argument("--model", default="mini")
    parser.add_argument("--recordings", type=Path, default=AUDIO)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    found = asyncio.run(ablate(given))
    show(found)
    if given.json is not None:
        given.json.write_text(json.dumps([asdict(each) for each in found], indent=1) + "\n")


if __name__ == "__main__":
    main()
