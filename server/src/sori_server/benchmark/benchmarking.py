"""A benchmark from its order to its report: one number of streams, or the search for the most."""

from __future__ import annotations

import platform
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from sori_server.benchmark.blocks import Piece
from sori_server.benchmark.capacity import next_streams
from sori_server.benchmark.figures import SCHEMA, Judged, Report, RunFigures, Setup
from sori_server.benchmark.loading import Load, Told, run_load
from sori_server.benchmark.records import Pulse
from sori_server.benchmark.scripts import StreamPlan
from sori_server.benchmark.server_child import bench_server
from sori_server.benchmark.sori_target import SoriTarget
from sori_server.benchmark.summing import Rates, error_rates, figures
from sori_server.benchmark.target import Target
from sori_server.benchmark.trials import capacity, judged, verdicts
from sori_server.benchmark.workloads import Cast, Workload, cast_of
from sori_server.engine.cores import usable_cores


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to run. Times are seconds."""

    target: Target | None = None
    """None: a server of its own, started with `server`."""
    server: Mapping[str, str]
    """Settings of that server by name."""
    pid: int | None = None
    """Process of the target, to see what it uses."""
    workload: Workload
    recordings: str
    """What they are called in the report."""
    streams: int
    """How many; with `search` how many to begin with."""
    search: bool
    most: int
    """The search tries no more streams than this."""
    rehearse: bool
    """Measure WER with few streams first."""
    deadlines: tuple[float, ...]
    duration: float
    warm_up: float
    repeats: int
    processes: int
    seed: int


class Audience(Protocol):
    """Who is told how a benchmark goes."""

    def started(self, setup: Setup) -> None:
        """The server is there."""

    def running(self, what: str, load: Load) -> None:
        """A run begins."""

    def pulse(self, process: int, pulse: Pulse) -> None:
        """A second of it has passed in one process."""

    def ran(self, what: str, run: RunFigures, judged: Judged | None) -> None:
        """It is over."""


async def benchmark(order: Order, pieces: Sequence[Piece], audience: Audience) -> Report:
    """Run everything that was ordered.

    Raises:
        EngineUnavailable: the server did not start, or a process of the generator failed.
    """
    async with _subject(order) as (target, pid, described):
        setup = _setup(order, target, described)
        audience.started(setup)
        cast = cast_of(pieces, order.workload, order.seed)
        bench = Benchmark(order, cast, target, pid, audience)
        if order.rehearse:
            await bench.rehearse()
        if order.search:
            for deadline in order.deadlines:
                await bench.search(deadline)
        else:
            for _ in range(order.repeats):
                await bench.run(order.streams)
    return bench.report(setup)


class Benchmark:
    """The runs against one server."""

    def __init__(
        self, order: Order, cast: Cast, target: Target, pid: int | None, audience: Audience
    ) -> None:
        self._order = order
        self._cast = cast
        self._target = target
        self._pid = pid
        self._audience = audience
        self._runs: list[Judged] = []
        self._rehearsal: RunFigures | None = None
        self._rates: Rates | None = None

    async def rehearse(self) -> None:
        """Say everything once with few streams, for what is heard to be compared with."""
        what, plans = "rehearsal", self._cast.rehearsal()
        longest = max(plan.script.duration for plan in plans)
        load = self._load(plans, 0.0, longest)
        self._audience.running(what, load)
        run = await run_load(self._target, load, self._pid, self._told)
        self._rates = error_rates(run)
        self._rehearsal = figures(run, None)
        self._audience.ran(what, self._rehearsal, None)

    async def run(self, streams: int) -> None:
        """One run."""
        order, what = self._order, f"{streams} streams"
        plans = self._cast.plans(streams, order.warm_up / 2)
        load = self._load(plans, order.warm_up, order.duration)
        self._audience.running(what, load)
        found = figures(await run_load(self._target, load, self._pid, self._told), self._rates)
        self._runs.append(judged(found, order.deadlines))
        self._audience.ran(what, found, self._runs[-1])

    async def search(self, deadline: float) -> None:
        """Run until it is known how many streams are served within `deadline`."""
        order = self._order
        while True:
            known = verdicts(self._runs, deadline, order.repeats)
            streams = next_streams(known, order.streams, order.most)
            if streams is None:
                return
            await self.run(streams)

    def report(self, setup: Setup) -> Report:
        """What was found."""
        order, runs = self._order, tuple(self._runs)
        return Report(
            schema=SCHEMA,
            setup=setup,
            rehearsal=self._rehearsal,
            runs=runs,
            capacities=tuple(capacity(runs, d, order.repeats) for d in order.deadlines)
            if order.search
            else (),
        )

    @property
    def _told(self) -> Told:
        return self._audience.pulse

    def _load(self, plans: tuple[StreamPlan, ...], warm_up: float, duration: float) -> Load:
        return Load(
            plans=plans,
            warm_up=warm_up,
            duration=duration,
            processes=self._order.processes,
            by_final=self._order.workload is Workload.CONTINUOUS,
        )


@asynccontextmanager
async def _subject(order: Order) -> AsyncIterator[tuple[Target, int | None, str]]:
    """Target, process and description of what is measured."""
    if order.target is not None:
        yield order.target, order.pid, ""
        return
    async with bench_server(order.server, admission=not order.search) as server:
        yield SoriTarget(server.address), server.pid, server.described


def _setup(order: Order, target: Target, described: str) -> Setup:
    return Setup(
        target=target.url,
        server=described,
        machine=f"{platform.machine()}, {usable_cores()} cores, {platform.system()}",
        workload=order.workload.value,
        recordings=order.recordings,
        duration=order.duration,
        warm_up=order.warm_up,
        seed=order.seed,
        processes=order.processes,
    )
