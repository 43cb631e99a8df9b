"""What a server's processes hold and have spent, from `/proc`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
_MEBIBYTE: Final = 1024 * 1024
_TRACKER: Final = b"resource_tracker"
"""A process of Python's own beside those of a server."""


@dataclass(frozen=True, slots=True)
class ProcessState:
    """One process now: seconds of processor time since its start, resident memory in MiB."""

    pid: int
    cpu: float
    memory: float
    threads: int
    descriptors: int


def family(pid: int) -> Iterator[ProcessState]:
    """A process, then its descendants, those that are there. Fields as in proc(5)."""
    folder = _PROC / str(pid)
    try:
        fields = (folder / "stat").read_text().rpartition(")")[2].split()
        yield ProcessState(
            pid=pid,
            cpu=(int(fields[11]) + int(fields[12])) / _TICKS,
            memory=int(fields[21]) * _PAGE / _MEBIBYTE,
            threads=int(fields[17]),
            descriptors=len(os.listdir(folder / "fd")),
        )
        children = [
            int(child)
            for task in (folder / "task").iterdir()
            for child in (task / "children").read_text().split()
        ]
        servants = [c for c in children if _TRACKER not in (_PROC / f"{c}/cmdline").read_bytes()]
    except OSError:
        return
    for child in servants:
        yield from family(child)
