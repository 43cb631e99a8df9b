"""What servers go through, and what their clients notice of it: words lost, gaps, memory.

    PYTHONPATH=tests python bench/ordeals.py [--json ordeals.json]

A drain under fifty streams, two replacements of a server, kill -9 of the real worker in mid-batch
under twenty streams of `mini`, ten seconds in which the engine stands still, and peers that send a
minute of audio at once, read nothing for two minutes, or went silent. The fake engine, unless it is
said; about five minutes. Exit status 1: a word was lost.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from support import bad_company, ordeals


async def measure() -> AsyncIterator[tuple[str, dict[str, Any], bool]]:
    """The name of each ordeal, its figures, and whether no word was lost."""
    drained = await ordeals.drained(50)
    yield "drained", asdict(drained), not drained.lost_words
    rolled = await ordeals.rolling_restart(50, 8.0, replacements=2, grace=0.5)
    yield "replaced", asdict(rolled), not rolled.wrong
    killed = await ordeals.worker_killed(20)
    yield "worker killed", asdict(killed), not killed.different
    async with bad_company.patient_server() as server:
        stalled = await ordeals.stalled(server, 20, 10.0)
        yield "stalled", asdict(stalled), not stalled.wrong
        fast, wrong = await bad_company.fast_senders(server, 10, 60.0)
        yield "fast senders", {**asdict(fast), "wrong": wrong}, not wrong
        silent = await bad_company.half_open_peers(server, 100, 20.0)
        yield "half-open peers", asdict(silent), True
        slow = await bad_company.slow_readers(server, 10, 120.0)
        yield "slow readers", asdict(slow), True


async def run() -> tuple[dict[str, Any], bool]:
    """All ordeals, each told when it is over."""
    told, well = {}, True
    async for name, figures, right in measure():
        print(name, json.dumps(figures, default=str), flush=True)
        told[name], well = figures, well and right
    return told, well


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    told, well = asyncio.run(run())
    if given.json:
        given.json.write_text(json.dumps(told, indent=2, default=str))
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
