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
from dataclasses import asdict
from pathlib import Path
from typing import Any

from support import bad_company, ordeals


async def measure() -> tuple[dict[str, Any], bool]:
    """The figures of each ordeal, and whether no word was lost."""
    drained = await ordeals.drained(50)
    rolled = await ordeals.rolling_restart(50, 8.0, replacements=2, grace=0.5)
    killed = await ordeals.worker_killed(20)
    async with bad_company.patient_server() as server:
        stalled = await ordeals.stalled(server, 20, 10.0)
        fast, wrong = await bad_company.fast_senders(server, 10, 60.0)
        slow = await bad_company.slow_readers(server, 10, 120.0)
        silent = await bad_company.half_open_peers(server, 100, 20.0)
    told = {
        "drained": asdict(drained),
        "replaced": asdict(rolled),
        "worker killed": asdict(killed),
        "stalled": asdict(stalled),
        "fast senders": {**asdict(fast), "wrong": wrong},
        "slow readers": asdict(slow),
        "half-open peers": asdict(silent),
    }
    lost = drained.lost_words or rolled.wrong or killed.different or stalled.wrong or wrong
    return told, not lost


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    told, well = asyncio.run(measure())
    text = json.dumps(told, indent=2, default=str)
    print(text)
    if given.json:
        given.json.write_text(text)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
