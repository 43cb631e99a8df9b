"""The micro-benchmarks of one model, point by point into a report."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from gpubench.children import ChildFailed, Message, messages
from gpubench.geometry import Geometry
from gpubench.loaded import Device
from gpubench.micro import MICRO
from gpubench.report import Report, Table

SHARE: Final = 3.0
"""One benchmark may take so many times its equal share of the time: most take little."""


def measure(
    geometry: Geometry, folder: Path, device: Device, scale: str, report: Report, limit: float
) -> None:
    """Run all that `limit` seconds leave time for; a benchmark that kills its process is left."""
    tables = [
        report.table(f"{number}. {micro.name}, {geometry.name}", micro.expected)
        for number, micro in enumerate(MICRO, start=1)
    ]
    for table in tables:
        table.ended = "not begun"
    deadline, done = time.monotonic() + limit, 0
    arguments = [geometry.name, str(folder), "--scale", scale]
    arguments += ["--device", device.kind, "--compute-type", device.compute_type]
    arguments += ["--seconds-each", str(SHARE * limit / len(MICRO))]
    while done < len(MICRO) and (left := deadline - time.monotonic()) > 0:
        try:
            for message in messages(
                "gpubench.micro_child", [*arguments, "--skip", str(done)], left
            ):
                done = message["number"] + ("ended" in message)
                _record(tables[message["number"]], message)
                report.save()
            done = len(MICRO)
        except ChildFailed as failure:
            tables[min(done, len(MICRO) - 1)].ended = str(failure)
            done += 1
    report.save()


def _record(table: Table, message: Message) -> None:
    if "ended" in message:
        table.ended = message["ended"]
        return
    point = message["point"]
    note = {"note": point["note"]} if point["note"] else {}
    table.ended = "under way"
    table.rows.append({"setting": point["setting"], **point["figures"], **note})
