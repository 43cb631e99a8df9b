"""A service in virtual time: streams that speak, finals that wait for lanes, an admission.

Nothing of it is the real engine: it is the queue that admission predicts, so that what it
admits can be compared with what would have fitted.
"""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from random import Random

from sori_server.domain.errors import CapacityExhausted
from sori_server.engine.port import EngineLoad
from sori_server.runtime.admission import Admission, Reading

_WAITS_REMEMBERED = 10.0
_READING_INTERVAL = 5.0


@dataclass(frozen=True)
class Traffic:
    """Streams that come, talk and go; all times are means, in seconds."""

    arrivals: float
    """Streams in a second."""
    duration: float = 90.0
    pause: float = 6.0
    """From one end of an utterance to the next."""
    cost: float = 0.1
    """Of a final."""
    lanes: int = 2
    interims: bool = True
    """Whether calls of interims, as long as a final's, fill every lane that is free."""


@dataclass
class SimulatedService:
    """Runs `Traffic` against an `Admission`; `most` admits so many streams and asks nobody."""

    traffic: Traffic
    admission: Admission
    seed: int = 1
    most: int | None = None
    delays: list[tuple[float, float]] = field(default_factory=list)
    """When each final came, and how long after its utterance."""
    open: list[tuple[float, int]] = field(default_factory=list)
    """When the number of streams changed, and to what."""
    refusals: int = 0

    def __post_init__(self) -> None:
        self._chance = Random(self.seed)  # noqa: S311
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._now = 0.0
        self._free = [0.0] * self.traffic.lanes
        self._busy = 0.0
        self._waits: deque[tuple[float, float]] = deque()
        self._streams = 0

    def run(self, seconds: float) -> SimulatedService:
        """Let the time pass."""
        self._after(0.0, self._arrive)
        self._after(_READING_INTERVAL, self._read)
        while self._agenda and self._agenda[0][0] <= seconds:
            self._now, _, event = heapq.heappop(self._agenda)
            event()
        return self

    def come(self) -> bool:
        """One stream comes; whether it is let in."""
        try:
            if self.most is None:
                self.admission.check(self.reading())
            elif self._streams >= self.most:
                raise CapacityExhausted("full")
        except CapacityExhausted:
            self.refusals += 1
            return False
        self._change(1)
        leaves = self._now + self._chance.expovariate(1 / self.traffic.duration)
        self._after(leaves - self._now, self._leave)
        self._after(self._pause(), lambda: self._utter(leaves))
        return True

    def reading(self) -> Reading:
        traffic = self.traffic
        while self._waits and self._waits[0][0] < self._now - _WAITS_REMEMBERED:
            self._waits.popleft()
        waits = sorted(wait for _, wait in self._waits)
        late = waits[math.ceil(0.95 * len(waits)) - 1] if waits else 0.0
        load = EngineLoad(
            lanes=traffic.lanes,
            finals_busy=self._busy,
            final_cost=traffic.cost,
            final_wait=late,
        )
        return Reading(self._now, self._streams, load, 0.0)

    def late(self, since: float) -> float:
        """The delay that 5 % of finals after `since` exceeded."""
        delays = sorted(delay for at, delay in self.delays if at >= since)
        return delays[round(0.95 * len(delays))]

    def mean_streams(self, since: float) -> float:
        """Streams open on average."""
        changes = [(max(at, since), streams) for at, streams in self.open]
        ends = [*(at for at, _ in changes[1:]), max(self._now, since)]
        area = sum(n * (end - at) for (at, n), end in zip(changes, ends, strict=True))
        return area / (self._now - since)

    def _arrive(self) -> None:
        self._after(self._chance.expovariate(self.traffic.arrivals), self._arrive)
        self.come()

    def _leave(self) -> None:
        self.admission.observe(self.reading())
        self._change(-1)

    def _read(self) -> None:
        self.admission.observe(self.reading())
        self._after(_READING_INTERVAL, self._read)

    def _utter(self, leaves: float) -> None:
        """An utterance ends: its final takes the lane that is free first."""
        if self._now >= leaves:
            return
        cost = self.traffic.cost * self._chance.uniform(0.5, 1.5)
        start, lane = min((self._next_start(free), lane) for lane, free in enumerate(self._free))
        self._free[lane] = start + cost
        wait, ended = start - self._now, start + cost
        self._after(ended - self._now, lambda: self._complete(wait, cost))
        self.delays.append((ended, ended - self._now))
        self._after(self._pause(), lambda: self._utter(leaves))

    def _next_start(self, free: float) -> float:
        """When a lane that finals left at `free` can take one."""
        if free >= self._now or not self.traffic.interims:
            return max(free, self._now)
        interim = self.traffic.cost
        return free + math.ceil((self._now - free) / interim) * interim

    def _complete(self, wait: float, cost: float) -> None:
        self._busy += cost
        self._waits.append((self._now, wait))

    def _pause(self) -> float:
        return self._chance.expovariate(1 / self.traffic.pause)

    def _change(self, by: int) -> None:
        self._streams += by
        self.open.append((self._now, self._streams))

    def _after(self, seconds: float, event: Callable[[], None]) -> None:
        heapq.heappush(self._agenda, (self._now + seconds, next(self._order), event))
