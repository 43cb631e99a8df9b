"""From the records of a run to its figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from sori_server.benchmark.figures import Growth, Losses, Point, RunFigures, Sending, Words
from sori_server.benchmark.measuring import Period, StreamMeasure, Timed, measured
from sori_server.benchmark.records import Seconds, ShareRecord, StreamRecord
from sori_server.benchmark.scripts import StreamPlan
from sori_server.benchmark.usage import Sample
from sori_server.domain.audio import SAMPLE_RATE
from sori_server.evaluation.distribution import Distribution, percentile

FEWEST: Final = 8
"""Delays a line is drawn through at least."""

Rates = Mapping[str, float]
"""Word errors an utterance has with few streams, by block."""


@dataclass(frozen=True, slots=True)
class Run:
    """What one run left behind. `ends` is when its streams stopped sending."""

    plans: tuple[StreamPlan, ...]
    shares: tuple[ShareRecord, ...]
    period: Period
    ends: float
    by_final: bool
    usage: tuple[Sample, ...] = ()

    @property
    def streams(self) -> dict[int, StreamRecord]:
        """All records by number."""
        return {record.number: record for share in self.shares for record in share.streams}

    @property
    def pairs(self) -> list[tuple[StreamPlan, StreamRecord]]:
        """The measured streams."""
        streams = self.streams
        return [(plan, streams[plan.number]) for plan in self.plans if plan.measured]


def error_rates(run: Run) -> Rates:
    """Word errors of each block in a run with few streams."""
    found: dict[str, list[int]] = {}
    for block, _, errors in _total(run).word_errors:
        found.setdefault(block, []).append(errors)
    return {block: sum(errors) / len(errors) for block, errors in found.items()}


def figures(run: Run, rates: Rates | None) -> RunFigures:
    """All figures of a run; `rates` are those of a run with few streams, if there was one."""
    total = _total(run)
    records = [record for _, record in run.pairs]
    refusals = [r.refused_after for r in records if r.refused_after is not None]
    return RunFigures(
        streams=len(records),
        sending=_sending(run, records),
        losses=_losses(records, total),
        words=_words(total, rates),
        finalisation=Distribution.of([seconds for _, seconds in total.finalisation]),
        hang_over=Distribution.of(total.hang_over),
        after_decision=Distribution.of(total.after_decision),
        first_text=Distribution.of(total.first_text),
        staleness=Distribution.of(total.staleness),
        interval=Distribution.of(total.interval),
        queue=Distribution.of([seconds for _, seconds in total.queue]),
        refusal=Distribution.of(refusals),
        growth=_growth(total, run.period),
        batch_sizes=dict(sorted(Counter(total.batch_sizes).items())),
        disturbers=dict(_disturbers(run)),
        course=tuple(_course(total, run.period)),
        usage=run.usage,
    )


def _total(run: Run) -> StreamMeasure:
    total = StreamMeasure()
    for plan, record in run.pairs:
        if record.complete:
            total.add(measured(plan, record, run.period, by_final=run.by_final))
    return total


def _sending(run: Run, records: Sequence[StreamRecord]) -> Sending:
    late = _joined([record.late for record in records])
    held = _joined([record.held for record in records])
    busy = [share for share in run.shares if not _only_disturbs(run, share)]
    ticks = _joined([share.ticks for share in busy])
    return Sending(
        jitter_p99=percentile(late, 99),
        jitter_worst=max(late, default=None),
        tick_p99=percentile(ticks, 99),
        held_p99=percentile(held, 99),
        held_worst=max(held, default=None),
        cores=sum(share.cpu for share in run.shares) / run.ends,
    )


def _only_disturbs(run: Run, share: ShareRecord) -> bool:
    """Whether a process had none of the measured streams."""
    measured_numbers = {plan.number for plan in run.plans if plan.measured}
    return not any(record.number in measured_numbers for record in share.streams)


def _joined(parts: Sequence[Seconds]) -> list[float]:
    values: list[float] = np.concatenate([*parts, np.zeros(0, np.float32)]).tolist()
    return values


def _losses(records: Sequence[StreamRecord], total: StreamMeasure) -> Losses:
    complete = [record for record in records if record.complete]
    known = [r.sent - r.acknowledged for r in complete if r.acknowledged is not None]
    failures = [record.failure for record in records if record.failure]
    return Losses(
        lost_samples=sum(map(abs, known)) if known else None,
        sent_samples=sum(record.sent for record in complete),
        refused=sum(record.refused_after is not None for record in records),
        failed=len(failures),
        failures=tuple(sorted(set(failures))),
        utterances=total.utterances,
        missing=total.missing,
        doubled=total.doubled,
    )


def _words(total: StreamMeasure, rates: Rates | None) -> Words:
    said = sum(words for _, words, _ in total.word_errors)
    errors = sum(errors for *_, errors in total.word_errors)
    if rates is None:
        return Words.of(said, errors, None)
    return Words.of(said, errors, sum(rates.get(block, 0.0) for block, *_ in total.word_errors))


def _growth(total: StreamMeasure, period: Period) -> Growth | None:
    """The line through the queue's delays, or through finalisation where they are not told."""
    basis, delays = ("queue", total.queue) if total.queue else ("finalisation", total.finalisation)
    return line_through(delays, basis, period) if len(delays) >= FEWEST else None


def line_through(delays: Sequence[Timed], basis: str, period: Period) -> Growth:
    """Ordinary least squares, with the standard error of the slope."""
    at, delay = (np.array(values) for values in zip(*delays, strict=True))
    centred = at - at.mean()
    spread = float((centred**2).sum()) or 1.0
    slope = float((centred * (delay - delay.mean())).sum()) / spread
    rest = delay - delay.mean() - slope * centred
    error = float(np.sqrt((rest**2).sum() / max(len(at) - 2, 1) / spread))
    length = period.end - period.start
    return Growth(basis, slope * length, error * length)


def _disturbers(run: Run) -> Iterator[tuple[str, str]]:
    streams = run.streams
    for plan in run.plans:
        if not plan.measured:
            record = streams[plan.number]
            refused = "refused" if record.refused_after is not None else ""
            ended = record.failure or refused or "ended well"
            yield plan.manner.value, f"sent {record.sent / SAMPLE_RATE:.0f} s of audio, {ended}"


def _course(total: StreamMeasure, period: Period) -> Iterator[Point]:
    queue, behind = _by_second(total.queue), _by_second(total.behind)
    for second in range(int(period.start), int(period.end)):
        waits, finals = queue.get(second, ()), behind.get(second, ())
        yield Point(
            at=float(second),
            queue_p50=percentile(waits, 50),
            queue_p95=percentile(waits, 95),
            finals_p95=percentile(finals, 95),
        )


def _by_second(delays: Sequence[Timed]) -> dict[int, list[float]]:
    found: dict[int, list[float]] = {}
    for at, delay in delays:
        found.setdefault(int(at), []).append(delay)
    return found
