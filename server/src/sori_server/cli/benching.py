"""What `sori bench` does with its flags."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from rich.console import Console

from sori_server.benchmark.benchmarking import Order, benchmark
from sori_server.benchmark.blocks import Piece, pieces_of
from sori_server.benchmark.figures import Report
from sori_server.benchmark.report import write_json, write_report
from sori_server.benchmark.table import BenchTable
from sori_server.cli.demo.recordings import AUDIO
from sori_server.cli.exits import ExitCode
from sori_server.cli.interruption import Interruption
from sori_server.domain.errors import InvalidConfig
from sori_server.evaluation.references import read_corpus


def check(order: Order, json: Path | None, report: Path | None) -> None:
    """Check what flags cannot say by themselves, before anything is started.

    Raises:
        InvalidConfig: names the flag.
    """
    if order.target is not None and order.server:
        name = next(iter(order.server)).replace("_", "-")
        raise InvalidConfig(f"--{name}", "is of a server that bench starts: leave out --target")
    if order.pid is not None and order.target is None:
        raise InvalidConfig("--pid", "is the process of a --target")
    if order.pid is not None and not os.path.exists(f"/proc/{order.pid}"):
        raise InvalidConfig("--pid", f"there is no process {order.pid}")
    if order.search and order.most < order.streams:
        raise InvalidConfig("--most", f"must be at least --streams, {order.streams}")
    if json is not None and not json.absolute().parent.is_dir():
        raise InvalidConfig("--json", f"no such folder: {json.absolute().parent}")
    if report is not None and report.exists() and not report.is_dir():
        raise InvalidConfig("--report", f"not a folder: {report}")


def bench(order: Order, recordings: Path | None, json: Path | None, report: Path | None) -> int:
    """Run it, show it and write the files; the exit code. The bundled recordings are default.

    Raises:
        InvalidConfig, InvalidAudio: what is wrong with the flags or the recordings.
        EngineUnavailable: server or generator did not start.
        OSError: a file cannot be written.
    """
    check(order, json, report)
    pieces = pieces_of(read_corpus(recordings or AUDIO))
    table = BenchTable(Console(highlight=False))
    found, interrupted = asyncio.run(_bench(order, pieces, table))
    if found is None:
        return interrupted
    table.concluded(found)
    if json is not None:
        write_json(found, json)
    if report is not None:
        write_report(found, report)
    return ExitCode.DONE if _served(found) else ExitCode.FAILED


async def _bench(
    order: Order, pieces: tuple[Piece, ...], table: BenchTable
) -> tuple[Report | None, int]:
    with Interruption() as interruption, table.showing():
        found = await interruption.cancels(benchmark(order, pieces, table))
    return found, interruption.exit_code


def _served(report: Report) -> bool:
    """Whether what was asked for holds: each run at each deadline, or a capacity for each."""
    if report.capacities:
        return all(found.streams for found in report.capacities)
    return all(judged.holds(d) for judged in report.runs for d in judged.complaints)
