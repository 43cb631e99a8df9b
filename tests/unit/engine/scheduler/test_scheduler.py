"""Order of windows: examples for each rule, and histories for all of them together."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sori_server.domain.audio import Span
from sori_server.domain.config import Priority
from sori_server.domain.errors import CapacityExhausted
from sori_server.domain.limits import Limits
from sori_server.domain.recognition import WindowKind
from sori_server.engine.cost import CallLoad, CostModel, Phase, Sample
from sori_server.engine.scheduler.core import INTERIM_FLOOR, Scheduler
from sori_server.engine.scheduler.jobs import Batch, Binding, Job
from sori_server.engine.scheduler.pace import FALL
from sori_server.engine.scheduler.policy import Order, Policy

pytestmark = pytest.mark.unit

FINAL, INTERIM = WindowKind.FINAL, WindowKind.INTERIM
A_BINDING = Binding("key", Span(0, 16_000))


def job(
    job_id: int,
    kind: WindowKind = FINAL,
    deadline: float = 0.0,
    stream: Hashable = None,
    bind: Callable[[], Binding | None] = lambda: A_BINDING,
) -> Job:
    return Job(job_id, job_id if stream is None else stream, kind, deadline, bind)


def ids(batch: Batch | None) -> list[int]:
    return [bound.job.job_id for bound in batch.jobs] if batch else []


def limited(max_batch: int, max_pending: int) -> Scheduler:
    limits = Limits(max_batch=max_batch, max_pending_windows=max_pending, max_call_time=1e9)
    return Scheduler(limits, policy=Policy(split_phases=False))


def scheduler_with(*jobs: Job, max_batch: int = 8, max_pending: int = 100) -> Scheduler:
    scheduler = limited(max_batch, max_pending)
    for each in jobs:
        assert scheduler.add(each, 0.0) is None
    return scheduler


def test_nothing_to_do() -> None:
    assert limited(8, 8).schedule(0.0) is None


def test_earliest_deadline_first() -> None:
    scheduler = scheduler_with(job(1, deadline=3), job(2, deadline=1), job(3, deadline=2))

    assert ids(scheduler.schedule(0.0)) == [2, 3, 1]


def test_equal_deadlines_go_in_order_of_arrival() -> None:
    scheduler = scheduler_with(job(1), job(2), job(3), max_batch=2)

    assert ids(scheduler.schedule(0.0)) == [1, 2]
    assert ids(scheduler.schedule(0.0)) == [3]


def test_finals_go_before_interims_with_earlier_deadlines_and_apart_from_them() -> None:
    scheduler = scheduler_with(job(1, INTERIM, deadline=1), job(2, FINAL, deadline=9))

    assert ids(scheduler.schedule(0.0)) == [2]
    assert ids(scheduler.schedule(0.0)) == [1]


def test_a_batch_has_one_key_and_skips_over_others() -> None:
    def keyed(key: str) -> Callable[[], Binding]:
        return lambda: Binding(key, Span(0, 1))

    scheduler = scheduler_with(
        job(1, bind=keyed("a")), job(2, bind=keyed("b")), job(3, bind=keyed("a"))
    )

    assert ids(scheduler.schedule(0.0)) == [1, 3]
    assert ids(scheduler.schedule(0.0)) == [2]


def test_a_job_is_bound_when_it_is_scheduled() -> None:
    received = [100]
    scheduler = scheduler_with(job(1, bind=lambda: Binding("k", Span(0, received[0]))))
    received[0] = 250

    batch = scheduler.schedule(0.0)

    assert batch is not None
    assert batch.jobs[0].span == Span(0, 250)


def test_an_interim_without_audio_waits_and_holds_nobody_up() -> None:
    bindings: list[Binding | None] = [None]
    scheduler = scheduler_with(
        job(1, INTERIM, deadline=1, bind=lambda: bindings[0]), job(2, INTERIM, deadline=2)
    )

    assert ids(scheduler.schedule(0.0)) == [2]
    assert scheduler.schedule(0.0) is None
    assert scheduler.waiting == 1
    bindings[0] = A_BINDING
    assert ids(scheduler.schedule(0.0)) == [1]


def test_a_newer_interim_replaces_the_waiting_one_of_its_stream_only() -> None:
    older, other = job(1, INTERIM, stream="s"), job(2, INTERIM, stream="t")
    scheduler = scheduler_with(older, other)

    assert scheduler.add(job(3, INTERIM, stream="s"), 0.0) is older
    assert sorted(ids(scheduler.schedule(0.0))) == [2, 3]


def test_a_replacement_keeps_the_place_of_its_predecessor() -> None:
    scheduler = scheduler_with(
        job(1, INTERIM, deadline=1, stream="s"), job(2, INTERIM, deadline=2), max_batch=1
    )
    scheduler.add(job(3, INTERIM, deadline=9, stream="s"), 0.5)

    assert ids(scheduler.schedule(1.0)) == [3]


def test_an_interim_that_is_replaced_again_and_again_ages_all_the_same() -> None:
    scheduler = scheduler_with(job(0, INTERIM, stream="s"))
    for step in range(1, 5):
        scheduler.add(job(step, INTERIM, stream="s"), step * 0.5)
    scheduler.add(job(9, FINAL), 2.0)

    assert ids(scheduler.schedule(2.0)) == [4]


def test_a_final_does_not_replace_an_interim() -> None:
    scheduler = scheduler_with(job(1, INTERIM, stream="s"), job(2, FINAL, stream="s"))

    assert scheduler.waiting == 2


def test_an_interim_waits_while_one_of_its_stream_runs() -> None:
    scheduler = scheduler_with(job(1, INTERIM, stream="s"))
    running = scheduler.schedule(0.0)
    assert running is not None

    assert scheduler.add(job(2, INTERIM, stream="s"), 0.0) is None
    assert scheduler.schedule(0.0) is None
    scheduler.complete(running.batch_id)
    assert ids(scheduler.schedule(0.0)) == [2]


def test_interims_get_one_batch_per_floor_under_a_flood_of_finals() -> None:
    scheduler = limited(1, 1_000)
    for i in range(3):
        scheduler.add(job(i, INTERIM), 0.0)
    kinds = []
    for step in range(70):
        now = step * 0.1
        scheduler.add(job(100 + step, FINAL, deadline=now), now)
        batch = scheduler.schedule(now)
        assert batch is not None
        kinds.append(batch.jobs[0].job.kind)

    turns = [i for i, kind in enumerate(kinds) if kind is INTERIM]
    assert turns == [20, 40, 60]
    assert INTERIM_FLOOR == 2.0


def test_an_interim_is_refused_when_full() -> None:
    scheduler = scheduler_with(job(1), job(2, INTERIM), max_pending=2)

    with pytest.raises(CapacityExhausted, match="2 windows"):
        scheduler.add(job(3, INTERIM), 0.0)
    assert scheduler.waiting == 2


def test_a_replacement_fits_when_full() -> None:
    older = job(1, INTERIM, stream="s")
    scheduler = scheduler_with(older, max_pending=1)

    assert scheduler.add(job(2, INTERIM, stream="s"), 0.0) is older


def test_a_final_takes_the_place_of_the_last_interim_when_full() -> None:
    last = job(2, INTERIM, deadline=9)
    scheduler = scheduler_with(job(1, INTERIM, deadline=1), last, job(3), max_pending=3)

    assert scheduler.add(job(4), 0.0) is last
    assert ids(scheduler.schedule(0.0)) == [3, 4]


def test_a_final_is_refused_only_among_finals() -> None:
    scheduler = scheduler_with(job(1), job(2), max_pending=2)

    with pytest.raises(CapacityExhausted):
        scheduler.add(job(3), 0.0)
    assert ids(scheduler.schedule(0.0)) == [1, 2]


def test_cancel_forgets_a_waiting_job() -> None:
    scheduler = scheduler_with(job(1), job(2, INTERIM, stream="s"))

    assert scheduler.cancel(1)
    assert scheduler.cancel(2)
    assert not scheduler.cancel(2)
    assert scheduler.schedule(0.0) is None
    assert scheduler.add(job(3, INTERIM, stream="s"), 0.0) is None


def test_a_crash_retries_halves_first_with_the_spans_they_had() -> None:
    received = [100]
    scheduler = scheduler_with(
        *(job(i, INTERIM, bind=lambda: Binding("k", Span(0, received[0]))) for i in range(4))
    )
    batch = scheduler.schedule(0.0)
    assert batch is not None
    received[0] = 200
    scheduler.add(job(9), 0.0)

    assert scheduler.fail(batch.batch_id) == ()
    assert scheduler.active == 4
    first = scheduler.schedule(0.0)
    assert first is not None
    assert ids(first) == [0, 1]
    assert first.jobs[0].span == Span(0, 100)
    assert scheduler.schedule(0.0) is None, "the next death names its killer"
    scheduler.complete(first.batch_id)
    second = scheduler.schedule(0.0)
    assert second is not None
    assert ids(second) == [2, 3]
    scheduler.complete(second.batch_id)
    assert ids(scheduler.schedule(0.0)) == [9]


def test_all_batches_that_ran_when_the_worker_died_are_suspect() -> None:
    scheduler = scheduler_with(*(job(i) for i in range(4)), max_batch=2)
    one, two = scheduler.schedule(0.0), scheduler.schedule(0.0)
    assert one is not None
    assert two is not None

    scheduler.fail(one.batch_id)
    assert scheduler.schedule(0.0) is None, "the other one is not accounted for yet"
    scheduler.fail(two.batch_id)
    retried = []
    while (batch := scheduler.schedule(0.0)) is not None:
        retried.append(ids(batch))
        scheduler.complete(batch.batch_id)

    assert retried == [[0], [1], [2], [3]]


def test_a_cancelled_job_is_not_retried() -> None:
    scheduler = scheduler_with(job(1), job(2))
    batch = scheduler.schedule(0.0)
    assert batch is not None

    assert scheduler.cancel(1)
    scheduler.fail(batch.batch_id)
    assert ids(scheduler.schedule(0.0)) == [2]


def test_a_retry_whose_jobs_were_all_cancelled_is_dropped() -> None:
    scheduler = scheduler_with(job(1), job(2))
    batch = scheduler.schedule(0.0)
    assert batch is not None
    scheduler.fail(batch.batch_id)

    assert scheduler.cancel(1)
    assert ids(scheduler.schedule(0.0)) == [2]
    assert scheduler.active == 1


def test_one_killer_never_makes_more_than_a_few_crashes_in_a_row() -> None:
    """The worker gives up after `Limits.max_worker_restarts` crashes without a batch done."""
    scheduler = scheduler_with(*(job(i) for i in range(64)), max_batch=64)
    in_a_row = longest = 0
    while (batch := scheduler.schedule(0.0)) is not None:
        if 0 in ids(batch):
            in_a_row += 1
            scheduler.fail(batch.batch_id)
        else:
            in_a_row = 0
            scheduler.complete(batch.batch_id)
        longest = max(longest, in_a_row)

    assert longest == 2


def crowd(count: int, kind: WindowKind = FINAL, policy: Policy | None = None) -> Scheduler:
    """Many jobs that are better encoded apart, two in a call, and decoded together."""
    limits = Limits(max_batch=2, max_call_time=1e9)
    scheduler = Scheduler(limits, decoding_in_company_is_cheap(), policy)
    for k in range(count):
        scheduler.add(job(k, kind), 0.0)
    return scheduler


def run(scheduler: Scheduler, now: float = 0.0) -> Batch | None:
    batch = scheduler.schedule(now)
    if batch is not None:
        scheduler.complete(batch.batch_id)
    return batch


def tried(scheduler: Scheduler) -> list[tuple[Phase, int, list[int]]]:
    """All that is left, as it is worked off."""
    batches = []
    while (batch := run(scheduler)) is not None:
        batches.append((batch.phase, batch.crashes, ids(batch)))
    return batches


def test_the_floor_gives_interims_text_where_phases_are_apart() -> None:
    """What is encoded is of no use to anybody until it is decoded."""
    scheduler = crowd(8, INTERIM)
    assert ids(run(scheduler)) == [0, 1]
    calls = []
    for step in range(200):
        now = 0.1 + step / 10
        for k in range(3):
            scheduler.add(job(1_000 + 3 * step + k, FINAL, deadline=now), now)
        batch = run(scheduler, now)
        assert batch is not None
        if batch.jobs[0].job.kind is INTERIM:
            calls.append((step, batch.phase, ids(batch)))

    assert calls == [
        (19, Phase.DECODE, [0, 1]),
        (39, Phase.RECOGNIZE, [2, 3]),
        (59, Phase.RECOGNIZE, [4, 5]),
        (79, Phase.RECOGNIZE, [6, 7]),
    ]


def test_first_come_first_served_decodes_what_is_encoded_in_its_turn() -> None:
    scheduler = crowd(3, INTERIM, Policy(order=Order.FIFO))
    assert ids(run(scheduler)) == [0, 1]
    scheduler.cancel(2)
    scheduler.add(job(9), 0.1)

    assert [ids(run(scheduler, 0.2)) for _ in range(2)] == [[0, 1], [9]]


def test_a_final_that_comes_while_interims_are_encoded_goes_first() -> None:
    scheduler = crowd(6, INTERIM)
    assert ids(run(scheduler)) == [0, 1]
    scheduler.add(job(9), 0.0)

    assert ids(run(scheduler)) == [9]
    assert ids(run(scheduler)) == [2, 3]


def test_a_window_that_is_cancelled_once_it_is_encoded_is_not_decoded() -> None:
    scheduler = crowd(4)
    run(scheduler)
    assert scheduler.cancel(0)
    assert scheduler.unwanted() == (0,)
    assert scheduler.unwanted() == ()
    run(scheduler)

    decoded = run(scheduler)
    assert decoded is not None
    assert decoded.phase is Phase.DECODE
    assert ids(decoded) == [1, 2, 3]


def test_a_window_that_is_cancelled_while_it_is_encoded_is_not_decoded() -> None:
    scheduler = crowd(4)
    batch = scheduler.schedule(0.0)
    assert batch is not None
    assert scheduler.cancel(0)
    assert scheduler.unwanted() == (), "it is not encoded yet"
    scheduler.complete(batch.batch_id)

    assert scheduler.unwanted() == (0,)


def test_what_a_dead_worker_had_encoded_is_recognized_anew_and_not_suspected() -> None:
    scheduler = crowd(6)
    run(scheduler)
    batch = scheduler.schedule(0.0)
    assert batch is not None
    scheduler.fail(batch.batch_id)
    scheduler.renew()

    assert tried(scheduler) == [
        (Phase.RECOGNIZE, 1, [2]),
        (Phase.RECOGNIZE, 1, [3]),
        (Phase.RECOGNIZE, 0, [0, 1]),
        (Phase.RECOGNIZE, 0, [4, 5]),
    ]


def test_so_is_what_it_encoded_while_another_call_killed_it() -> None:
    """Threads tell of the death and of the answer before it in any order."""
    scheduler = crowd(6)
    encoded, killed = scheduler.schedule(0.0), scheduler.schedule(0.0)
    assert encoded is not None
    assert killed is not None
    scheduler.fail(killed.batch_id)
    scheduler.complete(encoded.batch_id)
    assert scheduler.cancel(0)
    scheduler.renew()

    assert scheduler.unwanted() == (), "the new worker has none of it"
    assert tried(scheduler) == [
        (Phase.RECOGNIZE, 1, [2]),
        (Phase.RECOGNIZE, 1, [3]),
        (Phase.RECOGNIZE, 0, [1]),
        (Phase.RECOGNIZE, 0, [4, 5]),
    ]


def test_no_more_are_encoded_together_after_a_crash_than_before_it() -> None:
    scheduler = crowd(12)
    for _ in range(6):
        run(scheduler)
    decoded = scheduler.schedule(0.0)
    assert decoded is not None
    assert decoded.phase is Phase.DECODE
    scheduler.fail(decoded.batch_id)

    assert [len(batch) for _, _, batch in tried(scheduler)] == [2] * 6


def test_interims_of_a_stream_keep_the_pace() -> None:
    scheduler = scheduler_with(*(job(k, deadline=0.4) for k in range(20)), max_batch=1)
    for k in range(20):
        run(scheduler, k / 10)
    now = 2.0
    assert scheduler.interim_interval == 2.0, "finals waited"
    for k in range(20):
        scheduler.add(job(200 + k), now)
        run(scheduler, now)
    scheduler.add(job(100, INTERIM, stream="s"), now)
    assert ids(run(scheduler, now)) == [100]

    scheduler.add(job(101, INTERIM, stream="s"), now + 0.5)
    scheduler.add(job(102, INTERIM, stream="t"), now + 0.5)
    assert ids(run(scheduler, now + 0.5)) == [102]
    assert run(scheduler, now + 1.9) is None
    assert ids(run(scheduler, now + 2.0)) == [101]


def overloaded_with_interims() -> tuple[Scheduler, float]:
    """A scheduler that gives no more interims to the streams 25 to 29, and the time."""
    scheduler = scheduler_with(*(job(k, INTERIM, deadline=0.4) for k in range(30)), max_batch=1)
    for k in range(30):
        run(scheduler, k / 10)
    assert scheduler.interim_interval == math.inf
    for k in range(25, 30):
        scheduler.add(job(100 + k, INTERIM, deadline=3.5, stream=k), 3.0)
    return scheduler, 3.0


def test_interims_come_back_where_there_are_no_finals_to_show_that_nothing_waits() -> None:
    scheduler, now = overloaded_with_interims()
    assert run(scheduler, now) is None
    assert run(scheduler, now + FALL) is None

    assert scheduler.interim_interval == 2.0
    assert ids(run(scheduler, now + FALL)) == [125]


def test_interims_that_the_pace_held_back_have_not_waited_for_the_model() -> None:
    scheduler, now = overloaded_with_interims()
    run(scheduler, now + FALL)
    for k in range(25, 30):
        assert ids(run(scheduler, now + FALL)) == [100 + k]
    for k in range(25, 30):
        scheduler.add(job(200 + k, INTERIM, deadline=now + FALL + 2.5, stream=k), now + FALL)
        assert ids(run(scheduler, now + FALL + 2.0)) == [200 + k]

    assert scheduler.interim_interval == 2.0


def test_a_batch_in_which_interims_become_rarer_came_in_time_all_the_same() -> None:
    """Were what follows in it taken for early, that would make up for later waits."""
    scheduler = scheduler_with(*(job(k, INTERIM, deadline=0.4) for k in range(8)), max_batch=8)
    for begin, streams in ((0.0, 8), (0.9, 8), (2.0, 2), (4.9, 0)):
        run(scheduler, begin)
        for k in range(streams):
            scheduler.add(job(100 + k, INTERIM, deadline=begin + 0.4, stream=k), begin)

    assert scheduler.interim_interval == math.inf


def test_without_coalescing_each_interim_is_recognized_as_it_was_asked_for() -> None:
    received = [100]
    policy = Policy(coalesce=False)
    scheduler = Scheduler(Limits(max_call_time=1e9), policy=policy)
    for k in range(3):
        bind = lambda: Binding("k", Span(0, received[0]))  # noqa: E731
        assert scheduler.add(job(k, INTERIM, stream="s", bind=bind), 0.0) is None
        received[0] += 100

    batch = scheduler.schedule(0.0)
    assert batch is not None
    assert [bound.span.end for bound in batch.jobs] == [100, 200, 300]


def test_first_come_first_served_where_that_is_the_policy() -> None:
    scheduler = Scheduler(Limits(max_call_time=1e9), policy=Policy(order=Order.FIFO))
    scheduler.add(job(1, INTERIM, deadline=9.0), 0.0)
    scheduler.add(job(2, FINAL, deadline=1.0), 0.1)
    scheduler.add(job(3, FINAL, deadline=0.5), 0.2)

    assert [ids(run(scheduler, 1.0)) for _ in range(2)] == [[1], [2, 3]]


@dataclass
class Source:
    """Audio of a job in the histories: how much there is, and the key that goes with it."""

    key: int
    length: int = 0

    def bind(self) -> Binding | None:
        load = CallLoad(100, 1, 1, 1, Phase.RECOGNIZE)
        key = (self.key, self.length // 4)
        return Binding(key, Span(0, self.length), load) if self.length else None


@dataclass
class Tracked:
    """What a history knows of a job it added."""

    job: Job
    source: Source
    since: float
    place: float
    ends: int = 0
    crashes: int = 0
    killer: bool = False


@dataclass
class Model:
    jobs: dict[int, Tracked] = field(default_factory=dict)
    waiting: set[int] = field(default_factory=set)
    running: dict[int, Batch] = field(default_factory=dict)
    retried: set[int] = field(default_factory=set)
    encoded: set[int] = field(default_factory=set)
    last_interims: float = float("-inf")
    last_batch_call: float = float("-inf")


def in_batch(tracked: Tracked) -> bool:
    return tracked.job.priority is Priority.BATCH


def decoding_in_company_is_cheap() -> CostModel:
    """A model of which a window takes 10 ms to encode, and any number of them 50 ms to decode."""
    loads = [CallLoad(100, rows, 1, 1, phase) for rows in (1, 4) for phase in Phase]
    encoding = {Phase.ENCODE: (0.0, 0.01), Phase.DECODE: (0.05, 0.0), Phase.RECOGNIZE: (0.05, 0.01)}
    cost = CostModel()
    cost.fit(
        [
            Sample(load, encoding[load.phase][0] + encoding[load.phase][1] * load.rows)
            for load in loads
        ]
    )
    return cost


class SchedulerHistories(RuleBasedStateMachine):
    """Any order of calls, with up to two at a time, against a plain list of what is known.

    Streams from `FIRST_BATCH` on are batch streams.
    """

    MAX_BATCH = 2
    MAX_DECODED = 3
    MAX_PENDING = 8
    FIRST_BATCH = 4
    PATIENCE = 1.5

    def __init__(self) -> None:
        super().__init__()
        limits = Limits(
            max_batch=self.MAX_BATCH,
            max_decode_batch=self.MAX_DECODED,
            max_pending_windows=self.MAX_PENDING,
            max_call_time=1e9,
            batch_patience=self.PATIENCE,
        )
        policy = Policy(adaptive_interims=False)
        self.scheduler = Scheduler(limits, decoding_in_company_is_cheap(), policy)
        self.known = Model()
        self.now = 0.0
        self.next_id = 0

    @rule(seconds=st.floats(0.01, 1.0))
    def pass_time(self, seconds: float) -> None:
        self.now += seconds

    @rule(
        kind=st.sampled_from(WindowKind),
        stream=st.integers(0, 5),
        key=st.integers(0, 1),
        length=st.integers(0, 8),
        slack=st.floats(0.1, 3.0),
        killer=st.integers(0, 9).map(lambda n: n == 0),
    )
    def add(
        self, kind: WindowKind, stream: int, key: int, length: int, slack: float, killer: bool
    ) -> None:
        self.next_id += 1
        source = Source(key, max(length, 1) if kind is FINAL else length)
        priority = Priority.BATCH if stream >= self.FIRST_BATCH else Priority.LIVE
        new = Job(self.next_id, stream, kind, self.now + slack, source.bind, priority)
        tracked = Tracked(new, source, self.now, new.deadline, killer=killer)
        waiting = [self.known.jobs[i] for i in self.known.waiting]
        interims = [t for t in waiting if t.job.kind is INTERIM]
        older = [t for t in interims if t.job.stream == stream and kind is INTERIM]
        weaker = [t for t in interims if priority is Priority.LIVE or in_batch(t)]
        try:
            displaced = self.scheduler.add(new, self.now)
        except CapacityExhausted:
            assert len(waiting) >= self.MAX_PENDING
            assert not older
            assert kind is INTERIM or not weaker
            return
        self.known.jobs[new.job_id] = tracked
        self.known.waiting.add(new.job_id)
        if older:
            assert displaced is older[0].job
            tracked.place = min(tracked.place, older[0].place)
            tracked.since = older[0].since
        else:
            assert (displaced is not None) == (len(waiting) >= self.MAX_PENDING)
        if displaced is not None:
            assert displaced.kind is INTERIM
            assert older or displaced in [t.job for t in weaker]
            self._end(displaced.job_id)

    @precondition(lambda self: self.known.jobs)
    @rule(data=st.data())
    def more_audio(self, data: st.DataObject) -> None:
        self._pick(data).source.length += data.draw(st.integers(1, 8))

    @precondition(lambda self: self.known.jobs)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        tracked = self._pick(data)
        known = self.scheduler.cancel(tracked.job.job_id)
        assert known == (tracked.ends == 0)
        if known:
            self._end(tracked.job.job_id)

    @precondition(lambda self: len(self.known.running) < 2)
    @rule()
    def schedule(self) -> None:
        ready, encoded = self._served(self._ready()), self._served(self._of(self.known.encoded))
        running = [*self.known.running.values()]
        isolating = any(b.crashes for b in running) or (self.known.retried and running)
        batch = self.scheduler.schedule(self.now)
        if batch is None:
            assert isolating or not (ready or self.known.retried or encoded)
            return
        assert not isolating, "what may kill a worker runs alone"
        chosen = [self.known.jobs[i] for i in ids(batch)]
        assert chosen
        assert len({t.job.rank for t in chosen}) == 1
        if not self.known.retried:
            self._check_priority(chosen[0], ready, encoded)
            self._check_kind(batch, [t for t in (*ready, *encoded) if not in_batch(t)])
        if self.known.retried:
            assert set(ids(batch)) <= self.known.retried, "retries come first"
            assert all(t.crashes == batch.crashes for t in chosen)
        elif batch.phase is Phase.DECODE:
            assert len(chosen) <= self.MAX_DECODED
            assert set(ids(batch)) <= self.known.encoded
        else:
            self._check_order(batch, chosen, ready)
        for known in (self.known.waiting, self.known.retried, self.known.encoded):
            known.difference_update(ids(batch))
        self.known.running[batch.batch_id] = batch

    @precondition(lambda self: self.known.running)
    @rule(data=st.data(), accident=st.booleans())
    def finish(self, data: st.DataObject, accident: bool) -> None:
        """The batch runs; its worker dies of a killer in it, or of something else, once."""
        batch_id = data.draw(st.sampled_from(sorted(self.known.running)))
        batch = self.known.running.pop(batch_id)
        live = [self.known.jobs[i] for i in ids(batch) if not self.known.jobs[i].ends]
        first = batch.crashes == 0
        if any(t.killer for t in live) or (accident and first):
            self._crash([batch, *self.known.running.values()])
        elif batch.phase is Phase.ENCODE:
            self.scheduler.complete(batch_id)
            self.known.encoded |= {t.job.job_id for t in live}
            cancelled = {i for i in ids(batch) if self.known.jobs[i].ends}
            assert set(self.scheduler.unwanted()) >= cancelled
        else:
            self.scheduler.complete(batch_id)
            for tracked in live:
                self._end(tracked.job.job_id)

    def _crash(self, batches: list[Batch]) -> None:
        """The worker dies with all that runs on it, and what it had encoded is lost."""
        self.known.retried |= self.known.encoded
        self.known.encoded.clear()
        self.known.running.clear()
        for batch in batches:
            for tracked in (self.known.jobs[i] for i in ids(batch)):
                if not tracked.ends:
                    tracked.crashes = batch.crashes + 1
                    self.known.retried.add(tracked.job.job_id)
            for quarantined in self.scheduler.fail(batch.batch_id):
                assert self.known.jobs[quarantined.job_id].killer, "an innocent was lost"
                self._end(quarantined.job_id)
        self.scheduler.renew()

    @invariant()
    def counts_agree(self) -> None:
        assert self.scheduler.waiting == len(self.known.waiting) <= self.MAX_PENDING
        unended = sum(1 for t in self.known.jobs.values() if not t.ends)
        assert self.scheduler.waiting + self.scheduler.active == unended

    @invariant()
    def every_job_ended_at_most_once(self) -> None:
        assert all(t.ends <= 1 for t in self.known.jobs.values())

    @invariant()
    def a_stream_has_one_waiting_interim(self) -> None:
        waiting = [self.known.jobs[i].job for i in self.known.waiting]
        streams = [j.stream for j in waiting if j.kind is INTERIM]
        assert len(streams) == len(set(streams))

    def teardown(self) -> None:
        """Left alone, the scheduler works everything off that has audio."""
        for tracked in self.known.jobs.values():
            tracked.source.length = max(tracked.source.length, 1)
        running = [*self.known.running.values()]
        while running or (batch := self.scheduler.schedule(self.now)) is not None:
            batch = running.pop() if running else batch
            self.scheduler.complete(batch.batch_id)
            for job_id in ids(batch):
                if batch.phase is not Phase.ENCODE and not self.known.jobs[job_id].ends:
                    self._end(job_id)
        assert all(t.ends == 1 for t in self.known.jobs.values())

    def _check_order(self, batch: Batch, chosen: list[Tracked], ready: list[Tracked]) -> None:
        rank = chosen[0].job.rank
        assert all(t in ready for t in chosen)
        for tracked, bound in zip(chosen, batch.jobs, strict=True):
            assert bound.span == Span(0, tracked.source.length), "bound to the newest audio"
        same_rank = [t for t in ready if t.job.rank == rank]
        same_rank.sort(key=lambda t: (t.place, t.job.job_id))
        head = same_rank[0]
        assert chosen[0] is head, "earliest deadline first"
        mates = [t for t in same_rank if self._key(t) == self._key(head)]
        assert chosen == mates[: len(chosen)], "of one key, in order"
        assert len(chosen) <= self.MAX_BATCH
        if batch.phase is Phase.RECOGNIZE:
            assert len(chosen) == min(len(mates), self.MAX_BATCH), "full"

    def _check_priority(self, head: Tracked, ready: list[Tracked], encoded: list[Tracked]) -> None:
        """Live windows first, but for one call of batch windows in each patience."""
        batch = [t for t in (*ready, *encoded) if in_batch(t)]
        if batch and len(batch) < len(ready) + len(encoded):
            heads = [
                head
                for kind in WindowKind
                for head in self._heads([t for t in batch if t.job.kind is kind])
            ]
            oldest = min(t.since for t in heads)
            aged = self.now - max(oldest, self.known.last_batch_call) >= self.PATIENCE
            assert in_batch(head) == aged
        if in_batch(head):
            self.known.last_batch_call = self.now

    def _check_kind(self, batch: Batch, live: list[Tracked]) -> None:
        """Finals first, but for one batch of interims in each floor, which gives them text."""
        if batch.jobs[0].job.priority is Priority.BATCH:
            return
        kind = batch.jobs[0].job.kind
        interims = [t for t in live if t.job.kind is INTERIM]
        if interims and len(interims) < len(live):
            oldest = min(t.since for t in self._heads(interims))
            aged = self.now - max(oldest, self.known.last_interims) >= INTERIM_FLOOR
            assert (kind is INTERIM) == aged
            assert not aged or batch.phase is not Phase.ENCODE
        if kind is INTERIM and batch.phase is not Phase.ENCODE:
            self.known.last_interims = self.now

    def _heads(self, jobs: list[Tracked]) -> list[Tracked]:
        """Of jobs of one rank the first that waits and the first that is encoded."""
        encoded = [t for t in jobs if t.job.job_id in self.known.encoded]
        waiting = [t for t in jobs if t.job.job_id not in self.known.encoded]
        return [
            *sorted(waiting, key=lambda t: (t.place, t.job.job_id))[:1],
            *sorted(encoded, key=lambda t: (t.job.deadline, t.job.job_id))[:1],
        ]

    def _ready(self) -> list[Tracked]:
        scheduled = [i for b in self.known.running.values() for i in ids(b)]
        held = [*scheduled, *self.known.retried, *self.known.encoded]
        live = [self.known.jobs[i] for i in held]
        busy = {t.job.stream for t in live if t.job.kind is INTERIM and not t.ends}
        waiting = [self.known.jobs[i] for i in self.known.waiting]
        return [
            t
            for t in waiting
            if t.source.length and not (t.job.kind is INTERIM and t.job.stream in busy)
        ]

    def _served(self, jobs: list[Tracked]) -> list[Tracked]:
        """Those that may be served now: nothing of a batch stream while such a call runs."""
        running = self._of(i for batch in self.known.running.values() for i in ids(batch))
        alone = any(in_batch(t) and not t.ends for t in running)
        return [t for t in jobs if not (alone and in_batch(t))]

    def _of(self, job_ids: Iterable[int]) -> list[Tracked]:
        return [self.known.jobs[i] for i in job_ids]

    def _key(self, tracked: Tracked) -> Hashable:
        binding = tracked.source.bind()
        assert binding is not None
        return binding.key

    def _pick(self, data: st.DataObject) -> Tracked:
        return self.known.jobs[data.draw(st.sampled_from(sorted(self.known.jobs)))]

    def _end(self, job_id: int) -> None:
        self.known.jobs[job_id].ends += 1
        self.known.waiting.discard(job_id)
        self.known.retried.discard(job_id)
        self.known.encoded.discard(job_id)


SchedulerHistories.TestCase.settings = settings(
    max_examples=150, stateful_step_count=40, deadline=None
)
TestSchedulerHistories = SchedulerHistories.TestCase
