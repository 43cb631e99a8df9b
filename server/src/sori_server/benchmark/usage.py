"""Processor time and memory of a server's processes, from `/proc` each second."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PROC: Final = Path("/proc")
INTERVAL: Final = 1.0
MEBIBYTE: Final = 1024 * 1024
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
_HELPER: Final = b"resource_tracker"
"""A process of Python's own beside those of a server."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One process in one second: processor cores it kept busy, resident memory in MiB."""

    at: float
    process: str
    cores: float
    memory: float


class UsageWatch:
    """Collects samples of a process and all its descendants, where there is a `/proc`.

    The process itself is called `gateway`, the others `worker` with a number from the second
    one on.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._names: dict[int, str] = {pid: "gateway"}
        self._seen: dict[int, tuple[float, float]] = {}
        self._samples: list[tuple[float, str, float, float]] = []

    async def watch(self) -> None:
        """Look once a second, without end."""
        due = time.monotonic()
        while True:
            self.look()
            due += INTERVAL
            await asyncio.sleep(max(due - time.monotonic(), 0.0))

    def look(self) -> None:
        """Take one sample of each process, from its second look on."""
        for pid in _family(self._pid):
            now, spent = time.monotonic(), _cpu_seconds(pid)
            if spent is None:
                continue
            if pid in self._seen:
                before, spent_before = self._seen[pid]
                cores = (spent - spent_before) / max(now - before, 1e-3)
                self._samples.append((now, self._name(pid), cores, _memory(pid)))
            self._seen[pid] = (now, spent)

    def samples(self, zero: float) -> tuple[Sample, ...]:
        """All samples since `zero`, a moment of the monotonic clock; times count from it."""
        return tuple(
            Sample(at - zero, process, cores, memory)
            for at, process, cores, memory in self._samples
            if at >= zero
        )

    def _name(self, pid: int) -> str:
        number = len(self._names)
        return self._names.setdefault(pid, "worker" if number == 1 else f"worker {number}")


def _family(pid: int) -> Iterator[int]:
    """A process and its descendants."""
    yield pid
    try:
        tasks = list((PROC / str(pid) / "task").iterdir())
        children = [int(c) for task in tasks for c in (task / "children").read_text().split()]
    except OSError:
        return
    for child in children:
        if _HELPER not in _command(child):
            yield from _family(child)


def _command(pid: int) -> bytes:
    try:
        return (PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return _HELPER


def _cpu_seconds(pid: int) -> float | None:
    """Processor time since its start; None if it is gone. Fields as in proc(5)."""
    try:
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _memory(pid: int) -> float:
    try:
        pages = int((PROC / str(pid) / "statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * _PAGE / MEBIBYTE
