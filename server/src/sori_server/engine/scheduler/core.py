"""Which windows the model takes next. Pure: the time is told, nothing is waited for.

Rules of this file:

* Earliest deadline first (Liu and Layland, 1973), finals before interims. A batch is the
  first ready job and those after it that have an equal key, up to `max_batch`. Finals and
  interims never share one.
* So that interims cannot starve, one batch of them goes before finals once the first
  of them has waited `INTERIM_FLOOR`; at most one such batch runs in that time.
* A stream has at most one waiting interim. A newer one replaces it and keeps its place.
* Late binding: a job is asked what it would recognize at the moment it is scheduled.
* Batches whose worker died are retried before everything else, split by `isolation`,
  with the spans they had. The oldest go first, so that one killer never makes more than
  a few crashes in a row without an innocent batch in between.
* `max_pending` bounds the waiting jobs. At the bound an interim is refused; a final takes
  the place of the interim with the latest deadline, and is refused when there is none.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from itertools import count
from typing import Final

from sori_server.domain.audio import Span
from sori_server.domain.errors import CapacityExhausted
from sori_server.domain.recognition import WindowKind
from sori_server.engine.scheduler.isolation import isolate

INTERIM_FLOOR: Final = 2.0
"""Seconds after which waiting interims get a batch before finals."""


@dataclass(frozen=True, slots=True)
class Binding:
    """What a job would recognize now. Jobs with equal keys may share a batch."""

    key: Hashable
    span: Span


@dataclass(frozen=True, slots=True)
class Job:
    """A window that wants text.

    `deadline` is on the clock of `now`, in seconds. `bind` returns None while there is
    nothing to recognize yet.
    """

    job_id: int
    stream: Hashable
    kind: WindowKind
    deadline: float
    bind: Callable[[], Binding | None]


@dataclass(frozen=True, slots=True)
class BoundJob:
    """A job with the samples it was scheduled for."""

    job: Job
    span: Span


@dataclass(frozen=True, slots=True)
class Batch:
    """Jobs for one model call. `crashes` counts the workers they were on that died."""

    batch_id: int
    jobs: tuple[BoundJob, ...]
    crashes: int = 0


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A job with its place: when it came and its deadline, its predecessor's if it had one."""

    job: Job
    since: float
    deadline: float


