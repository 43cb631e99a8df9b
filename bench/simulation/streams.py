"""Conversations in virtual time, served by the real scheduler."""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import count

from sori_server.domain.audio import Span, samples, seconds
from sori_server.domain.limits import Limits
from sori_server.domain.recognition import WindowKind
from sori_server.engine.cost import CallLoad, CostModel, Phase
from sori_server.engine.scheduler.core import Scheduler
from sori_server.engine.scheduler.jobs import Batch, Binding, BoundJob, Job
from sori_server.engine.scheduler.policy import Policy

from simulation.gpu import Gpu, Roofline

STEP = 0.5
"""Seconds of audio between interims, as streams ask for them."""
HANG_OVER, TAIL = 0.5, 0.2
"""Seconds of silence that end an utterance, and after which its final is asked for."""
TOKENS_PER_SECOND = 3.3
SHORTEST, LONGEST = 1.0, 6.0
"""Seconds of an utterance; silence after it is as long."""
WARM_UP = 20.0
"""Seconds whose utterances do not count."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What is simulated."""

    roofline: Roofline
    """What calls take."""
    streams: int
    lanes: int = 2
    policy: Policy = field(default_factory=Policy)
    limits: Limits = field(default_factory=lambda: Limits(max_pending_windows=1_000_000))
    early: bool = True
    believed: Roofline | None = None
    """What the cost model was fitted to, if it is not `roofline`."""
    seconds: float = 60.0
    seed: int = 1


@dataclass(slots=True)
class Outcome:
    """What came of it: seconds from the end of speech to final text, and sizes of calls.

    Of utterances after the `WARM_UP` only, but for the sizes.
    """

    latencies: list[float] = field(default_factory=list)
    rows: dict[Phase, list[int]] = field(default_factory=lambda: {phase: [] for phase in Phase})
    interims: int = 0

    def p95(self) -> float:
        """Of all finals; infinite for none."""
        ordered = sorted(self.latencies)
        return ordered[math.ceil(0.95 * len(ordered)) - 1] if ordered else math.inf


class Simulation:
    """Many streams on one GPU; `run` gives the same outcome every time.

    `scheduler` and `cost` are those that serve.
    """

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._chance = random.Random(setting.seed)  # noqa: S311
        self.cost: CostModel = (setting.believed or setting.roofline).fitted()
        self.scheduler = Scheduler(setting.limits, self.cost, setting.policy)
        self._gpu = Gpu(setting.roofline, self._after)
        self._now = 0.0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._ids = count(1)
        self._free = setting.lanes
        self._answers: dict[int, Callable[[], None]] = {}
        self._interims: dict[int, int] = {}
        self.outcome = Outcome()

    def run(self) -> Outcome:
        """Let everybody talk for `seconds`, and the backlog be worked off."""
        for stream in range(self._setting.streams):
            self._after(self._chance.uniform(0.0, 2 * LONGEST), lambda s=stream: self._speak(s))
        while self._events:
            self._now, _, call = heapq.heappop(self._events)
            call()
            self._dispatch()
        return self.outcome

    def _after(self, wait: float, call: Callable[[], None]) -> None:
        heapq.heappush(self._events, (self._now + wait, next(self._order), call))

    def _speak(self, stream: int) -> None:
        """One utterance, its interims, its final, and the silence after it."""
        if self._now > self._setting.seconds:
            return
        length, start = self._chance.uniform(SHORTEST, LONGEST), self._now
        self._after(STEP, lambda: self._interim(stream, start, length))
        asked = TAIL if self._setting.early else HANG_OVER
        self._after(length + asked, lambda: self._final(stream, start, length))
        self._after(2 * length, lambda: self._speak(stream))

    def _interim(self, stream: int, start: float, length: float) -> None:
        """Ask for an interim, and for the next one once it was answered."""
        if self._now >= start + length:
            return

        def bind() -> Binding | None:
            heard = math.floor(min(self._now - start, length) / STEP) * STEP
            return self._bound(1, heard) if heard else None

        def answered() -> None:
            self.outcome.interims += start > WARM_UP
            grid = start + math.ceil((self._now - start + 1e-9) / STEP) * STEP
            self._after(grid - self._now, lambda: self._interim(stream, start, length))

        self._ask(stream, WindowKind.INTERIM, self._now + STEP, bind, answered)

    def _final(self, stream: int, start: float, length: float) -> None:
        decided = start + length + HANG_OVER
        binding = self._bound(5, length + TAIL)

        def answered() -> None:
            if start > WARM_UP:
                self.outcome.latencies.append(max(self._now, decided) - start - length)

        deadline = decided + self._setting.limits.final_deadline
        self._ask(stream, WindowKind.FINAL, deadline, lambda: binding, answered)

    def _bound(self, beam_size: int, heard: float) -> Binding:
        load = CallLoad(
            frames=self._setting.roofline.frames,
            rows=1,
            steps=self.cost.expected_steps(heard),
            beam_size=beam_size,
            phase=Phase.RECOGNIZE,
        )
        return Binding(beam_size, Span(0, samples(heard)), load)

    def _ask(
        self,
        stream: int,
        kind: WindowKind,
        deadline: float,
        bind: Callable[[], Binding | None],
        answered: Callable[[], None],
    ) -> None:
        job = Job(next(self._ids), stream, kind, deadline, bind)
        if kind is WindowKind.FINAL:
            self._withdraw(stream)
        self._answers[job.job_id] = answered
        self.scheduler.add(job, self._now)
        self._interims[stream] = job.job_id if kind is WindowKind.INTERIM else 0

    def _withdraw(self, stream: int) -> None:
        """Nobody wants an interim of speech that has ended."""
        interim = self._interims.get(stream, 0)
        self._answers.pop(interim, None)
        self.scheduler.cancel(interim)

    def _dispatch(self) -> None:
        while self._free and (batch := self.scheduler.schedule(self._now)) is not None:
            self._free -= 1
            self._call(batch)

    def _call(self, batch: Batch) -> None:
        tokens = max(_tokens(bound) for bound in batch.jobs)
        load = replace(
            batch.jobs[0].binding.load, phase=batch.phase, rows=len(batch.jobs), steps=tokens
        )
        self.outcome.rows[batch.phase].append(len(batch.jobs))

        def done() -> None:
            self._free += 1
            self.cost.correct(load, took)
            self.scheduler.complete(batch.batch_id)
            for bound in batch.jobs if batch.phase is not Phase.ENCODE else ():
                self._answers.pop(bound.job.job_id, lambda: None)()

        took = self._gpu.run(load, self._now, done)


def _tokens(bound: BoundJob) -> int:
    return round(TOKENS_PER_SECOND * seconds(len(bound.span))) + 1
