"""How often streams get interims: rarer while windows wait for the model. Pure."""

from __future__ import annotations

import math
from collections import deque
from typing import Final

from sori_server.domain.recognition import WindowKind

INTERVALS: Final = (0.0, 1.0, 2.0, math.inf)
"""Least seconds between two interims of a stream, by level: as asked for, up to none."""
TOLERATED: Final = 0.5
"""Share of the time until its text is due that a window may wait before it is dispatched; with
longer waits there are too many interims."""
EASY: Final = 0.25
"""Share of that below which there may be more."""
LAG: Final = 0.05
"""Seconds by which the event loop may be late on average before there are too many interims."""
RISE: Final = 1.0
"""Seconds between two steps towards fewer interims: those under way have to end first."""
FALL: Final = 5.0
"""Seconds without a wait that is not easy before a step towards more."""
MEMORY: Final = 10.0
"""Seconds for which the wait of a final is remembered."""
_MOST_REMEMBERED: Final = 256
_SHORTEST: Final = 0.05
"""Seconds of waiting that are tolerated whatever is due when."""
_SMOOTHING: Final = 0.2


class InterimPace:
    """Steps through `INTERVALS` by how long windows waited for the model.

    Up at once when they, or their answers, wait too long on average, down step by step when
    they have not for a while: additive ease, multiplicative relief, as in congestion control
    (Chiu and Jain, 1989). An idle model counts as one nobody waits for, as without interims
    there may be nothing to observe.
    """

    def __init__(self, final_deadline: float, *, adaptive: bool = True) -> None:
        """Finals are due `final_deadline` after the end of their utterance was decided."""
        self._final_deadline = final_deadline
        self._top = len(INTERVALS) - 1 if adaptive else 0
        self._level = 0
        self._waiting = self._lagging = 0.0
        self._changed = -math.inf
        self._eased = -math.inf
        self._hard = -math.inf
        self._waits: deque[tuple[float, float]] = deque(maxlen=_MOST_REMEMBERED)

    @property
    def interval(self) -> float:
        """Least seconds between two interims of a stream now."""
        return INTERVALS[self._level]

    @property
    def eased(self) -> float:
        """When the interval became shorter the last time."""
        return self._eased

    def observe(self, kind: WindowKind, wait: float, due: float, now: float) -> None:
        """Take note that a window waited for `wait` seconds until it was dispatched at `now`.

        Its text is due `due` seconds after it began to wait.
        """
        if kind is WindowKind.FINAL:
            ahead = max(due - self._final_deadline, 0.0)
            self._waits.append((now, max(wait - ahead, 0.0)))
        pressure = wait / max(TOLERATED * due, _SHORTEST)
        self._waiting += _SMOOTHING * (pressure - self._waiting)
        self._feel(pressure, self._waiting, now)

    def lag(self, seconds: float, now: float) -> None:
        """Take note that the event loop came so late to what was ready: interims burden it, too."""
        pressure = seconds / LAG
        self._lagging += _SMOOTHING * (pressure - self._lagging)
        self._feel(pressure, self._lagging, now)

    def _feel(self, pressure: float, mean: float, now: float) -> None:
        """Each kind has a mean of its own: there are more windows than calls."""
        if pressure > EASY:
            self._hard = now
        if mean > 1.0 and now - self._changed >= RISE and self._level < self._top:
            self._step(+1, now)
        else:
            self.rest(now)

    def rest(self, now: float) -> None:
        """Take note that nothing that may be dispatched waits, or not for long."""
        if now - max(self._hard, self._changed) >= FALL and self._level > 0:
            self._eased = now
            self._step(-1, now)

    def final_wait(self, now: float) -> float:
        """The wait that 19 of 20 finals of the last `MEMORY` seconds did not exceed; 0 for none.

        It counts from when the end of their utterance was decided, not from when they were
        asked for ahead of that.
        """
        recent = sorted(wait for at, wait in self._waits if now - at <= MEMORY)
        return recent[math.ceil(0.95 * len(recent)) - 1] if recent else 0.0

    def _step(self, by: int, now: float) -> None:
        self._level += by
        self._changed = now
        self._waiting = self._lagging = 0.0
