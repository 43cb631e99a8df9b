"""Faults on purpose: whether words survive them, and how long it takes to notice them.

    python bench/faults.py [--only histories] [--histories 10000] [--seed 0] [--json faults.json]

`core`: so many random histories of one session without a network, with one channel and with three;
connections are lost, and servers with all they know. `histories`: so many at each door, gRPC and
WebSocket: clients that resume, lines that are cut, reset or freeze, two servers, and workers that
are killed. Every word is checked. A history is told by its seed, and `--histories 1 --seed SEED`
plays it alone. `disconnects`: how long handlers outlive their clients, which go in six ways at
eight points of the protocol, with the limits of a server that was told nothing but to forget
sessions after two seconds. The fake engine. Exit status 1: a target was missed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import checkout  # noqa: F401 - puts `tests` on the path
from sori_server.domain.limits import Limits
from sori_server.evaluation.distribution import percentile
from support.disconnects import (
    STREAMS,
    Standing,
    handlers,
    sixteen_streams,
    until_as_before,
    until_handlers,
)
from support.fault_histories import DOORS, History, run_histories, summary_of, two_nodes
from support.random_sessions import history
from support.speech_server import Served, serving

PROGRESS = 25
"""Histories between two lines about them."""
HERE, ELSEWHERE = 0.5, 2.0
"""Seconds that 95 % of resumes may take at the same server, and at another one."""
AT_ONCE, SILENT = 0.1, 20.0
"""Seconds that a handler may outlive a client that is known to be gone, and one that is silent."""
GOING = {
    **dict.fromkeys(("FIN", "RST", "CANCEL", "SIGKILL"), AT_ONCE),
    **dict.fromkeys(("BLACK_HOLE", "SIGSTOP"), SILENT),
}
LIMITS = Limits(max_final_delay=math.inf, resume_window=2.0)
SETTLING = 0.2
"""Seconds after which a server that is ready has begun everything that it always does."""
LEAVING = 10.0
"""Seconds after which nothing may be left of a client."""

Measured = AsyncIterator[tuple[str, dict[str, Any], dict[str, bool]]]
"""The name of each measurement, its figures, and by name whether targets were met."""


async def core(given: argparse.Namespace) -> Measured:
    for channels in (1, 3):
        wrong, connections, servers = [], 0, 0
        for seed in range(given.seed, given.seed + given.histories):
            played = history(seed, channels)
            try:
                played.run()
                played.check()
            except AssertionError as problem:
                wrong.append(seed)
                print(f"core: seed {seed} with {channels} channels is wrong: {problem}", flush=True)
            connections += played.connections
            servers += played.servers
        figures = {"histories": given.histories, "wrong": wrong}
        figures |= {"connections": connections, "servers": servers}
        yield f"core, channels: {channels}", figures, {"every word of every history": not wrong}


async def histories(given: argparse.Namespace) -> Measured:
    seeds = range(given.seed, given.seed + given.histories)
    async with two_nodes() as nodes:
        for name, door in DOORS.items():
            found = summary_of(await run_histories(seeds, nodes, door, told=_telling(name)))
            resumed = {kind: _spread(seconds) for kind, seconds in asdict(found.resumed).items()}
            here, elsewhere = found.resumed.here, found.resumed.elsewhere
            targets = {
                "every word of every history": not found.wrong,
                f"95 % of resumes at the same server within {HERE:g} s": _within(HERE, here),
                f"and at another one within {ELSEWHERE:g} s": _within(ELSEWHERE, elsewhere),
            }
            yield f"histories, {name}", {**asdict(found), "resumed": resumed}, targets


def _telling(door: str) -> Callable[[History], None]:
    done = wrong = 0

    def told(history: History) -> None:
        nonlocal done, wrong
        done += 1
        wrong += bool(history.problems)
        if history.problems:
            print(f"{door}: seed {history.plan.seed} is wrong: {history.problems}", flush=True)
        if done % PROGRESS == 0:
            print(f"{door}: {done} histories, {wrong} wrong", flush=True)

    return told


def _spread(seconds: list[float]) -> dict[str, float | int | None]:
    return {
        "count": len(seconds),
        "p50": percentile(seconds, 50),
        "p95": percentile(seconds, 95),
        "most": max(seconds, default=None),
    }


def _within(most: float, seconds: list[float]) -> bool:
    p95 = percentile(seconds, 95)
    return p95 is None or p95 <= most


async def disconnects(_: argparse.Namespace) -> Measured:
    async with serving(limits=LIMITS) as served:
        await asyncio.sleep(SETTLING)
        before = Standing.now(served)
        for kind, most in GOING.items():
            outlived, left = await _outlived(served, before, kind, most)
            yield (
                f"disconnects, {kind}",
                {"seconds": outlived, "left": left},
                {f"handlers end within {most:g} s": outlived <= most, "nothing is left": not left},
            )


async def _outlived(served: Served, before: Standing, kind: str, most: float) -> tuple[float, str]:
    """Seconds that the last of all handlers outlived its client, and what is left afterwards."""
    async with sixteen_streams(served, kind) as strike:
        assert handlers() == STREAMS
        await strike()
        try:
            outlived = await until_handlers(0, 2 * most + LEAVING)
        except TimeoutError:
            outlived = math.inf
    try:
        await until_as_before(served, before, LEAVING)
    except AssertionError as left:
        return outlived, str(left)
    return outlived, ""


MEASUREMENTS: dict[str, Callable[[argparse.Namespace], Measured]] = {
    "core": core,
    "histories": histories,
    "disconnects": disconnects,
}


async def run(given: argparse.Namespace) -> tuple[dict[str, Any], list[str]]:
    """All figures, each told when it is there, and the targets that were missed."""
    told, missed = {}, []
    for measurement in given.only or MEASUREMENTS:
        async for name, figures, targets in MEASUREMENTS[measurement](given):
            print(name, json.dumps(figures), flush=True)
            told[name] = {**figures, "targets": targets}
            missed += [f"{name}: {target}" for target, met in targets.items() if not met]
    return told, missed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", action="append", choices=[*MEASUREMENTS])
    parser.add_argument("--histories", type=int, default=200, help="of each kind")
    parser.add_argument("--seed", type=int, default=0, help="of the first history")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    told, missed = asyncio.run(run(given))
    if given.json:
        given.json.write_text(json.dumps(told, indent=2) + "\n")
    print("\n".join(["missed:", *missed]) if missed else "every target was met")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
