"""Whether windows are encoded and decoded in one call or in several, and how many in each.

Encoding costs nearly the same for each window, decoding a step costs nearly the same for one
window and for thirty: on a GPU it pays to encode few at a time, so that nothing urgent waits
long, and to decode many. Where the cost model sees no such gain, one call does both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from sori_server.domain.limits import Limits
from sori_server.engine.cost import CallLoad, CostModel, Phase
from sori_server.engine.scheduler.jobs import BoundJob
from sori_server.engine.scheduler.room import Room

GAIN: Final = 0.1
"""Share of the time that separate phases have to save: each is one more way to the worker."""

COMPANY: Final = 1.25
"""Times that a call may take what its first window takes alone, however long that is."""

Choice = tuple[Phase, tuple[BoundJob, ...]]


class Phases:
    """Chooses the phase and the size of the next call."""

    def __init__(self, limits: Limits, cost: CostModel, *, split: bool = True) -> None:
        self._limits = limits
        self.room = Room(limits)
        self._cost = cost
        self._split = split

    def choose(self, ready: Sequence[BoundJob], encoded: Sequence[BoundJob], now: float) -> Choice:
        """The next call for jobs of one key that are `ready` or, perhaps of another, `encoded`.

        Both are in order of deadline. No jobs are chosen when there are none.
        """
        self.room.recover(now)
        if encoded:
            return self._decode_or_wait(ready, encoded, now)
        phase, together = self.at_once(ready, ())
        if self._split and len(ready) > len(together):
            load = ready[0].binding.load
            if self._pays(load, len(together), len(ready)):
                return Phase.ENCODE, tuple(ready[: self._rows(load, Phase.ENCODE, len(ready))])
        return phase, together

    def at_once(self, ready: Sequence[BoundJob], encoded: Sequence[BoundJob]) -> Choice:
        """The next call if it has to give text: what is encoded is decoded, else it does both."""
        phase, jobs = (Phase.DECODE, encoded) if encoded else (Phase.RECOGNIZE, ready)
        rows = self._rows(jobs[0].binding.load, phase, len(jobs)) if jobs else 0
        return phase, tuple(jobs[:rows])

    def _decode_or_wait(
        self, ready: Sequence[BoundJob], encoded: Sequence[BoundJob], now: float
    ) -> Choice:
        """Decode what is encoded, or encode more of it first while nobody is late for that."""
        load = encoded[0].binding.load
        wide = self._rows(load, Phase.DECODE, len(encoded) + len(ready))
        decode = Phase.DECODE, tuple(encoded[:wide])
        if not ready or ready[0].binding.key != encoded[0].binding.key:
            return decode
        more = min(self._rows(load, Phase.ENCODE, len(ready)), wide - len(encoded))
        if more <= 0:
            return decode
        decoded = now + self._seconds(load, Phase.DECODE, len(encoded) + more)
        deadline = min(bound.job.deadline for bound in encoded)
        if decoded <= deadline < decoded + self._seconds(load, Phase.ENCODE, more):
            return decode
        return Phase.ENCODE, tuple(ready[:more])

    def _pays(self, load: CallLoad, whole: int, ready: int) -> bool:
        """Whether separate phases are predicted to cost less per window."""
        few = self._rows(load, Phase.ENCODE, ready)
        many = self._rows(load, Phase.DECODE, ready)
        apart = (
            self._seconds(load, Phase.ENCODE, few) / few
            + self._seconds(load, Phase.DECODE, many) / many
        )
        together = self._seconds(load, Phase.RECOGNIZE, whole) / whole
        return apart < (1.0 - GAIN) * together

    def _rows(self, load: CallLoad, phase: Phase, wanted: int) -> int:
        """How many of `wanted` windows one call of this phase takes."""
        rows = max(min(wanted, self.room.rows(phase)), 1)
        alone = self._seconds(load, phase, 1)
        longest = max(self._limits.max_call_time, COMPANY * alone)
        if rows == 1 or self._seconds(load, phase, rows) <= longest:
            return rows
        return min(rows, self._cost.most_rows(replace(load, phase=phase), longest))

    def _seconds(self, load: CallLoad, phase: Phase, rows: int) -> float:
        return self._cost.predict(replace(load, phase=phase, rows=rows))
