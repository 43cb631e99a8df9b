"""A model whose true transcript is a function of the audio, for tests and load runs.

Each 100 ms frame of *word-bearing audio* holds one word: all its samples have the level
of the word's number; silence is zero. The levels are three 16-bit steps apart, so they
survive LINEAR16 and FLOAT32 exactly. A word belongs to the window that has sample
`OWNER` of its frame: windows that tile the audio have every word once, and since it is
the last sample of a 10 ms hop, so do windows whose start is moved back to a hop. A frame
whose samples differ (bytes lost, doubled or shifted) is read as a damaged word.
"""

from __future__ import annotations

import functools
import os
import random
import time
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sori_server.domain.audio import HOP, Span
from sori_server.domain.config import Task
from sori_server.domain.errors import EngineUnavailable, RecognitionFailed
from sori_server.domain.recognition import Hypothesis, RecognitionRequest, Word
from sori_server.engine.context import composed
from sori_server.engine.cost import CallLoad, Phase, Sample
from sori_server.engine.model import ModelLoader, WindowTask
from sori_server.engine.port import FloatArray, ModelInfo, StreamAudio

WORD_SAMPLES: Final = 1_600
"""Samples of one word."""
OWNER: Final = 799
"""Sample of a word that decides which window it belongs to."""
VAD_FRAME: Final = 512

WORDS: Final = 20_000
"""Ordinary words are 0 to `WORDS` - 1; the ones after them misbehave."""
POISON_WORD: Final = WORDS
"""The model raises."""
KILLER_WORD: Final = WORDS + 1
"""The worker process dies."""
HANG_WORD: Final = WORDS + 2
"""The model never returns."""
SLOW_WORD: Final = WORDS + 3
"""The model takes `SLOWNESS` seconds longer."""
SLOWNESS: Final = 0.7

_SPACING: Final = 3
_FULL_SCALE: Final = 32_768
_DAMAGED: Final = np.int16(32_767)
_CONTEXT_STEP: Final = 4
_MOST_CONTEXT: Final = 16
_LEAST_COST: Final = 1e-4
"""Seconds that a call takes which costs nothing."""


