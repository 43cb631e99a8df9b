"""What the scheduler orders: jobs, what they are bound to, and batches of them."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Final

from sori_server.domain.audio import Span
from sori_server.domain.config import Priority
from sori_server.domain.recognition import WindowKind
from sori_server.engine.cost import CallLoad, Phase

_LIGHT: Final = CallLoad(frames=1, rows=1, steps=1, beam_size=1, phase=Phase.RECOGNIZE)


@dataclass(frozen=True, slots=True)
class Rank:
    """Whom a window is served with; calls never mix ranks."""

    priority: Priority
    kind: WindowKind


@dataclass(frozen=True, slots=True)
class Binding:
    """What a job would recognize now. Jobs with equal keys may share a batch.

    `load` is that of a call for it alone.
    """

    key: Hashable
    span: Span
    load: CallLoad = _LIGHT


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
    priority: Priority = Priority.LIVE

    @property
    def rank(self) -> Rank:
        """Whom it is served with."""
        return Rank(self.priority, self.kind)


@dataclass(frozen=True, slots=True)
class BoundJob:
    """A job with what it was scheduled for, and since when it could have been."""

    job: Job
    binding: Binding
    since: float = 0.0

    @property
    def span(self) -> Span:
        """The samples it covers."""
        return self.binding.span


@dataclass(frozen=True, slots=True)
class Batch:
    """Jobs for one model call. `crashes` counts the workers they were on that died."""

    batch_id: int
    jobs: tuple[BoundJob, ...]
    phase: Phase = Phase.RECOGNIZE
    crashes: int = 0
