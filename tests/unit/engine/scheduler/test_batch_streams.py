"""Windows nobody waits for: behind those of people, in calls of their own, and not forever."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sori_server.domain.audio import Span
from sori_server.domain.config import Priority
from sori_server.domain.errors import CapacityExhausted
from sori_server.domain.limits import Limits
from sori_server.domain.recognition import WindowKind
from sori_server.engine.scheduler.core import Scheduler
from sori_server.engine.scheduler.jobs import Batch, Binding, Job
from sori_server.engine.scheduler.pace import FALL, MEMORY
from sori_server.engine.scheduler.policy import Order, Policy

pytestmark = pytest.mark.unit

FINAL, INTERIM = WindowKind.FINAL, WindowKind.INTERIM
LIVE, BATCH = Priority.LIVE, Priority.BATCH
PATIENCE = 5.0


def job(job_id: int, priority: Priority, kind: WindowKind = FINAL, at: float = 0.0) -> Job:
    binding = Binding("key", Span(0, 16_000))
    return Job(job_id, job_id, kind, at + 0.35, lambda: binding, priority)


def scheduler(
    max_batch: int = 8, patience: float = PATIENCE, policy: Policy | None = None
) -> Scheduler:
    limits = Limits(
        max_batch=max_batch, max_call_time=1e9, batch_patience=patience, max_pending_windows=1000
    )
    return Scheduler(limits, policy=policy or Policy(split_phases=False))


def ids(batch: Batch | None) -> list[int]:
    return [bound.job.job_id for bound in batch.jobs] if batch else []


def run(scheduler: Scheduler, now: float = 0.0) -> list[int]:
    batch = scheduler.schedule(now)
    if batch is not None:
        scheduler.complete(batch.batch_id)
    return ids(batch)


def test_they_come_after_finals_and_interims_of_people_and_never_with_them() -> None:
    queue = scheduler()
    for new in (job(1, BATCH), job(2, BATCH, INTERIM), job(3, LIVE, INTERIM), job(4, LIVE)):
        queue.add(new, 0.0)

    assert [run(queue) for _ in range(5)] == [[4], [3], [1], [2], []]


def test_one_call_of_them_runs_at_a_time_so_that_a_lane_is_left_for_people() -> None:
    queue = scheduler(max_batch=1)
    for new in (job(1, BATCH), job(2, BATCH)):
        queue.add(new, 0.0)
    first = queue.schedule(0.0)
    assert first is not None

    assert queue.schedule(0.0) is None
    queue.add(job(3, LIVE), 0.0)
    assert run(queue) == [3]
    queue.complete(first.batch_id)
    assert run(queue) == [2]


def test_one_that_was_cancelled_while_it_ran_holds_up_no_other() -> None:
    queue = scheduler(max_batch=1)
    for new in (job(1, BATCH), job(2, BATCH)):
        queue.add(new, 0.0)
    assert ids(queue.schedule(0.0)) == [1]

    assert queue.cancel(1)
    assert run(queue) == [2]


@pytest.mark.parametrize("kind", WindowKind)
def test_people_who_fill_the_model_leave_them_one_call_each_patience(kind: WindowKind) -> None:
    queue = scheduler(max_batch=2)
    for i in range(6):
        queue.add(job(i, BATCH, kind), 0.0)
    turns = []
    for step in range(160):
        now = step * 0.1
        queue.add(job(100 + step, LIVE, at=now), now)
        served = run(queue, now)
        assert served
        if served[0] < 100:
            turns.append((step, served))

    assert turns == [(50, [0, 1]), (100, [2, 3]), (150, [4, 5])]


def test_first_come_first_served_knows_no_priority() -> None:
    queue = scheduler(policy=Policy(order=Order.FIFO, split_phases=False))
    queue.add(job(1, BATCH), 0.0)
    queue.add(job(2, LIVE), 0.1)

    assert [run(queue, 1.0), run(queue, 1.0)] == [[1], [2]]


def test_how_long_they_wait_is_no_measure_of_how_long_people_wait() -> None:
    queue = scheduler(max_batch=1)
    for i in range(40):
        queue.add(job(i, BATCH), 0.0)
    for step in range(40):
        run(queue, step * 0.5)

    assert queue.final_wait(20.0) == 0.0
    assert queue.interim_interval == 0.0


def test_interims_of_people_come_back_while_only_batch_streams_are_served() -> None:
    queue = scheduler(max_batch=1)
    now = 0.0
    while queue.interim_interval < math.inf:
        queue.add(job(round(now * 10), LIVE, at=now), now)
        now += 1.0
        run(queue, now)
        assert now < 60.0
    for i in range(1000, 1400):
        queue.add(job(i, BATCH), now)
    end = now + MEMORY + 3 * FALL
    while now < end:
        now += 0.5
        assert run(queue, now)

    assert queue.interim_interval == 0.0


def test_a_full_house_gives_up_their_interims_first_and_none_of_people_for_them() -> None:
    limits = Limits(max_pending_windows=2)
    queue = Scheduler(limits)
    theirs = job(2, BATCH, INTERIM)
    queue.add(job(1, LIVE, INTERIM, at=9.0), 0.0)
    queue.add(theirs, 0.0)

    assert queue.add(job(3, LIVE), 0.0) is theirs
    with pytest.raises(CapacityExhausted):
        queue.add(job(4, BATCH), 0.0)


@dataclass
class Lane:
    """One model call at a time, on a clock of its own; each takes as long as its rank says."""

    scheduler: Scheduler
    live: float
    batch: float
    now: float = 0.0
    begun: dict[int, float] = field(default_factory=dict)

    def work_off(self, jobs: list[tuple[float, Job]]) -> dict[int, float]:
        """When each job began, given when each comes."""
        coming = sorted(jobs, key=lambda item: item[0])
        while coming or self.scheduler.waiting:
            while coming and coming[0][0] <= self.now:
                at, new = coming.pop(0)
                self.scheduler.add(new, at)
            call = self.scheduler.schedule(self.now)
            if call is None:
                self.now = coming[0][0]
                continue
            self.begun |= dict.fromkeys(ids(call), self.now)
            self.now += self.live if call.jobs[0].job.priority is LIVE else self.batch
            self.scheduler.complete(call.batch_id)
        return self.begun


times = st.lists(st.integers(0, 2000).map(lambda n: n / 100), min_size=1, max_size=30)
costs = st.floats(0.05, 0.5)


@settings(deadline=None)
@given(live=times, batch=times, cost=costs, batch_cost=costs)
def test_people_wait_at_most_for_the_rest_of_one_call(
    live: list[float], batch: list[float], cost: float, batch_cost: float
) -> None:
    """However many batch windows there are: compared with the same stream of finals alone."""
    people = [(at, job(i, LIVE, at=at)) for i, at in enumerate(live)]
    files = [(at, job(1000 + i, BATCH, at=at)) for i, at in enumerate(batch)]
    patient = Lane(scheduler(1, math.inf), cost, batch_cost).work_off(people + files)
    alone = Lane(scheduler(1, math.inf), cost, batch_cost).work_off(people)

    assert patient.keys() == {new.job_id for _, new in people + files}
    in_company = sorted(at for job_id, at in patient.items() if job_id in alone)
    for at, undisturbed in zip(in_company, sorted(alone.values()), strict=True):
        assert at <= undisturbed + batch_cost + 1e-9


@settings(deadline=None)
@given(live=st.integers(50, 300), batch=times, cost=costs, batch_cost=costs)
def test_they_wait_at_most_one_patience_for_each_before_them(
    live: int, batch: list[float], cost: float, batch_cost: float
) -> None:
    """Even among people who speak faster than the model can listen."""
    people = [(i * cost / 2, job(i, LIVE, at=i * cost / 2)) for i in range(live)]
    files = [(at, job(1000 + i, BATCH, at=at)) for i, at in enumerate(sorted(batch))]
    begun = Lane(scheduler(1), cost, batch_cost).work_off(people + files)

    for place, (at, new) in enumerate(files, start=1):
        assert begun[new.job_id] - at <= place * (PATIENCE + cost + batch_cost)
