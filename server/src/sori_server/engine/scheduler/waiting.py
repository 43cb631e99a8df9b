"""The jobs that wait for the model: bounded, one interim per stream."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace

from sori_server.domain.config import Priority
from sori_server.domain.errors import CapacityExhausted
from sori_server.domain.recognition import WindowKind
from sori_server.engine.scheduler.jobs import Job, Rank


@dataclass(frozen=True, slots=True)
class Entry:
    """A job with its place: when it came and its deadline, its predecessor's if it had one."""

    job: Job
    since: float
    deadline: float


class WaitingRoom:
    """At most `most` jobs. A newer interim of a stream replaces the older one.

    At the bound an interim is refused; a final takes the place of the interim with the latest
    deadline, of a batch stream if there is one, and is refused when there is none. Nothing of
    a batch stream takes the place of a live interim.
    """

    def __init__(self, most: int, *, coalesce: bool = True) -> None:
        """Without `coalesce` each interim stays, bound to what it covers when it comes."""
        self._most = most
        self._coalesce = coalesce
        self._entries: dict[Rank, dict[int, Entry]] = {
            Rank(priority, kind): {} for priority in Priority for kind in WindowKind
        }
        self._interims: dict[Hashable, int] = {}

    def __len__(self) -> int:
        return sum(map(len, self._entries.values()))

    def of(self, rank: Rank) -> list[Entry]:
        """The waiting jobs of a rank."""
        return [*self._entries[rank].values()]

    def add(self, job: Job, now: float) -> Job | None:
        """Take a job; returns the interim that gives way to it.

        Raises:
            CapacityExhausted: there is no room.
        """
        if not self._coalesce:
            job = _bound(job)
        entry = Entry(job, now, job.deadline)
        displaced = self._predecessor(job)
        if displaced is not None:
            entry = Entry(job, displaced.since, min(displaced.deadline, job.deadline))
        elif len(self) >= self._most:
            displaced = self._evictable(job)
        if displaced is not None:
            self.remove(displaced.job.job_id)
        self._entries[job.rank][job.job_id] = entry
        if job.kind is WindowKind.INTERIM and self._coalesce:
            self._interims[job.stream] = job.job_id
        return displaced.job if displaced else None

    def take(self, job_id: int) -> Entry:
        """Take out a job.

        Raises:
            KeyError: it does not wait.
        """
        for entries in self._entries.values():
            if job_id in entries:
                entry = entries.pop(job_id)
                if self._interims.get(entry.job.stream) == job_id:
                    del self._interims[entry.job.stream]
                return entry
        raise KeyError(job_id)

    def remove(self, job_id: int) -> bool:
        """Take out a job, if it waits."""
        try:
            self.take(job_id)
        except KeyError:
            return False
        return True

    def _predecessor(self, job: Job) -> Entry | None:
        """The waiting interim of the stream, if `job` is an interim too."""
        if job.kind is WindowKind.FINAL or job.stream not in self._interims:
            return None
        return self._entries[job.rank][self._interims[job.stream]]

    def _evictable(self, job: Job) -> Entry:
        """The waiting interim that gives way to `job`."""
        interims = self.of(Rank(Priority.BATCH, WindowKind.INTERIM))
        if not interims and job.priority is Priority.LIVE:
            interims = self.of(Rank(Priority.LIVE, WindowKind.INTERIM))
        if job.kind is WindowKind.INTERIM or not interims:
            raise CapacityExhausted(f"{self._most} windows are waiting already")
        return max(interims, key=lambda entry: (entry.deadline, entry.job.job_id))


def _bound(job: Job) -> Job:
    binding = job.bind()
    return job if binding is None else replace(job, bind=lambda: binding)
