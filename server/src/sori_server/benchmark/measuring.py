"""From what came back on one stream to what is measured of it.

A moment of speech is the moment the chunk that holds it was due, whether or not it was sent
in time. What lies outside the period (the warm-up, and what comes after) is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from sori_server.benchmark.records import StreamRecord
from sori_server.benchmark.scripts import Spoken, StreamPlan
from sori_server.benchmark.target import Heard
from sori_server.domain.audio import SAMPLE_RATE
from sori_server.evaluation.alignment import word_edits
from sori_server.evaluation.texts import normalised

SLACK: Final = 0.2
"""Seconds by which a final may end before an utterance and still cover its end."""
UNCOVERED: Final = 0.5
"""Seconds of an utterance's words that may lie in no final: speech is noticed late, and trimmed."""
OVERLAP: Final = 0.1
"""Seconds two finals may share before one of them counts as doubled."""

Timed = tuple[float, float]
"""A moment of the run and a duration."""
Arrival = tuple[float, Heard]


@dataclass(frozen=True, slots=True)
class Period:
    """The part of a run that is measured, from `start` until before `end`, in seconds."""

    start: float
    end: float

    def __contains__(self, moment: float) -> bool:
        return self.start <= moment < self.end


@dataclass(slots=True)
class StreamMeasure:
    """What is measured of one stream, or of several that were added up."""

    utterances: int = 0
    missing: int = 0
    doubled: int = 0
    finalisation: list[Timed] = field(default_factory=list)
    hang_over: list[float] = field(default_factory=list)
    after_decision: list[float] = field(default_factory=list)
    first_text: list[float] = field(default_factory=list)
    staleness: list[float] = field(default_factory=list)
    interval: list[float] = field(default_factory=list)
    queue: list[Timed] = field(default_factory=list)
    behind: list[Timed] = field(default_factory=list)
    """Finals: how far they came behind the audio they cover."""
    batch_sizes: list[int] = field(default_factory=list)
    word_errors: list[tuple[str, int, int]] = field(default_factory=list, repr=False)
    """For each utterance its block, its words and the errors in them."""

    def add(self, other: StreamMeasure) -> None:
        """Count those of another stream, too."""
        self.utterances += other.utterances
        self.missing += other.missing
        self.doubled += other.doubled
        for name in _LISTS:
            getattr(self, name).extend(getattr(other, name))


_LISTS: Final = (
    *("finalisation", "hang_over", "after_decision", "first_text", "staleness", "interval"),
    *("queue", "behind", "batch_sizes", "word_errors"),
)


def measured(
    plan: StreamPlan, record: StreamRecord, period: Period, *, by_final: bool
) -> StreamMeasure:
    """Everything measured of a stream that ended well.

    Args:
        plan: what was sent.
        record: what came back.
        period: what counts.
        by_final: measure finalisation from the last word each final covers, not from the
            end of each utterance: what silence does not end has no other end.
    """
    said = list(plan.script.spoken_until(record.sent / SAMPLE_RATE))
    counted = [spoken for spoken in said if plan.due(spoken.end) in period]
    finals = [each for each in record.heard if each[1].is_final]
    measure = StreamMeasure(utterances=len(counted), doubled=_doubled(finals))
    for spoken in counted:
        covering = _covering(finals, spoken.end)
        measure.missing += covering is None or _uncovered(finals, spoken) > UNCOVERED
        if covering is not None and not by_final:
            measure.finalisation.append((plan.due(spoken.end), covering - plan.due(spoken.end)))
        measure.first_text.extend(_first_text(plan, record, spoken))
    if by_final:
        measure.finalisation.extend(_from_last_words(plan, said, finals, period))
    _measure_results(measure, plan, [each for each in record.heard if each[0] in period])
    measure.word_errors.extend(_word_errors(plan, said, finals, period))
    return measure


def _covering(finals: Sequence[Arrival], end: float) -> float | None:
    """When the first final came that covers this place."""
    return next((at for at, h in finals if h.start < end and h.end >= end - SLACK), None)


def _uncovered(finals: Sequence[Arrival], spoken: Spoken) -> float:
    """Seconds of its words that no final covers."""
    spans = sorted((heard.start, heard.end) for _, heard in finals)
    uncovered = 0.0
    for start, end in spoken.words:
        reached = start
        for first, last in spans:
            uncovered += max(min(first, end) - reached, 0.0)
            reached = max(reached, last)
        uncovered += max(end - reached, 0.0)
    return uncovered


def _doubled(finals: Sequence[Arrival]) -> int:
    spans = sorted((heard.start, heard.end) for _, heard in finals)
    furthest, count = 0.0, 0
    for start, end in spans:
        count += start < furthest - OVERLAP
        furthest = max(furthest, end)
    return count


def _first_text(plan: StreamPlan, record: StreamRecord, spoken: Spoken) -> Iterator[float]:
    for at, heard in record.heard:
        if heard.start < spoken.end and heard.end > spoken.start and heard.text.strip():
            yield at - plan.due(spoken.start)
            return


def _from_last_words(
    plan: StreamPlan, said: Sequence[Spoken], finals: Sequence[Arrival], period: Period
) -> Iterator[Timed]:
    ends = [end for spoken in said for _, end in spoken.words]
    for at, heard in finals:
        covered = [end for end in ends if heard.start < end <= heard.end + SLACK]
        if covered and plan.due(covered[-1]) in period:
            yield plan.due(covered[-1]), at - plan.due(covered[-1])


def _measure_results(measure: StreamMeasure, plan: StreamPlan, arrivals: Sequence[Arrival]) -> None:
    newest: dict[int, float] = {}
    for at, heard in arrivals:
        behind = at - plan.due(heard.end)
        if heard.is_final:
            measure.behind.append((at, behind))
        else:
            measure.staleness.append(behind)
            if heard.utterance in newest:
                measure.interval.append(at - newest[heard.utterance])
            newest[heard.utterance] = at
        if (told := heard.told) is not None:
            measure.queue.append((at, told.queue))
            measure.batch_sizes.append(told.batch_size)
            if heard.is_final:
                measure.after_decision.append(told.total)
                measure.hang_over.append(told.endpointing)


def _word_errors(
    plan: StreamPlan, said: Sequence[Spoken], finals: Sequence[Arrival], period: Period
) -> Iterator[tuple[str, int, int]]:
    language = plan.script.language
    references = [normalised(spoken.text, language) for spoken in said]
    recognized = " ".join(normalised(heard.text, language) for _, heard in finals)
    if not any(references):
        return
    for spoken, edits in zip(said, word_edits(references, recognized), strict=True):
        if plan.due(spoken.end) in period:
            yield spoken.block, edits.length, edits.errors
