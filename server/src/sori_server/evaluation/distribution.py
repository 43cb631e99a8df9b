"""Percentiles of times."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Distribution:
    """Percentiles of `count` values; None where there are none."""

    count: int
    p50: float | None
    p90: float | None
    p95: float | None
    p99: float | None

    @classmethod
    def of(cls, values: Sequence[float]) -> Distribution:
        """The percentiles of `values`."""
        return cls(len(values), *(percentile(values, share) for share in (50, 90, 95, 99)))


def percentile(values: Sequence[float], share: float) -> float | None:
    """The least of `values` that at least `share` per cent of them do not exceed.

    Nearest rank: a value that was measured, never one in between. None of no values.
    """
    if not values:
        return None
    rank = max(math.ceil(share / 100 * len(values)), 1)
    return sorted(values)[rank - 1]
