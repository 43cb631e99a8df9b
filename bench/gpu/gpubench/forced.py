"""A Whisper model of random weights that works as hard as one that hears speech.

Random weights say nothing, or the same for ever. So every call decodes as many tokens as the
longest window in it would have said, through all of Sori's own code, and what comes out is
replaced by words that stand at fixed places of the audio clock: windows of one stream agree,
words get committed, and windows move on as they do with a trained model.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final

import ctranslate2
from sori_server.domain.audio import SAMPLE_RATE, Span, seconds
from sori_server.domain.errors import RecognitionFailed
from sori_server.domain.recognition import Hypothesis, Word
from sori_server.engine.cost import Sample
from sori_server.engine.model import Encoded, WindowTask
from sori_server.engine.models import ResolvedModel
from sori_server.engine.placement import Placement
from sori_server.engine.port import ModelInfo
from sori_server.engine.whisper import WhisperSpeechModel

from gpubench.loaded import Encodings, length_limit
from gpubench.tokens import TEXT_TOKENS, spoken_words

TOKENS_PER_SECOND: Final = 3.3
"""Of English speech, as Whisper writes it."""

_Model = Any
_Option = Any

_CONFIDENCE: Final = 0.95
_END_OF_TEXT: Final = TEXT_TOKENS
_START: Final = TEXT_TOKENS + 1
_SCORE: Final = -0.1
_FIRST_SPOKEN: Final = 2000

_calls = threading.local()


def spoken_tokens(span: Span) -> int:
    """Tokens that speech of this length has, the end of the text among them."""
    return round(TOKENS_PER_SECOND * seconds(len(span))) + 1


def spoken(span: Span) -> tuple[Word, ...]:
    """The words whose middle lies within `span`."""
    each = SAMPLE_RATE / TOKENS_PER_SECOND
    first, last = round(span.start / each), round(span.end / each)
    places = range(first, last)
    return tuple(
        Word(
            f" {_word(place)}",
            max(round(place * each), span.start),
            min(round((place + 1) * each), span.end),
            _CONFIDENCE,
        )
        for place in places
    )


@dataclass(frozen=True, slots=True)
class Said:
    """What CTranslate2 would return for one window."""

    sequences_ids: list[list[int]]
    scores: list[float]
    no_speech_prob: float


class ForcedWhisper:
    """CTranslate2's model, but for the number and the kind of tokens it generates."""

    def __init__(self, model: _Model) -> None:
        self._model = model

    def __getattr__(self, name: str) -> object:
        return getattr(self._model, name)

    def generate(
        self, features: Encodings, prompts: list[list[int]], **options: _Option
    ) -> Sequence[object]:
        """Decode for as many steps as speech needs; tokens that no guard objects to.

        What is generated for no window, as when a model warms up, is left alone.
        """
        tokens = getattr(_calls, "tokens", None)
        if tokens is None:
            return list(self._model.generate(features, prompts, **options))
        options["max_length"] = length_limit(prompts[0].index(_START), tokens)
        options["suppress_tokens"] = [*options["suppress_tokens"], _END_OF_TEXT]
        results = self._model.generate(features, prompts, **options)
        ids = list(range(_FIRST_SPOKEN, _FIRST_SPOKEN + tokens - 1))
        return [Said([ids], [_SCORE], 0.0) for _ in results]


@dataclass(frozen=True, slots=True)
class _Encoded:
    """What the model made of a window."""

    task: WindowTask
    encoded: Encoded


class ForcedSpeechModel:
    """Implements `SpeechModel` around `WhisperSpeechModel`."""

    def __init__(self, model: ResolvedModel, placement: Placement) -> None:
        with _forced_whisper():
            self._model = WhisperSpeechModel(model, placement)

    @property
    def info(self) -> ModelInfo:
        """What was loaded."""
        return self._model.info

    def warm_up(self) -> Sequence[Sample]:
        """As the model itself does."""
        return self._model.warm_up()

    def encode(self, tasks: Sequence[WindowTask]) -> list[Encoded | RecognitionFailed]:
        """As the model itself does."""
        return [
            one if isinstance(one, RecognitionFailed) else _Encoded(task, one)
            for task, one in zip(tasks, self._model.encode(tasks), strict=True)
        ]

    def decode(self, encoded: Sequence[Encoded]) -> list[Hypothesis | RecognitionFailed]:
        """What the model did not say, in the time it would take to say it."""
        tasks = [one.task for one in encoded]
        with _spoken_in(tasks):
            return _replaced(tasks, self._model.decode([one.encoded for one in encoded]))

    def recognize_batch(self, tasks: Sequence[WindowTask]) -> list[Hypothesis | RecognitionFailed]:
        """What the model did not say, in the time it would take to say it."""
        with _spoken_in(tasks):
            return _replaced(tasks, self._model.recognize_batch(tasks))


def _replaced(
    tasks: Sequence[WindowTask], outcomes: Sequence[Hypothesis | RecognitionFailed]
) -> list[Hypothesis | RecognitionFailed]:
    return [
        replaced(outcome, task.options.word_times) if isinstance(outcome, Hypothesis) else outcome
        for task, outcome in zip(tasks, outcomes, strict=True)
    ]


@contextmanager
def _spoken_in(tasks: Sequence[WindowTask]) -> Iterator[None]:
    """Within, calls of this thread decode what the longest of these windows would say."""
    _calls.tokens = max(spoken_tokens(task.span) for task in tasks)
    try:
        yield
    finally:
        _calls.tokens = None


def replaced(outcome: Hypothesis, word_times: bool) -> Hypothesis:
    """The hypothesis with the words that belong to its place on the audio clock."""
    words = spoken(outcome.span)
    return replace(
        outcome,
        text="".join(word.text for word in words),
        words=words if word_times else (),
        confidence=_CONFIDENCE,
        no_speech=False,
        doubtful=False,
    )


@contextmanager
def _forced_whisper() -> Iterator[None]:
    """Within, faster-whisper loads models that are forced."""
    real = ctranslate2.models.Whisper
    ctranslate2.models.Whisper = lambda *args, **options: ForcedWhisper(real(*args, **options))
    try:
        yield
    finally:
        ctranslate2.models.Whisper = real


def _word(place: int) -> str:
    words = _words()
    return words[place * 7919 % len(words)]


@cache
def _words() -> list[str]:
    return spoken_words()
