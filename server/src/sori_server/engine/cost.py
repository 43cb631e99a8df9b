"""How long a model call takes: c(window, batch, tokens). Pure: seconds are told, none are taken.

The form is that of a Transformer's work. Encoding costs something fixed, and for each window
a part linear (layers) and a part quadratic (attention) in its length. Each step of decoding
costs something fixed, and for each beam of each window a constant and a part linear in the
window's length (cross-attention). Coefficients are never negative, so more of anything never
costs less. They are fitted once, by least squares of relative errors, so that long calls do
not outweigh short ones and a call that was held up counts for little.

What a machine does later, such as getting hot or busy, is followed by one factor for each
phase and second of window length: a running mean of log(measured / predicted) that forgets,
in which no single call counts for more than a factor of `_MOST_SURPRISE`.
"""

from __future__ import annotations

import enum
import math
import operator
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

MOST_ROWS: Final = 1024
"""What `most_rows` says when one window more costs nothing."""

_UNFITTED: Final[tuple[float, ...]] = (0.01, 3e-4, 1e-7, 0.01, 0.01, 1e-6)
"""Coefficients before a fit: a model of 250 M parameters on a few slow cores."""
_LEAST_SECONDS: Final = 1e-6
_NO_BETTER: Final = 1e-9
"""A sum of squared relative errors that is not worth another coefficient."""
_LEARNING: Final = 0.25
_MOST_SURPRISE: Final = 2.0
_MOST_CORRECTION: Final = 400.0
_ALIKE: Final = 100
"""Frames: windows that end in the same so many share a correction, or there might be thousands."""

_END_STEPS: Final = 1
"""Steps of a window without words: the end of text."""
_STEPS_PER_SECOND: Final = 4.0
"""Usual tokens in a second of speech, before any were counted."""
_LEAST_STEPS_PER_SECOND: Final = 1.0
_SPEECH_REMEMBERED: Final = 300.0
"""Seconds of speech after which a count weighs 1/e."""
_MOST_STEPS_SURPRISE: Final = 3.0

_Matrix = NDArray[np.float64]


class Phase(enum.Enum):
    """What a model call does."""

    ENCODE = "encode"
    DECODE = "decode"
    RECOGNIZE = "recognize"
    """Both in one call."""


@dataclass(frozen=True, slots=True)
class CallLoad:
    """The work of one call.

    `rows` windows of `frames` feature frames each (100 a second), padding included; `steps`
    decoder steps (tokens of the longest text, its end included), `beam_size` beams a window.
    """

    frames: int
    rows: int
    steps: int
    beam_size: int
    phase: Phase


@dataclass(frozen=True, slots=True)
class Sample:
    """A call that was made, and the seconds it took."""

    load: CallLoad
    seconds: float


