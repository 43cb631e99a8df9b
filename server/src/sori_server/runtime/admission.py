"""Whether one more stream may come, by how late finals would be then. Pure: the time is told.

* What one stream needs is measured: busy seconds of finals, and processor seconds of the
  event loop, per second of an open stream, both forgetting within some
  `_MEMORY` seconds. Interims are left out, they thin out before finals suffer.
* Batch streams do not count: they take what live streams leave. What the gateway does for them
  cannot be told from the rest, but is as much for a second of audio: its work is taken by the
  second of all audio where that is more than the open time of live streams.
* A new stream has shown nothing yet. It counts as something between what others show and
  speech without a pause, nearer to the latter the more are new and the less was seen of the
  others: of a hundred streams that come at once to an idle server, those are refused that
  would be too many if all of them spoke. A stream is new for some `_NEWNESS` seconds.
* Finals wait as in a queue with c lanes, Poisson arrivals and costs of some variance: those
  that wait do so exponentially (Kingman, 1962), with the mean of Allen and Cunneen,
  S (1 + v) / (2 c (1 - u)), where S is the cost of a final, v its squared coefficient of
  variation and u the utilisation. With C, Erlang's probability to wait at all, 5 % wait longer
  than ln(20 C) times that. The event loop is such a queue with one lane. Both, what is left
  of an interim's call on the lane that is free first, and the final's own cost add up to its
  delay. It is never put below what finals wait now.
* What a busy gateway has not read yet waits where nobody can see it. Its threads take turns
  on one core, so its processor time for all streams stays below `max_gateway_load`.
* A model that takes more than a third of `max_final_delay` for one final could keep that
  promise to hardly anyone: then the limit is three times its cost.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from sori_server.domain.errors import CapacityExhausted
from sori_server.domain.limits import Limits
from sori_server.engine.port import EngineLoad

_MEMORY: Final = 40.0
"""Seconds after which what was measured counts 1/e."""
_NEWNESS: Final = 15.0
"""Seconds after which a stream counts 1/e as new."""
_DOUBT: Final = 30.0
"""Stream-seconds of continuous speech that are mixed, for each new stream, into what was seen."""
_SPEECH_PER_FINAL: Final = 3.0
"""Seconds of continuous speech in one final."""
_LOOP_SHARE: Final = 0.003
"""Share of the event loop's core that a new stream counts as."""
_GATEWAY_SHARE: Final = 0.008
"""Share of the gateway's core that a new stream counts as."""
_LOOP_TURN: Final = 0.005
"""Seconds the event loop works at one go when it is busy."""
_LATE: Final = 0.05
"""Share of finals that may come later than predicted."""
_VARIATION: Final = 0.5
"""Squared coefficient of variation of what finals cost: utterances differ in length."""
_OWN_COSTS: Final = 3.0


@dataclass(frozen=True, slots=True)
class Reading:
    """What is measured at a time; `streams` are the live ones.

    Processor time of the event loop and of its process, and seconds of audio received, all of
    them sums since the start.
    """

    now: float
    streams: int
    engine: EngineLoad
    loop_busy: float
    gateway_busy: float = 0.0
    audio: float = 0.0


