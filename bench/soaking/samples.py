"""What is looked at again and again while a server runs for long."""

from __future__ import annotations

from dataclasses import dataclass

import checkout  # noqa: F401 - puts `tests` on the path
from baseline.processes import ProcessState
from support.server_process import Census

LIFETIME = (30.0, 120.0)
"""Seconds a stream lives."""
SAMPLE_EVERY = 5.0


@dataclass(frozen=True, slots=True)
class Sample:
    """Gateway and worker, `at` seconds after the start, and what the gateway counts itself."""

    at: float
    processes: tuple[ProcessState, ...]
    census: Census | None = None
