"""The most conversational streams that Sori's server holds on a model of random weights."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path
from typing import Final

from sori_server.benchmark.capacity import Bracket, bracket, next_streams
from sori_server.benchmark.figures import Judged
from sori_server.benchmark.trials import verdicts
from sori_server.domain.errors import SoriError

from gpubench.children import ChildFailed, messages
from gpubench.loaded import Device
from gpubench.plan import Search
from gpubench.report import Report, Table
from gpubench.trial import DEADLINE, Served, attempt

OVERHEAD: Final = 10.0
"""Seconds that generators take to start and servers to say their last, beyond the pace."""


def measure(search: Search, folder: Path, device: Device, report: Report, deadline: float) -> None:
    """Try numbers of streams until the search closes or `deadline` (monotonic) is near."""
    hoped = f"at least {search.goal} streams" if search.goal else "nothing was said"
    table = report.table(f"Capacity at {DEADLINE:g} s, {search.title}", hoped)
    table.ended = "not begun"
    try:
        _search(search, folder, device, report, table, deadline)
    except (ChildFailed, SoriError) as error:
        table.ended = str(error)
    report.save()


def _search(
    search: Search, folder: Path, device: Device, report: Report, table: Table, deadline: float
) -> None:
    windows = "on" if search.short_windows else "off"
    arguments = [str(folder), "--device", device.kind, "--short-windows", windows]
    limit = max(deadline - time.monotonic(), 0.0)
    with closing(messages("gpubench.forced_server", arguments, limit)) as server:
        served = Served(**next(server))
        runs: list[Judged] = []
        while streams := next_streams(verdicts(runs, DEADLINE, 1), search.first, search.most):
            if time.monotonic() + search.pace.seconds + OVERHEAD > deadline:
                table.ended = "out of time"
                return
            judged, row = attempt(served, streams, search.pace)
            runs.append(judged)
            table.rows.append(row)
            table.found = _told(bracket(verdicts(runs, DEADLINE, 1)))
            table.ended = "under way"
            report.save()
    table.ended = ""


def _told(known: Bracket) -> str:
    served = f"{known.low} streams served" if known.low else "no number served"
    return served if known.high is None else f"{served}, {known.high} not shown to be"