class Admission:
    """Measures what streams need, and refuses those that would make finals late.

    It wants a reading just before each change of the number of streams, and some in between
    if there is none for long: a change of load is seen no sooner than by the next reading.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._last: Reading | None = None
        self._stream_seconds = 0.0
        self._finals_busy = 0.0
        self._loop_busy = 0.0
        self._gateway_busy = 0.0
        self._audio = 0.0
        self._new_streams = 0.0
        self._departures = 0.0
        self._wait = 0.0

    def observe(self, reading: Reading) -> None:
        """Take in what happened since the last reading; all its time had `reading.streams`."""
        last, self._last = self._last or reading, reading
        passed, came = reading.now - last.now, reading.streams - last.streams
        kept, kept_new = math.exp(-passed / _MEMORY), math.exp(-passed / _NEWNESS)
        # Of a long time the end counts; an idle server's work is no stream's.
        weight = _MEMORY * (1 - kept) / passed if passed and reading.streams else 0.0
        finals = max(reading.engine.finals_busy - last.engine.finals_busy, 0.0)
        loop = reading.loop_busy - last.loop_busy
        gateway = reading.gateway_busy - last.gateway_busy
        self._stream_seconds = kept * self._stream_seconds + weight * reading.streams * passed
        self._finals_busy = kept * self._finals_busy + weight * finals
        self._loop_busy = kept * self._loop_busy + weight * loop
        self._gateway_busy = kept * self._gateway_busy + weight * gateway
        self._audio = kept * self._audio + weight * max(reading.audio - last.audio, 0.0)
        self._new_streams = min(self._new_streams + max(came, 0), reading.streams) * kept_new
        self._departures = (self._departures + max(-came, 0)) * kept
        # Without new finals nothing was measured: what is known of the wait gets old.
        self._wait = reading.engine.final_wait if finals else kept_new * self._wait

    def check(self, reading: Reading) -> None:
        """Let one more stream in, or refuse it. An idle server refuses nobody.

        Raises:
            CapacityExhausted: all streams are taken, or finals would be late; `retry_after`
                is when a stream may have left, or new ones have shown what they need.
        """
        self.observe(reading)
        most, streams = self._limits.max_streams, reading.streams
        if streams >= most:
            raise CapacityExhausted(
                f"all {most} streams are taken",
                metadata={"active_streams": str(streams), "max_streams": str(most)},
                retry_after=self._limits.retry_delay,
            )
        delay = self._predicted_delay(reading)
        cost = reading.engine.final_cost
        allowed = max(self._limits.max_final_delay, _OWN_COSTS * cost)
        if streams and delay > allowed:
            raise CapacityExhausted(
                f"final results of {streams + 1} streams would come after {delay:.2f} s",
                metadata={
                    "active_streams": str(streams),
                    "predicted_delay": f"{delay:.3f}",
                    "max_final_delay": f"{allowed:.3f}",
                },
                retry_after=self._retry_after(),
            )
        load = self._load(streams, self._gateway_busy, _GATEWAY_SHARE, self._heard)
        if streams and load > self._limits.max_gateway_load:
            raise CapacityExhausted(
                f"{streams + 1} streams would need {load:.0%} of the gateway's core",
                metadata={
                    "active_streams": str(streams),
                    "predicted_gateway_load": f"{load:.3f}",
                    "max_gateway_load": f"{self._limits.max_gateway_load:.3f}",
                },
                retry_after=self._retry_after(),
            )

    def _predicted_delay(self, reading: Reading) -> float:
        """Seconds from endpoint to final that `_LATE` of finals exceed with one more stream.

        Infinite when there would be more work than the machine can do.
        """
        lanes, cost = reading.engine.lanes, reading.engine.final_cost
        streams, seen = reading.streams, self._stream_seconds
        finals = self._load(streams, self._finals_busy, cost / _SPEECH_PER_FINAL, seen)
        loop = self._load(streams, self._loop_busy, _LOOP_SHARE, self._heard)
        interim = cost / lanes if math.isfinite(reading.engine.interim_interval) else 0.0
        wait = max(late_wait(finals, lanes, cost) + interim, self._wait)
        return wait + late_wait(loop, 1, _LOOP_TURN) + cost

    @property
    def _heard(self) -> float:
        """Stream-seconds the gateway worked for; a recording costs no less for coming faster."""
        return max(self._stream_seconds, self._audio)

    def _load(self, streams: int, busy: float, continuous: float, seen: float) -> float:
        """Busy seconds per second with one more stream; `continuous` is that of a new one.

        `busy` was needed for `seen` seconds of streams.
        """
        new = self._new_streams + 1
        shown = (_DOUBT * continuous + busy) / (_DOUBT + seen)
        feared, doubt = max(continuous, shown), _DOUBT * new
        expected = (doubt * feared + seen * shown) / (doubt + seen)
        return new * expected + (streams + 1 - new) * shown

    def _retry_after(self) -> float:
        """Until a stream leaves, at the pace they have left lately; not beyond `_NEWNESS`."""
        pace = self._departures / _MEMORY
        return max(self._limits.retry_delay, 1 / max(pace, 1 / _NEWNESS))


def late_wait(load: float, lanes: int, cost: float) -> float:
    """Seconds that `_LATE` of calls wait longer than, infinite from full load on.

    `load` is busy seconds per second, of all `lanes`; `cost` is the mean of a call in seconds.
    """
    if load >= lanes:
        return math.inf
    late = waiting_share(load, lanes) / _LATE
    mean = cost * (1 + _VARIATION) / 2 / (lanes - load)
    return mean * math.log(late) if late > 1 else 0.0


def waiting_share(load: float, lanes: int) -> float:
    """Erlang's C: the share of calls that find all lanes busy; `load` is below `lanes`."""
    blocked = 1.0
    for lane in range(1, lanes + 1):
        blocked = load * blocked / (lane + load * blocked)
    return lanes * blocked / (lanes - load * (1 - blocked))