class Scheduler:
    """Orders the windows of all streams into batches.

    Every job added ends exactly once: completed or quarantined with its batch, replaced
    or evicted (returned by `add`), or cancelled.
    """

    def __init__(self, max_batch: int, max_pending: int) -> None:
        self._max_batch = max_batch
        self._max_pending = max_pending
        self._waiting: dict[int, _Waiting] = {}
        self._interims: dict[Hashable, int] = {}
        self._running: dict[int, Batch] = {}
        self._retries: deque[Batch] = deque()
        self._batch_ids = count(1)
        self._last_interims = float("-inf")

    @property
    def waiting(self) -> int:
        """Jobs that were never scheduled."""
        return len(self._waiting)

    @property
    def active(self) -> int:
        """Jobs that run or wait to be retried."""
        return sum(len(batch.jobs) for batch in self._scheduled())

    def add(self, job: Job, now: float) -> Job | None:
        """Take a job; returns the interim it replaces or evicts, which has then ended.

        Raises:
            CapacityExhausted: `max_pending` jobs wait and none of them makes room.
        """
        entry = _Waiting(job, now, job.deadline)
        displaced = self._predecessor(job)
        if displaced is not None:
            entry = _Waiting(job, displaced.since, min(displaced.deadline, job.deadline))
        elif len(self._waiting) >= self._max_pending:
            displaced = self._evictable(job)
        if displaced is not None:
            self._remove(displaced.job)
        self._waiting[job.job_id] = entry
        if job.kind is WindowKind.INTERIM:
            self._interims[job.stream] = job.job_id
        return displaced.job if displaced else None

    def cancel(self, job_id: int) -> bool:
        """Forget a job; returns whether it was known. A running one is not retried."""
        entry = self._waiting.get(job_id)
        if entry is not None:
            self._remove(entry.job)
            return True
        for batch in self._scheduled():
            left = tuple(bound for bound in batch.jobs if bound.job.job_id != job_id)
            if len(left) < len(batch.jobs):
                self._shrink(replace(batch, jobs=left))
                return True
        return False

    def schedule(self, now: float) -> Batch | None:
        """The next batch, None when no job is ready. It runs until `complete` or `fail`."""
        if self._retries:
            batch = self._retries.popleft()
        else:
            finals, interims = self._gather(WindowKind.FINAL), self._gather(WindowKind.INTERIM)
            jobs = finals
            if interims and (not finals or self._floor_reached(interims[0], now)):
                jobs, self._last_interims = interims, now
            if not jobs:
                return None
            for bound in jobs:
                self._remove(bound.job)
            batch = Batch(next(self._batch_ids), jobs)
        self._running[batch.batch_id] = batch
        return batch

    def complete(self, batch_id: int) -> None:
        """The batch has run; its jobs have ended."""
        del self._running[batch_id]

    def fail(self, batch_id: int) -> tuple[Job, ...]:
        """The worker died on the batch; returns the jobs quarantined for it, which have ended."""
        batch = self._running.pop(batch_id)
        crashes = batch.crashes + 1
        verdict = isolate(batch.jobs, crashes)
        for group in verdict.retry:
            self._retries.append(Batch(next(self._batch_ids), group, crashes))
        return tuple(bound.job for bound in verdict.quarantined)

    def _gather(self, kind: WindowKind) -> tuple[BoundJob, ...]:
        """The next batch of this kind, in order of deadline."""
        live = [bound.job for batch in self._scheduled() for bound in batch.jobs]
        busy = {job.stream for job in live if job.kind is WindowKind.INTERIM}
        entries = [entry for entry in self._waiting.values() if entry.job.kind is kind]
        entries.sort(key=lambda entry: (entry.deadline, entry.job.job_id))
        jobs: list[BoundJob] = []
        key: Hashable = None
        for entry in entries:
            if kind is WindowKind.INTERIM and entry.job.stream in busy:
                continue
            binding = entry.job.bind()
            if binding is None or (jobs and binding.key != key):
                continue
            key = binding.key
            jobs.append(BoundJob(entry.job, binding.span))
            if len(jobs) == self._max_batch:
                break
        return tuple(jobs)

    def _floor_reached(self, first: BoundJob, now: float) -> bool:
        waited_since = max(self._waiting[first.job.job_id].since, self._last_interims)
        return now - waited_since >= INTERIM_FLOOR

    def _predecessor(self, job: Job) -> _Waiting | None:
        """The waiting interim of the stream, if `job` is an interim too."""
        if job.kind is WindowKind.FINAL or job.stream not in self._interims:
            return None
        return self._waiting[self._interims[job.stream]]

    def _evictable(self, job: Job) -> _Waiting:
        """The waiting interim that gives way to `job`."""
        interims = [self._waiting[job_id] for job_id in self._interims.values()]
        if job.kind is WindowKind.INTERIM or not interims:
            raise CapacityExhausted(f"{self._max_pending} windows are waiting already")
        return max(interims, key=lambda entry: (entry.deadline, entry.job.job_id))

    def _remove(self, job: Job) -> None:
        del self._waiting[job.job_id]
        if job.kind is WindowKind.INTERIM:
            del self._interims[job.stream]

    def _scheduled(self) -> list[Batch]:
        return [*self._running.values(), *self._retries]

    def _shrink(self, batch: Batch) -> None:
        """Put `batch` in the place of the one it was; a retry of nothing is dropped."""
        if batch.batch_id in self._running:
            self._running[batch.batch_id] = batch
            return
        left = (batch if old.batch_id == batch.batch_id else old for old in self._retries)
        self._retries = deque(retry for retry in left if retry.jobs)
