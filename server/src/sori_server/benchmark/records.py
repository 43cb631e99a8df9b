"""What passes between the processes of a run."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sori_server.benchmark.scripts import StreamPlan
from sori_server.benchmark.target import Heard, Target

Seconds = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Share:
    """What one process has to do. `ends` is when its streams stop sending, in seconds."""

    target: Target
    plans: tuple[StreamPlan, ...]
    ends: float

    @property
    def measured(self) -> bool:
        """Whether any figure comes from it."""
        return any(plan.measured for plan in self.plans)


@dataclass(frozen=True, slots=True)
class StreamRecord:
    """What came of one stream. Moments are seconds since the run began."""

    number: int
    sent: int
    """Samples the connection took."""
    acknowledged: int | None
    """Samples the server says it has received; None where it does not tell."""
    heard: tuple[tuple[float, Heard], ...] = field(repr=False)
    """Results, and when each came."""
    late: Seconds = field(repr=False)
    """For each chunk, how long after it was due and free to go it was handed over."""
    held: Seconds = field(repr=False)
    """For each chunk, how long after it was due the chunk before was taken."""
    complete: bool
    """Everything was sent and answered."""
    refused_after: float | None = None
    """From connecting to the refusal, if the server had no room."""
    failure: str = ""
    """Why it ended early otherwise."""


@dataclass(frozen=True, slots=True)
class Pulse:
    """How one process fares, each second.

    `finals` and `interims` are those of this second: how far behind the audio they cover.
    """

    at: float
    open_streams: int
    sent: float
    """Seconds of audio."""
    finals: tuple[float, ...]
    interims: tuple[float, ...]
    late: float
    """The latest this process got to anything in this second."""
    cpu: float
    """Seconds of processor time since it was started."""


@dataclass(frozen=True, slots=True)
class ShareRecord:
    """What came of one process; `ticks` are how late it looked at the clock."""

    streams: tuple[StreamRecord, ...]
    ticks: Seconds = field(repr=False)
    cpu: float
    """Seconds of processor time it took."""
