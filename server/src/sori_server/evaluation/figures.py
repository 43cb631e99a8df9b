"""The figures of an evaluation, as they are written to JSON.

Shares and rates are fractions of 1, times are seconds. `docs/evaluation.md` says what each
is; a name never changes its meaning within one `SCHEMA`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sori_server.evaluation.distribution import Distribution
from sori_server.evaluation.tally import Tally

SCHEMA: Final = "sori-eval/1"


@dataclass(frozen=True, slots=True)
class Accuracy:
    """What is right and wrong in the text. Rates are None where nothing was said."""

    words: int
    substitutions: int
    deletions: int
    insertions: int
    wer: float | None
    cer: float | None
    insertion_rate: float | None
    utterances: int
    empty: int
    empty_rate: float | None

    @classmethod
    def of(cls, tally: Tally) -> Accuracy:
        """The rates of a tally."""
        words, characters = tally.words, tally.characters
        return cls(
            words=words.length,
            substitutions=words.substitutions,
            deletions=words.deletions,
            insertions=words.insertions,
            wer=share(words.errors, words.length),
            cer=share(characters.errors, characters.length),
            insertion_rate=share(words.insertions, words.length),
            utterances=tally.utterances,
            empty=tally.empty,
            empty_rate=share(tally.empty, tally.utterances),
        )


@dataclass(frozen=True, slots=True)
class WordTimes:
    """Distances of word starts and ends from the reference."""

    start: Distribution
    end: Distribution

    @classmethod
    def of(cls, tally: Tally) -> WordTimes:
        """The distances of a tally."""
        return cls(Distribution.of(tally.start_errors), Distribution.of(tally.end_errors))


@dataclass(frozen=True, slots=True)
class OfflineFigures:
    """faster-whisper's own pass: `accuracy` utterance by utterance, `whole` in one go."""

    accuracy: Accuracy
    whole: Accuracy
    word_times: WordTimes


@dataclass(frozen=True, slots=True)
class LatencyFigures:
    """Times of a live pass; the field docstrings of `Tally` say from where to where."""

    first_interim: Distribution
    word_shown: Distribution
    word_committed: Distribution
    finalisation: Distribution
    hang_over: Distribution
    after_decision: Distribution

    @classmethod
    def of(cls, tally: Tally) -> LatencyFigures:
        """The times of a tally."""
        return cls(*(Distribution.of(getattr(tally, name)) for name in cls.__annotations__))


@dataclass(frozen=True, slots=True)
class Stability:
    """What was shown and taken back.

    `normalised_erasure` is words taken back per word of final text, None without any;
    `misheard_erasure` leaves out changes of case and punctuation. `violations` counts
    results that take committed text back.
    """

    shown_words: int
    deleted_words: int
    normalised_erasure: float | None
    misheard_erasure: float | None
    violations: int

    @classmethod
    def of(cls, tally: Tally) -> Stability:
        """The share of a tally."""
        return cls(
            shown_words=tally.shown,
            deleted_words=tally.deleted,
            normalised_erasure=share(tally.deleted, tally.shown),
            misheard_erasure=share(tally.misheard, tally.shown),
            violations=tally.violations,
        )


@dataclass(frozen=True, slots=True)
class LiveFigures:
    """One live pass. `wer_difference` is its WER less that of the offline utterances."""

    accuracy: Accuracy
    wer_difference: float | None
    latency: LatencyFigures
    stability: Stability
    word_times: WordTimes

    @classmethod
    def of(cls, tally: Tally, offline: Tally) -> LiveFigures:
        """The figures of a live tally beside an offline one."""
        accuracy, yardstick = Accuracy.of(tally), Accuracy.of(offline)
        known = accuracy.wer is not None and yardstick.wer is not None
        return cls(
            accuracy=accuracy,
            wer_difference=(accuracy.wer or 0.0) - (yardstick.wer or 0.0) if known else None,
            latency=LatencyFigures.of(tally),
            stability=Stability.of(tally),
            word_times=WordTimes.of(tally),
        )


@dataclass(frozen=True, slots=True)
class Silence:
    """A live pass over a recording in which nothing is said.

    `model_calls` is None where it is not known, with a server elsewhere.
    """

    words: int
    model_calls: int | None


@dataclass(frozen=True, slots=True)
class Row:
    """Figures of a recording, a language or all; `live` and `silence` are by pace."""

    name: str
    languages: tuple[str, ...]
    duration: float
    offline: OfflineFigures | None
    live: dict[str, LiveFigures]
    silence: dict[str, Silence]


@dataclass(frozen=True, slots=True)
class Setup:
    """What was run with what."""

    sori: str
    faster_whisper: str
    model: str
    device: str
    compute_type: str
    mode: str
    preset: str
    address: str
    paces: tuple[str, ...]
    streams: int
    beam_size: int
    chunk: float
    offline_margin: float
    offline_temperature: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All figures of one run.

    `transcripts` holds what each pass wrote of each track, piece by piece; those of `fast`
    are the same in every run, with any number of streams. `wall_time` is how long each pass
    took. `send_delay` is the longest any piece of paced audio was sent too late: latencies
    are worth no more than that.
    """

    schema: str
    setup: Setup
    skipped: tuple[str, ...]
    recordings: tuple[Row, ...]
    languages: tuple[Row, ...]
    total: Row
    transcripts: dict[str, dict[str, tuple[str, ...]]]
    wall_time: dict[str, float]
    send_delay: dict[str, float]


def share(part: int, whole: int) -> float | None:
    """`part` of `whole`; None of nothing."""
    return part / whole if whole else None
