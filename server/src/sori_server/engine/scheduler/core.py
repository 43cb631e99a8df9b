"""Which windows the model takes next. Pure: the time is told, nothing is waited for.

Rules of this file:

* Earliest deadline first (Liu and Layland, 1973), finals before interims. A call takes the
  first ready job and those after it that have an equal key, as many as are predicted to
  take no longer than `Limits.max_call_time`. Finals and interims never share one.
* So that interims cannot starve, one batch of them goes before finals once the first
  of them has waited `INTERIM_FLOOR`; at most one such batch begins in that time. It gives
  them text: what is encoded is decoded, else one call does both.
* Windows of batch streams come when no live one is ready, in calls of their own and one call
  at a time: a live window waits at most for the rest of that call. So that they cannot starve,
  one such call, which gives text too, goes before live windows once its first window has
  waited `Limits.batch_patience`; at most one of them begins in that time. They tell nothing of how
  long live windows wait.
* A stream has at most one waiting interim. A newer one replaces it and keeps its place.
  Interims of a stream begin no sooner after one another than the pace allows.
* Late binding: a job is asked what it would recognize at the moment it is scheduled.
* Where more jobs are ready than one call takes, they are encoded in several calls and
  decoded in one, if the cost model says that it is cheaper. What is encoded is decoded
  before anything else of its kind, and waits for others only while it is not late for that.
* Batches whose worker died are retried before everything else and alone, split by
  `isolation`, with the spans they had: the next death names its killer.
* A call that ran out of memory makes the next ones smaller for a while (`room.py`).
* `max_pending_windows` bounds the waiting jobs. At the bound an interim is refused; a final
  takes the place of an interim, and is refused when there is none (`waiting.py`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Hashable, Iterable, Iterator
from dataclasses import replace
from itertools import count
from typing import Final

from sori_server.domain.config import Priority
from sori_server.domain.limits import Limits
from sori_server.domain.recognition import WindowKind
from sori_server.engine.cost import CostModel, Phase
from sori_server.engine.scheduler.isolation import isolate
from sori_server.engine.scheduler.jobs import Batch, BoundJob, Job, Rank
from sori_server.engine.scheduler.pace import InterimPace
from sori_server.engine.scheduler.phases import Phases
from sori_server.engine.scheduler.policy import Order, Policy
from sori_server.engine.scheduler.waiting import Entry, WaitingRoom

INTERIM_FLOOR: Final = 2.0
"""Seconds after which waiting interims get a batch before finals."""

LIVE_INTERIMS: Final = Rank(Priority.LIVE, WindowKind.INTERIM)
LIVE_RANKS: Final = (Rank(Priority.LIVE, WindowKind.FINAL), LIVE_INTERIMS)
BATCH_RANKS: Final = (
    Rank(Priority.BATCH, WindowKind.FINAL),
    Rank(Priority.BATCH, WindowKind.INTERIM),
)


class Scheduler:
    """Orders the windows of all streams into batches.

    Every job added ends exactly once: completed or quarantined with its batch, replaced
    or evicted (returned by `add`), or cancelled.
    """

    def __init__(
        self, limits: Limits, cost: CostModel | None = None, policy: Policy | None = None
    ) -> None:
        """`cost` is asked for predictions and corrected by its owner as calls end."""
        self._policy = policy or Policy()
        self._waiting = WaitingRoom(limits.max_pending_windows, coalesce=self._policy.coalesce)
        self._phases = Phases(limits, cost or CostModel(), split=self._policy.split_phases)
        self._pace = InterimPace(limits.final_deadline, adaptive=self._policy.adaptive_interims)
        self._patience = limits.batch_patience
        self._running: dict[int, Batch] = {}
        self._retries: deque[Batch] = deque()
        self._encoded: dict[int, BoundJob] = {}
        self._unwanted: list[int] = []
        self._dropped: dict[int, list[int]] = {}
        self._begun: dict[Hashable, float] = {}
        self._batch_ids = count(1)
        self._last_interims = float("-inf")
        self._last_batch_call = float("-inf")

    @property
    def waiting(self) -> int:
        """Jobs that were never scheduled."""
        return len(self._waiting)

    @property
    def active(self) -> int:
        """Jobs that run, are encoded or wait to be retried."""
        return sum(1 for _ in self._scheduled())

    @property
    def interim_interval(self) -> float:
        """Least seconds between two interims of a stream now; infinite while there are none."""
        return self._pace.interval

    def final_wait(self, now: float) -> float:
        """How long finals have lately waited until they were scheduled, but for one in 20."""
        return self._pace.final_wait(now)

    def lag(self, seconds: float, now: float) -> None:
        """Take note of how long an answer lay there until anybody had time to look at it."""
        self._pace.lag(seconds, now)

    def add(self, job: Job, now: float) -> Job | None:
        """Take a job; returns the interim it replaces or evicts, which has then ended.

        Raises:
            CapacityExhausted: `max_pending_windows` jobs wait and none of them makes room.
        """
        return self._waiting.add(job, now)

    def cancel(self, job_id: int) -> bool:
        """Forget a job; returns whether it was known. A running one is not retried."""
        if self._waiting.remove(job_id):
            return True
        if self._encoded.pop(job_id, None) is not None:
            self._unwanted.append(job_id)
            return True
        for batch in (*self._running.values(), *self._retries):
            left = tuple(bound for bound in batch.jobs if bound.job.job_id != job_id)
            if len(left) < len(batch.jobs):
                if batch.phase is Phase.ENCODE:
                    self._dropped.setdefault(batch.batch_id, []).append(job_id)
                self._shrink(batch, left)
                return True
        return False

    def schedule(self, now: float) -> Batch | None:
        """The next batch, None when no job is ready. It runs until `complete` or `fail`.

        Several may run at a time, but none beside one that is retried.
        """
        isolating = any(batch.crashes for batch in self._running.values())
        if isolating or (self._retries and self._running):
            return None
        batch = self._retries.popleft() if self._retries else self._fresh(now)
        if batch is not None:
            self._running[batch.batch_id] = batch
        return batch

    def complete(self, batch_id: int) -> None:
        """The batch has run: its jobs have ended, or wait to be decoded."""
        batch = self._running.pop(batch_id)
        if batch.phase is Phase.ENCODE:
            self._unwanted += self._dropped.pop(batch_id, [])
            self._encoded |= {bound.job.job_id: bound for bound in batch.jobs}

    def out_of_memory(self, fitted: int, now: float) -> None:
        """A call did not fit into memory; so many windows at a time did."""
        self._phases.room.shrink(fitted, now)

    def fail(self, batch_id: int) -> tuple[Job, ...]:
        """The worker died on the batch; returns the jobs quarantined for it, which have ended."""
        batch = self._running.pop(batch_id)
        self._dropped.pop(batch_id, None)
        crashes = batch.crashes + 1
        verdict = isolate(batch.jobs, crashes)
        self._retry(verdict.retry, crashes)
        return tuple(bound.job for bound in verdict.quarantined)

    def renew(self) -> None:
        """There is a new worker, and nothing runs: what the old one encoded is recognized anew."""
        encoded, self._encoded = self._encoded, {}
        self._unwanted.clear()
        self._retry(_by_key(encoded.values()), 0)

    def unwanted(self) -> tuple[int, ...]:
        """Encoded jobs that were cancelled since the last call."""
        unwanted, self._unwanted = tuple(self._unwanted), []
        return unwanted

    def _fresh(self, now: float) -> Batch | None:
        """A batch of jobs that no worker died on."""
        aged = self._aged_ranks(now)
        for rank in self._ranks(aged, now):
            if rank in BATCH_RANKS:  # live windows leave room
                self._pace.rest(now)
            ready, encoded = self._ready(rank, now), self._encoded_of(rank)
            if rank in aged:
                phase, jobs = self._phases.at_once(ready, encoded)
            else:
                phase, jobs = self._phases.choose(ready, encoded, now)
            if jobs:
                self._begin(rank, phase, jobs, now)
                return Batch(next(self._batch_ids), jobs, phase)
        self._pace.rest(now)
        return None

    def _ranks(self, aged: Collection[Rank], now: float) -> tuple[Rank, ...]:
        """The ranks in the order in which they are served."""
        if self._policy.order is Order.FIFO:
            ranks = (*LIVE_RANKS, *BATCH_RANKS)
            return tuple(sorted(ranks, key=lambda rank: self._oldest(rank, now)))
        live = LIVE_RANKS[::-1] if LIVE_INTERIMS in aged else LIVE_RANKS
        running = (bound.job for batch in self._running.values() for bound in batch.jobs)
        if any(job.rank in BATCH_RANKS for job in running):
            return live
        return (*BATCH_RANKS, *live) if BATCH_RANKS[0] in aged else (*live, *BATCH_RANKS)

    def _aged_ranks(self, now: float) -> tuple[Rank, ...]:
        """The ranks whose turn gives text: those that have waited for others too long.

        First come, first served, what is encoded waits for no company.
        """
        if self._policy.order is Order.FIFO:
            return tuple(rank for rank in (*LIVE_RANKS, *BATCH_RANKS) if self._encoded_of(rank))
        interims = now - self._last_interims >= INTERIM_FLOOR and any(
            now - since >= INTERIM_FLOOR for since in self._first(LIVE_INTERIMS, now)
        )
        batch = now - self._last_batch_call >= self._patience and any(
            now - since >= self._patience
            for rank in BATCH_RANKS
            for since in self._first(rank, now)
        )
        return (*((LIVE_INTERIMS,) if interims else ()), *(BATCH_RANKS if batch else ()))

    def _first(self, rank: Rank, now: float) -> list[float]:
        """Since when the first waiting job of a rank and the first encoded one wait."""
        first = (*self._ready(rank, now)[:1], *self._encoded_of(rank)[:1])
        return [bound.since for bound in first]

    def _oldest(self, rank: Rank, now: float) -> float:
        """Since when the first job of a rank that may be served waits; `now` for none."""
        waiting = map(self._since, self._in_order(rank, now))
        return min((*waiting, *(bound.since for bound in self._encoded_of(rank))), default=now)

    def _ready(self, rank: Rank, now: float) -> list[BoundJob]:
        """The waiting jobs that go next: the first and those with its key."""
        jobs: list[BoundJob] = []
        for entry in self._in_order(rank, now):
            binding = entry.job.bind()
            if binding is not None and (not jobs or binding.key == jobs[0].binding.key):
                jobs.append(BoundJob(entry.job, binding, self._since(entry)))
        return jobs

    def _in_order(self, rank: Rank, now: float) -> list[Entry]:
        """The waiting jobs of a rank that may be served now."""
        entries = self._waiting.of(rank)
        if rank.kind is WindowKind.INTERIM:
            busy = {job.stream for job in self._scheduled() if job.kind is rank.kind}
            if not self._policy.coalesce:
                busy.clear()
            entries = [e for e in entries if e.job.stream not in busy and self._since(e) <= now]
        fifo = self._policy.order is Order.FIFO
        return sorted(entries, key=lambda e: (e.since if fifo else e.deadline, e.job.job_id))

    def _since(self, entry: Entry) -> float:
        """Since when a job could be served: an interim not before the pace allows it."""
        if entry.job.kind is WindowKind.FINAL:
            return entry.since
        since = max(entry.since, self._pace.eased)
        begun = self._begun.get(entry.job.stream)
        return since if begun is None else max(since, begun + self._pace.interval)

    def _begin(self, rank: Rank, phase: Phase, jobs: Iterable[BoundJob], now: float) -> None:
        """Take jobs out of the encoded or the waiting ones."""
        if rank in BATCH_RANKS:
            self._last_batch_call = now
        elif rank == LIVE_INTERIMS and phase is not Phase.ENCODE:
            self._last_interims = now
        if phase is not Phase.DECODE:
            self._take(rank, jobs, now)
            return
        for bound in jobs:
            del self._encoded[bound.job.job_id]

    def _take(self, rank: Rank, jobs: Iterable[BoundJob], now: float) -> None:
        """Take jobs out of the waiting ones."""
        entries = [self._waiting.take(bound.job.job_id) for bound in jobs]
        live, interims = rank in LIVE_RANKS, rank.kind is WindowKind.INTERIM
        waits = [now - self._since(entry) for entry in entries]
        for entry, wait in zip(entries, waits, strict=True):
            if live:
                self._pace.observe(rank.kind, wait, max(entry.deadline - entry.since, 0.0), now)
            if interims:
                self._begun[entry.job.stream] = now
        if interims:
            longest = self._pace.interval
            self._begun = {s: at for s, at in self._begun.items() if now - at < longest}

    def _encoded_of(self, rank: Rank) -> list[BoundJob]:
        """The encoded jobs that are decoded next: the most urgent and those with its key."""
        jobs = [bound for bound in self._encoded.values() if bound.job.rank == rank]
        jobs.sort(key=lambda bound: (bound.job.deadline, bound.job.job_id))
        return [bound for bound in jobs if bound.binding.key == jobs[0].binding.key]

    def _scheduled(self) -> Iterator[Job]:
        """Jobs that were scheduled and have not ended."""
        for batch in (*self._running.values(), *self._retries):
            yield from (bound.job for bound in batch.jobs)
        yield from (bound.job for bound in self._encoded.values())

    def _retry(self, groups: Iterable[tuple[BoundJob, ...]], crashes: int) -> None:
        """Recognize groups anew; what was decoded together may be too much to be encoded so."""
        most = self._phases.room.rows(Phase.ENCODE)
        for group in groups:
            for first in range(0, len(group), most):
                part = group[first : first + most]
                self._retries.append(Batch(next(self._batch_ids), part, crashes=crashes))

    def _shrink(self, batch: Batch, left: tuple[BoundJob, ...]) -> None:
        """Leave jobs out of a batch; a retry of nothing is dropped."""
        if batch.batch_id in self._running:
            self._running[batch.batch_id] = replace(batch, jobs=left)
            return
        shrunk = (replace(b, jobs=left) if b is batch else b for b in self._retries)
        self._retries = deque(retry for retry in shrunk if retry.jobs)


def _by_key(jobs: Iterable[BoundJob]) -> list[tuple[BoundJob, ...]]:
    groups: dict[Hashable, list[BoundJob]] = {}
    for bound in jobs:
        groups.setdefault((bound.job.rank, bound.binding.key), []).append(bound)
    return [tuple(group) for group in groups.values()]
