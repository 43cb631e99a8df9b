"""How many processor cores this process may use."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

CGROUPS: Final = Path("/sys/fs/cgroup")
_QUOTA_V2: Final = "cpu.max"
_QUOTA_V1: Final = "cpu/cpu.cfs_quota_us"
_PERIOD_V1: Final = "cpu/cpu.cfs_period_us"


def usable_cores(cgroups: Path = CGROUPS) -> int:
    """Cores this process is allowed on, fewer where a container's quota is less; at least one.

    Part of a core is none: threads for it would be stopped when the quota is used up.
    """
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    quota = _quota(cgroups)
    return max(min(allowed or 1, int(quota) if quota else allowed or 1), 1)


def _quota(cgroups: Path) -> float | None:
    """Cores a container may keep busy, as its root of the control groups says; None for all."""
    told = _read(cgroups / _QUOTA_V2) or _read(cgroups / _QUOTA_V1) + _read(cgroups / _PERIOD_V1)
    try:
        quota, period = map(int, told)
    except ValueError:  # nothing told, or "max"
        return None
    return quota / period if quota > 0 and period > 0 else None


def _read(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except OSError:
        return []
