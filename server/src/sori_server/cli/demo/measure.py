"""What one stream of the demonstration achieved."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median

from sori_client.types import FinalReason, Result

from sori_server.cli.demo.recordings import DemoRecording
from sori_server.cli.wer import WordErrors, word_errors


class Measurement:
    """Collects results with the time they came, in seconds since the recording began.

    The recording is sent at the pace of speech, so that time is also a place in it.
    """

    def __init__(self, recording: DemoRecording) -> None:
        self._recording = recording
        self._texts: list[str] = []
        self._begun: set[int] = set()
        self.first_interims: list[float] = []
        """From the first sample of speech to the first text of an utterance."""
        self.finals: list[float] = []
        """From the endpoint decision to the final text, as the server tells."""
        self.hangovers: list[float] = []
        """Silence waited for before that decision."""

    def take(self, result: Result, arrived: float) -> None:
        """Count one result."""
        if result.is_final:
            self._take_final(result)
        elif result.text.strip() and result.utterance_index not in self._begun:
            self._begun.add(result.utterance_index)
            start = self._recording.speech_start(result.start)
            if start is not None:
                self.first_interims.append(arrived - start)

    def _take_final(self, result: Result) -> None:
        self._texts.append(result.text.strip())
        if result.latency is None:
            return
        self.finals.append(result.latency.total)
        if result.final_reason is FinalReason.ENDPOINT:
            self.hangovers.append(result.latency.endpointing)

    @property
    def has_words(self) -> bool:
        """Whether anything was recognized."""
        return any(self._texts)

    @property
    def errors(self) -> WordErrors:
        """Word errors of all final text."""
        return word_errors(self._recording.said, " ".join(self._texts))


def middle(values: Iterable[float]) -> float | None:
    """The median; None of nothing."""
    known = list(values)
    return median(known) if known else None
