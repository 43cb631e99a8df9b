"""How busy the GPU was, once a second by nvidia-smi."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import mean
from typing import Final

_COLUMNS: Final = {
    "GPU busy, %": "utilization.gpu",
    "GPU power, W": "power.draw",
    "GPU memory, MiB": "memory.used",
}


@contextmanager
def metered() -> Iterator[dict[str, float]]:
    """Means over the block, filled in at its end; empty where there is no GPU."""
    means: dict[str, float] = {}
    query = f"--query-gpu={','.join(_COLUMNS.values())}"
    command = ["nvidia-smi", query, "--format=csv,noheader,nounits", "--loop=1", "--id=0"]
    try:
        meter = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    except OSError:
        yield means
        return
    try:
        yield means
    finally:
        meter.terminate()
        output, _ = meter.communicate()
        means.update(zip(_COLUMNS, _means(output), strict=False))


def _means(output: str) -> list[float]:
    rows = [line.split(",") for line in output.splitlines()]
    numbers = [[float(cell) for cell in row] for row in rows if _numeric(row)]
    return [mean(column) for column in zip(*numbers, strict=True)]


def _numeric(row: list[str]) -> bool:
    return len(row) == len(_COLUMNS) and all(
        cell.strip().replace(".", "", 1).isdecimal() for cell in row
    )