def level(word: int) -> float:
    """The sample value of `word`, -1 to 1; neighbours have opposite signs."""
    magnitude = _SPACING * (word // 2 + 1)
    return (magnitude if word % 2 == 0 else -magnitude) / _FULL_SCALE


def word_at(step: int) -> int:
    """The word with this level in 16-bit steps; right for one step off, too. Not for 0."""
    return 2 * (round(abs(step) / _SPACING) - 1) + (step < 0)


@dataclass(frozen=True, slots=True)
class Levels:
    """Features of a window: the levels, in 16-bit steps, of the words it owns.

    `values[i]` is that of the word in frame `first + i`; zero is silence.
    """

    first: int
    values: NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class FakeFrontEnd:
    """Implements `ModelFrontEnd` for word-bearing audio."""

    def open_stream(self) -> StreamAudio:
        """Audio state of a new stream."""
        return FakeStreamAudio()

    def prompt_tokens(self, request: RecognitionRequest) -> tuple[int, ...]:
        """The lengths of hotwords and of the last words of the prompt, at most 16 of them."""
        hotwords = [len(word) for word in request.hotwords[:_MOST_CONTEXT]]
        prompt = [len(word) for word in request.prompt.split()]
        return composed(hotwords, prompt, _MOST_CONTEXT, _CONTEXT_STEP)

    def batch_key(self, request: RecognitionRequest, span: Span, prompt_length: int) -> Hashable:  # noqa: ARG002
        """Prompts of unequal length must not meet, as with Whisper."""
        return prompt_length

    def frames(self, span: Span) -> int:
        """Hops of the window."""
        return len(span) // HOP


class FakeStreamAudio:
    """Implements `StreamAudio`: words and speech frames by sample value."""

    def __init__(self) -> None:
        self._received = 0
        self._frames = _Rows(VAD_FRAME)
        self._words = _Rows(WORD_SAMPLES)
        self._levels: list[np.int16] = []
        self._first_word = 0
        self._kept_from = 0

    @property
    def vad_frame(self) -> int:
        """Samples of one speech probability."""
        return VAD_FRAME

    @property
    def received(self) -> int:
        """Position up to which samples were accepted."""
        return self._received

    def start_at(self, position: int) -> None:
        """Before any samples: the first one has this position, a multiple of `START_GRID`."""
        self._received = self._kept_from = position
        self._first_word, missing = divmod(position, WORD_SAMPLES)
        self._words.push(np.zeros(missing, np.float32))

    def accept(self, samples: FloatArray) -> list[float]:
        """Take the next samples; 1.0 for each frame with any that is not zero, else 0.0."""
        self._levels.extend(_level(row) for row in self._words.push(samples))
        frames = self._frames.push(samples)
        self._received += len(samples)
        return [float(frame.any()) for frame in frames]

    def window(self, start: int, end: int) -> Levels:
        """The levels of the words that samples [start, end) own.

        Raises:
            ValueError: part of the window was discarded or not yet received.
        """
        if not self._kept_from <= start <= end <= self._received:
            kept = f"{self._kept_from}..{self._received}"
            raise ValueError(f"{start}..{end} is not within what is kept, {kept}")
        first, last = _owned_from(start), _owned_from(end)
        values = self._levels[first - self._first_word : last - self._first_word]
        if len(values) < last - first:
            values.append(_level(self._words.rest))
        return Levels(first, np.array(values, np.int16))

    def discard(self, before: int) -> None:
        """Forget samples before this position; no window will start earlier."""
        self._kept_from = max(self._kept_from, min(before, self._received))
        forgotten = min(_owned_from(self._kept_from) - self._first_word, len(self._levels))
        del self._levels[:forgotten]
        self._first_word += forgotten


@dataclass(frozen=True, slots=True)
class FakeBehaviour:
    """How the fake model behaves. Times are seconds.

    Greedy windows (beam size 1: interims) have up to `unstable_words` wrong words at
    their end, chosen by `seed` and span; others are exact. More than `memory` windows in a call
    do not fit; zero is no bound.
    """

    seed: int = 0
    unstable_words: int = 0
    batch_cost: float = 0.0
    window_cost: float = 0.0
    memory: int = 0
    load_time: float = 0.0
    load_error: str = ""


def fake_loader(behaviour: FakeBehaviour | None = None) -> ModelLoader:
    """A picklable loader of `FakeModel`."""
    return functools.partial(FakeModel, behaviour or FakeBehaviour())


class FakeModel:
    """Implements `SpeechModel` for word-bearing audio; word 17 reads " w17".

    Raises:
        EngineUnavailable: the behaviour wants it.
    """

    def __init__(self, behaviour: FakeBehaviour) -> None:
        time.sleep(behaviour.load_time)
        if behaviour.load_error:
            raise EngineUnavailable(behaviour.load_error)
        self._behaviour = behaviour

    @property
    def info(self) -> ModelInfo:
        """What was loaded."""
        return ModelInfo(
            name="fake",
            display_name="Fake (word-bearing audio)",
            revision="1",
            languages=("en", "ko"),
            tasks=(Task.TRANSCRIBE, Task.TRANSLATE),
            device="cpu",
            compute_type="none",
        )

    def warm_up(self) -> list[Sample]:
        """Nothing to warm; what recognizing one window and two of them takes."""
        behaviour, load = self._behaviour, CallLoad(100, 1, 1, 1, Phase.RECOGNIZE)
        costs = {rows: behaviour.batch_cost + behaviour.window_cost * rows for rows in (1, 2)}
        return [
            Sample(replace(load, rows=rows), max(cost, _LEAST_COST)) for rows, cost in costs.items()
        ]

    def encode(self, tasks: Sequence[WindowTask]) -> list[WindowTask | RecognitionFailed]:
        """The tasks: word-bearing audio needs no encoder."""
        return [*tasks]

    def decode(self, encoded: Sequence[WindowTask]) -> list[Hypothesis | RecognitionFailed]:
        """Read the words of each task."""
        return self.recognize_batch(encoded)

    def recognize_batch(self, tasks: Sequence[WindowTask]) -> list[Hypothesis | RecognitionFailed]:
        """Read the words of each task, after the time a batch of this size takes.

        Raises:
            ValueError: a poison word, or prompts of unequal length.
            RuntimeError: there are more than fit into memory.
        """
        if 0 < self._behaviour.memory < len(tasks):
            raise RuntimeError("CUDA failed with error out of memory")
        if len({len(task.prompt) for task in tasks}) > 1:
            raise ValueError("prompts of unequal length in one batch")
        time.sleep(self._behaviour.batch_cost + self._behaviour.window_cost * len(tasks))
        return [self._recognize(task) for task in tasks]

    def _recognize(self, task: WindowTask) -> Hypothesis:
        assert isinstance(task.features, Levels), "windows come from FakeStreamAudio"  # noqa: S101
        words = _words(task.features)
        if task.options.beam_size == 1:
            words = self._unstable(words, task.span)
        return Hypothesis(
            span=task.span,
            text="".join(word.text for word in words),
            language=task.options.languages[0] if task.options.languages else "en",
            words=tuple(words) if task.options.word_times else (),
            confidence=1.0 if words else 0.0,
            no_speech=not words,
        )

    def _unstable(self, words: list[Word], span: Span) -> list[Word]:
        chance = random.Random(f"{self._behaviour.seed} {span}")  # noqa: S311
        wrong = min(chance.randint(0, self._behaviour.unstable_words), len(words))
        stable, tail = words[: len(words) - wrong], words[len(words) - wrong :]
        guesses = (f" v{chance.randrange(1_000_000)}" for _ in tail)
        heard = [
            Word(text, word.start, word.end, 0.5) for text, word in zip(guesses, tail, strict=True)
        ]
        return stable + heard


class _Rows:
    """Cuts a stream of samples into rows of equal length."""

    def __init__(self, length: int) -> None:
        self._length = length
        self.rest: FloatArray = np.zeros(0, np.float32)

    def push(self, samples: FloatArray) -> FloatArray:
        """The rows completed by `samples`, float32 [rows, length]; `rest` is what is left."""
        pending = np.concatenate([self.rest, samples])
        count = len(pending) // self._length
        self.rest = pending[count * self._length :].copy()
        return pending[: count * self._length].reshape(count, self._length)


def _level(row: FloatArray) -> np.int16:
    """The level of a word's samples in 16-bit steps."""
    if row.min() != row.max():
        return _DAMAGED
    return np.int16(round(float(row[0]) * _FULL_SCALE))


def _owned_from(position: int) -> int:
    """The first frame whose `OWNER` is at or after `position`."""
    return max(position - OWNER + WORD_SAMPLES - 1, 0) // WORD_SAMPLES


def _words(levels: Levels) -> list[Word]:
    """The words heard; misbehaves at the words that ask for it."""
    words: list[Word] = []
    for frame, step in enumerate(levels.values.tolist(), start=levels.first):
        if step:
            text = " damaged" if step == _DAMAGED else f" w{_obeyed(word_at(step))}"
            start = frame * WORD_SAMPLES
            words.append(Word(text, start, start + WORD_SAMPLES, 1.0))
    return words


def _obeyed(word: int) -> int:
    if word == POISON_WORD:
        raise ValueError("a poison word")
    if word == KILLER_WORD:
        os._exit(1)
    if word == HANG_WORD:
        while True:
            time.sleep(60)
    if word == SLOW_WORD:
        time.sleep(SLOWNESS)
    return word
