"""What a benchmark found: values that become JSON as they are. Times are seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sori_server.benchmark.usage import Sample
from sori_server.evaluation.distribution import Distribution

SCHEMA: Final = "sori.bench/1"
JITTER_BOUND: Final = 0.005
"""Seconds: a run whose p99 is not below this measured its generator, and is void."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What was run, and on what."""

    target: str
    server: str
    """How the server was started; empty for one that was there."""
    machine: str
    workload: str
    recordings: str
    duration: float
    warm_up: float
    seed: int
    processes: int


@dataclass(frozen=True, slots=True)
class Sending:
    """Whether the generator kept its schedule, and what the server kept it from."""

    jitter_p99: float | None
    """Chunks handed over late although the one before was taken."""
    jitter_worst: float | None
    tick_p99: float | None
    """How late the generator's processes got to anything at all."""
    held_p99: float | None
    """Chunks the server took late."""
    held_worst: float | None
    cores: float
    """Processor cores the generator kept busy."""

    @property
    def void(self) -> bool:
        """Whether the figures say more of the generator than of the server."""
        known = [late for late in (self.jitter_p99, self.tick_p99) if late is not None]
        return not known or max(known) >= JITTER_BOUND


@dataclass(frozen=True, slots=True)
class Growth:
    """A straight line through delays over time, by least squares."""

    basis: str
    """`queue`: what the server says of its queue; `finalisation` where it says nothing."""
    over_run: float
    """What the line rises in the time measured."""
    error: float
    """Standard error of that."""


@dataclass(frozen=True, slots=True)
class Losses:
    """What must not happen."""

    lost_samples: int | None
    """Sent and not acknowledged; None where the server does not tell."""
    sent_samples: int
    refused: int
    failed: int
    failures: tuple[str, ...]
    """Why, each reason once."""
    utterances: int
    """Said in the time measured."""
    missing: int
    """Utterances whose end, or more than a little of whose words, no final result covers."""
    doubled: int
    """Final results that cover audio an earlier one covers."""


@dataclass(frozen=True, slots=True)
class Words:
    """Word errors of all measured streams together."""

    said: int
    errors: int
    expected_errors: float | None
    """What the same utterances had with few streams; None if that was not measured."""
    wer: float | None
    """A fraction; None of no words."""
    difference: float | None
    """`wer` less that of few streams."""

    @classmethod
    def of(cls, said: int, errors: int, expected: float | None) -> Words:
        """Rates of these counts."""
        if not said:
            return cls(said, errors, expected, None, None)
        difference = None if expected is None else (errors - expected) / said
        return cls(said, errors, expected, errors / said, difference)


@dataclass(frozen=True, slots=True)
class Point:
    """One second of a run: medians, and 95th percentiles."""

    at: float
    queue_p50: float | None
    queue_p95: float | None
    finals_p95: float | None
    """Final results behind the audio they cover."""


@dataclass(frozen=True, slots=True)
class RunFigures:
    """One run."""

    streams: int
    sending: Sending
    losses: Losses
    words: Words
    finalisation: Distribution
    """From the true end of speech, or of the last word a final covers, to its text."""
    hang_over: Distribution
    """Silence waited for, as the server tells; part of `finalisation`."""
    after_decision: Distribution
    """From the endpoint decision to the text, as the server tells; part of `finalisation`."""
    first_text: Distribution
    """From the start of an utterance to its first text."""
    staleness: Distribution
    """From the newest audio of an interim result to the result."""
    interval: Distribution
    """Between two interim results of an utterance."""
    queue: Distribution
    """Waiting for the engine, as the server tells."""
    refusal: Distribution
    """From connecting to being refused."""
    growth: Growth | None
    batch_sizes: Mapping[int, int]
    """Results by the windows that shared their model call."""
    disturbers: Mapping[str, str]
    """What became of the clients that were not measured."""
    course: tuple[Point, ...]
    usage: tuple[Sample, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """A run and what speaks against it, by deadline in seconds; nothing: it holds."""

    run: RunFigures
    void: bool
    complaints: Mapping[float, tuple[str, ...]]

    def holds(self, deadline: float) -> bool:
        """Whether all streams were served in time."""
        return not self.void and not self.complaints[deadline]


@dataclass(frozen=True, slots=True)
class Capacity:
    """The most streams that are served within a deadline."""

    deadline: float
    streams: int
    failed_at: int | None
    """The fewest that were not; None if the search ended before there was one."""
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """Everything a benchmark found."""

    schema: str
    setup: Setup
    rehearsal: RunFigures | None
    """The run with few streams that word errors are compared with."""
    runs: tuple[Judged, ...]
    capacities: tuple[Capacity, ...]
