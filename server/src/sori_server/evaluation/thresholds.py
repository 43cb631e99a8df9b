"""What figures may be at most, for continuous integration."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sori_server.evaluation.figures import Evaluation, LiveFigures, Row
from sori_server.evaluation.plan import Pace

POINTS = 100.0
"""Rates are fractions; thresholds of word error rates are percentage points."""

Measured = tuple[str, float | None, float | None]
"""What was measured, its value, and its limit; None where there is none."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Limits; None for what may be anything."""

    wer_difference: float | None = None
    """Live less offline over all recordings, in points."""
    recording_wer_difference: float | None = None
    """The same on each recording."""
    erasure: float | None = None
    """Normalised erasure over all recordings."""
    violations: float | None = None
    """Results that take committed text back."""
    silence_words: float | None = None
    """Words shown, and windows recognized, where nothing is said."""
    final_latency: float | None = None
    """99 % of finals come this soon after the endpoint decision; seconds, paced only."""
    word_start: float | None = None
    """Median distance of word starts, live less offline; seconds."""

    def failures(self, evaluation: Evaluation) -> list[str]:
        """One line for each limit that does not hold. What was not measured does not hold."""
        lines = []
        for what, value, limit in self._measured(evaluation):
            if limit is None:
                continue
            if value is None:
                lines.append(f"{what}: not measured, at most {limit:g} wanted")
            elif round(value, 9) > limit:
                lines.append(f"{what}: {value:.4g}, at most {limit:g} wanted")
        return lines

    def _measured(self, evaluation: Evaluation) -> Iterator[Measured]:
        paced = evaluation.total.live.get(Pace.PACED.value)
        slowest = paced.latency.after_decision.p99 if paced else None
        yield "paced: final latency p99, s", slowest, self.final_latency
        for pace, figures in evaluation.total.live.items():
            yield from self._of_total(pace, figures, evaluation.total)
            for row in evaluation.recordings:
                if pace in row.live:
                    what = f"{pace}: WER difference of {row.name}, points"
                    difference = _points(row.live[pace].wer_difference)
                    yield what, difference, self.recording_wer_difference
        yield from self._of_silence(evaluation)

    def _of_silence(self, evaluation: Evaluation) -> Iterator[Measured]:
        if not any(row.silence for row in evaluation.recordings):
            yield "words where nothing is said", None, self.silence_words
        for row in evaluation.recordings:
            for pace, silence in row.silence.items():
                yield f"{pace}: words in {row.name}", silence.words, self.silence_words
                if silence.model_calls is not None:
                    what = f"{pace}: windows recognized in {row.name}"
                    yield what, silence.model_calls, self.silence_words

    def _of_total(self, pace: str, live: LiveFigures, total: Row) -> Iterator[Measured]:
        yield f"{pace}: WER difference, points", _points(live.wer_difference), self.wer_difference
        yield f"{pace}: erasure", live.stability.normalised_erasure, self.erasure
        yield f"{pace}: violations", live.stability.violations, self.violations
        offline = total.offline.word_times.start.p50 if total.offline else None
        start = live.word_times.start.p50
        known = start is not None and offline is not None
        distance = (start or 0.0) - (offline or 0.0) if known else None
        yield f"{pace}: word start error over offline, s", distance, self.word_start


def _points(rate: float | None) -> float | None:
    return None if rate is None else POINTS * rate
