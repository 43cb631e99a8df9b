"""How many windows one call may have: fewer once memory ran out, all again after a while. Pure."""

from __future__ import annotations

from typing import Final

from sori_server.domain.limits import Limits
from sori_server.engine.cost import Phase

RECOVERY: Final = 60.0
"""Seconds after which twice as many windows are tried again."""


class Room:
    """The most windows of a call, fewer when some did not fit, doubled in time."""

    def __init__(self, limits: Limits) -> None:
        self._whole = dict.fromkeys(Phase, limits.max_batch)
        self._whole[Phase.DECODE] = limits.max_decode_batch
        self._fitting: int | None = None
        self._grows = 0.0

    def rows(self, phase: Phase) -> int:
        """Windows one call of this phase may have."""
        whole = self._whole[phase]
        return whole if self._fitting is None else min(whole, self._fitting)

    def shrink(self, fitted: int, now: float) -> None:
        """A call ran out of memory; so many windows at a time fitted in the end.

        It goes for all phases: that the other one needs less memory is not known.
        """
        self._fitting = max(fitted if self._fitting is None else min(self._fitting, fitted), 1)
        self._grows = now + RECOVERY

    def recover(self, now: float) -> None:
        """Allow more again, if it is time."""
        if self._fitting is not None and now >= self._grows:
            doubled = 2 * self._fitting
            self._fitting = doubled if doubled < max(self._whole.values()) else None
            self._grows = now + RECOVERY