class CostModel:
    """Predicts seconds of model calls; never less for more rows, frames or steps.

    Before any `fit` it predicts a slow machine, so that nobody builds batches or promises
    on it; corrections bring it to the truth within some twenty calls.
    """

    def __init__(self) -> None:
        self._coefficients = _UNFITTED
        self._corrections: dict[Phase, dict[int, float]] = {phase: {} for phase in Phase}
        self._steps = _STEPS_PER_SECOND * _SPEECH_REMEMBERED / 10
        self._speech = _SPEECH_REMEMBERED / 10

    def fit(self, samples: Sequence[Sample]) -> None:
        """Take the coefficients that explain `samples` best, and forget all corrections.

        What no sample says anything about stays as it was.

        Raises:
            ValueError: a sample took no time.
        """
        if not all(0 < sample.seconds < math.inf for sample in samples):
            raise ValueError("a sample has a positive number of seconds")
        for corrections in self._corrections.values():
            corrections.clear()
        if not samples:
            return
        works = np.array([_work(sample.load) for sample in samples])
        relative = works / np.array([[sample.seconds] for sample in samples])
        told = np.flatnonzero(relative.any(axis=0))
        coefficients = np.array(self._coefficients)
        coefficients[told] = _non_negative(relative[:, told])
        self._coefficients = tuple(coefficients.tolist())

    def predict(self, load: CallLoad) -> float:
        """Seconds such a call will take; positive and finite."""
        shorter = (frames for frames in self._corrections[load.phase] if frames < load.frames)
        return max(
            self._corrected(load),
            *(self._corrected(replace(load, frames=frames)) for frames in shorter),
            _LEAST_SECONDS,
        )

    def correct(self, load: CallLoad, seconds: float) -> None:
        """Learn from a call that took `seconds`; it moves no prediction by more than a fifth."""
        surprise = math.log(max(_LEAST_SECONDS, seconds) / self._corrected(load))
        bounded = _clipped(surprise, math.log(_MOST_SURPRISE))
        correction = self._correction(load) + _LEARNING * bounded
        most = math.log(_MOST_CORRECTION)
        length = math.ceil(load.frames / _ALIKE) * _ALIKE
        self._corrections[load.phase][length] = _clipped(correction, most)

    def most_rows(self, load: CallLoad, quantum: float) -> int:
        """The most windows, 1 to `MOST_ROWS`, with which such a call takes at most `quantum` s.

        One window is allowed whatever it takes; `load.rows` is of no account.
        """
        fits, too_many = 1, MOST_ROWS + 1
        while too_many - fits > 1:
            rows = (fits + too_many) // 2
            if self.predict(replace(load, rows=rows)) <= quantum:
                fits = rows
            else:
                too_many = rows
        return fits

    def expected_steps(self, seconds_of_speech: float) -> int:
        """Decoder steps that a window with so much speech usually takes; at least one."""
        return _END_STEPS + math.ceil(self._steps / self._speech * seconds_of_speech)

    def count_steps(self, seconds_of_speech: float, steps: int) -> None:
        """Learn from a window how many steps speech takes; text in a loop counts for little."""
        usual = max(self._steps / self._speech, _LEAST_STEPS_PER_SECOND) * seconds_of_speech
        kept = math.exp(-seconds_of_speech / _SPEECH_REMEMBERED)
        text = max(steps - _END_STEPS, 0)
        self._steps = kept * self._steps + min(text, _MOST_STEPS_SURPRISE * usual)
        self._speech = kept * self._speech + seconds_of_speech

    def _corrected(self, load: CallLoad) -> float:
        seconds: float = sum(map(operator.mul, _work(load), self._coefficients))
        return max(seconds, _LEAST_SECONDS) * math.exp(self._correction(load))

    def _correction(self, load: CallLoad) -> float:
        """That of the shortest window seen that is as long; of the longest if none is.

        With it, `predict` can be kept monotone by never going below a shorter window.
        """
        known = self._corrections[load.phase]
        if not known:
            return 0.0
        longer = (frames for frames in known if frames >= load.frames)
        return known[min(longer, default=max(known))]


def _work(load: CallLoad) -> tuple[float, ...]:
    """What each coefficient is multiplied with."""
    encodes = load.phase is not Phase.DECODE
    decodes = load.phase is not Phase.ENCODE
    encoded = load.frames * load.rows * encodes
    steps = load.steps * decodes
    beams = steps * load.rows * load.beam_size
    return (encodes, encoded, load.frames * encoded, steps, beams, load.frames * beams)


def _non_negative(matrix: _Matrix) -> _Matrix:
    """The x >= 0 with the least |matrix x - 1|.

    It is the unbounded solution for the columns it uses (Lawson and Hanson, 1974); there are
    so few that all choices of columns are tried. Of equally good ones the simplest is taken.
    """
    scale = matrix.max(axis=0)
    best, least = np.zeros(len(scale)), math.inf
    for columns in _choices(len(scale)):
        part = matrix[:, columns] / scale[columns]
        solution = np.linalg.lstsq(part, np.ones(len(matrix)), rcond=None)[0]
        error = float(np.square(part @ solution - 1.0).sum())
        if error < least - _NO_BETTER and (solution >= 0).all():
            best, least = np.zeros(len(scale)), error
            best[columns] = solution / scale[columns]
    return best


def _choices(count: int) -> Iterator[list[int]]:
    for size in range(1, count + 1):
        yield from (list(columns) for columns in combinations(range(count), size))


def _clipped(value: float, most: float) -> float:
    return max(-most, min(most, value))
