"""The worker's half of a Whisper model: CTranslate2 through faster-whisper's parts.

One encoding of a batch serves language detection, decoding and word times. faster-whisper's
own `transcribe()` is not used: it pads, serialises and cannot batch windows of several streams.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from faster_whisper import WhisperModel

from sori_server.domain.audio import seconds
from sori_server.domain.config import Task
from sori_server.domain.errors import EngineUnavailable, RecognitionFailed
from sori_server.domain.recognition import Hypothesis, Word
from sori_server.engine.cost import Sample
from sori_server.engine.cuda import load_cublas
from sori_server.engine.guards import (
    candidate_languages,
    check_buckets,
    check_prompt,
    checked_features,
)
from sori_server.engine.model import WindowTask
from sori_server.engine.models import ResolvedModel
from sori_server.engine.placement import CUDA, Placement
from sori_server.engine.port import FloatArray, ModelInfo
from sori_server.engine.reading import Reading, best, judged
from sori_server.engine.shapes import DecodingShape, decoding_shape
from sori_server.engine.warm_up import warm_up
from sori_server.engine.whisper_calls import Decoded, Encoding, WhisperCalls, gathered
from sori_server.engine.words import AlignedWord, placed_words

_Item = TypeVar("_Item")
_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True, repr=False)
class _Window:
    """A task that passed all guards, with the languages to choose among."""

    task: WindowTask
    features: FloatArray
    candidates: tuple[str, ...]


@dataclass(frozen=True, slots=True, repr=False)
class EncodedWindow:
    """A window and its row in what the encoder made of a batch."""

    window: _Window
    shape: DecodingShape
    encoding: Encoding
    row: int


@dataclass(frozen=True, slots=True)
class _Language:
    code: str
    confidence: float


class WhisperSpeechModel:
    """Implements `SpeechModel`; a `functools.partial` of it is a `ModelLoader`.

    Raises:
        EngineUnavailable: the model cannot be loaded; the message says why.
    """

    def __init__(self, model: ResolvedModel, placement: Placement) -> None:
        self._calls = WhisperCalls(_load(model, placement))
        check_buckets(self._calls.mels)
        self._capabilities = model.capabilities
        self._info = ModelInfo(
            name=model.name,
            display_name=f"Whisper {model.name}",
            revision=model.revision,
            languages=_languages(model, self._calls),
            tasks=tuple(Task) if self._calls.multilingual else (Task.TRANSCRIBE,),
            device=placement.device,
            compute_type=self._calls.compute_type,
            max_utterance=model.capabilities.max_utterance,
            commit_confidence=model.capabilities.commit_confidence,
            condition_on_previous_text=model.capabilities.condition_on_previous_text,
        )

    @property
    def info(self) -> ModelInfo:
        """What was loaded."""
        return self._info

    def warm_up(self) -> list[Sample]:
        """Run every kind of call for each length of window; what calls took."""
        return warm_up(self._calls, self._capabilities, self._info.languages[0])

    def recognize_batch(self, tasks: Sequence[WindowTask]) -> list[Hypothesis | RecognitionFailed]:
        """One outcome for each task, in order. A bad task fails alone.

        Tasks of unequal shapes never meet in one call.
        """
        encoded = self.encode(tasks)
        failures = [one for one in encoded if isinstance(one, RecognitionFailed)]
        decoded = iter(self.decode([one for one in encoded if isinstance(one, EncodedWindow)]))
        left = iter(failures)
        return [next(left if isinstance(one, RecognitionFailed) else decoded) for one in encoded]

    def encode(self, tasks: Sequence[WindowTask]) -> list[EncodedWindow | RecognitionFailed]:
        """Encode windows, in order. A bad one fails alone; unequal shapes never meet."""
        outcomes: dict[int, EncodedWindow | RecognitionFailed] = {}
        groups: defaultdict[DecodingShape, dict[int, _Window]] = defaultdict(dict)
        for index, task in enumerate(tasks):
            try:
                window = self._checked(task)
            except RecognitionFailed as failure:
                outcomes[index] = failure
            else:
                groups[self._shape(window)][index] = window
        for shape, group in groups.items():
            results = _or_fail(functools.partial(self._encode, shape), [*group.values()])
            outcomes.update(zip(group, results, strict=True))
        return [outcomes[index] for index in range(len(tasks))]

    def decode(self, encoded: Sequence[EncodedWindow]) -> list[Hypothesis | RecognitionFailed]:
        """The text of windows, in order, whatever call encoded them; unequal shapes never meet."""
        outcomes: dict[int, Hypothesis | RecognitionFailed] = {}
        groups: defaultdict[DecodingShape, dict[int, EncodedWindow]] = defaultdict(dict)
        for index, window in enumerate(encoded):
            groups[window.shape][index] = window
        for shape, group in groups.items():
            results = _or_fail(functools.partial(self._decode, shape), [*group.values()])
            outcomes.update(zip(group, results, strict=True))
        return [outcomes[index] for index in range(len(encoded))]

    def _checked(self, task: WindowTask) -> _Window:
        features = checked_features(task.features, self._calls.mels)
        most = self._capabilities.context_tokens
        check_prompt(task.prompt, self._calls.vocabulary.text_end, most)
        if task.options.task not in self._info.tasks:
            raise RecognitionFailed(f"the model cannot {task.options.task.value}")
        return _Window(task, features, candidate_languages(task, self._info.languages))

    def _shape(self, window: _Window) -> DecodingShape:
        task, frames = window.task, window.features.shape[1]
        return decoding_shape(frames, len(task.prompt), task.options, self._capabilities)

    def _encode(self, shape: DecodingShape, windows: Sequence[_Window]) -> list[EncodedWindow]:
        encoding = self._calls.encode([window.features for window in windows], shape.frames)
        return [EncodedWindow(window, shape, encoding, row) for row, window in enumerate(windows)]

    def _decode(self, shape: DecodingShape, encoded: Sequence[EncodedWindow]) -> list[Hypothesis]:
        encoding = gathered([(one.encoding, one.row) for one in encoded])
        windows = [one.window for one in encoded]
        languages = self._choose_languages(encoding, windows)
        readings = self._read(encoding, windows, languages, shape)
        aligned: dict[int, list[AlignedWord]] = {}
        if shape.word_times:
            aligned = self._align(encoding, windows, languages, readings)
        return [
            self._hypothesis(window, languages[row], readings[row], aligned.get(row, []))
            for row, window in enumerate(windows)
        ]

    def _read(
        self,
        encoding: Encoding,
        windows: list[_Window],
        languages: list[_Language],
        shape: DecodingShape,
    ) -> list[Reading]:
        """The most probable text of each window or, above temperature zero, its best sample."""
        vocabulary = self._calls.vocabulary
        timestamps = self._capabilities.timestamps and not shape.temperature
        prompts = [
            vocabulary.prompt(w.task.prompt, language.code, w.task.options.task, timestamps)
            for w, language in zip(windows, languages, strict=True)
        ]
        if shape.temperature:
            rows = enumerate(prompts)
            decoded = [self._calls.sample(encoding, row, prompt, shape) for row, prompt in rows]
        else:
            decoded = [[one] for one in self._calls.generate(encoding, prompts, shape)]
        return [
            best(self._judged(window, one) for one in texts)
            for window, texts in zip(windows, decoded, strict=True)
        ]

    def _judged(self, window: _Window, decoded: Decoded) -> Reading:
        return judged(
            decoded,
            self._calls.vocabulary,
            seconds=seconds(len(window.task.span)),
            no_speech_threshold=window.task.options.no_speech_threshold,
        )

    def _choose_languages(self, encoding: Encoding, windows: list[_Window]) -> list[_Language]:
        """Detect where there is a choice; probabilities are renormalised over the candidates."""
        if all(len(window.candidates) == 1 for window in windows):
            return [_Language(window.candidates[0], 1.0) for window in windows]
        rankings = self._calls.detect(encoding)
        return [
            _best(window.candidates, ranking)
            for window, ranking in zip(windows, rankings, strict=True)
        ]

    def _align(
        self,
        encoding: Encoding,
        windows: list[_Window],
        languages: list[_Language],
        readings: list[Reading],
    ) -> dict[int, list[AlignedWord]]:
        """Aligned words by row; rows without text have none. One call per language and task."""
        groups: defaultdict[tuple[str, Task], list[int]] = defaultdict(list)
        for row, window in enumerate(windows):
            if readings[row].tokens:
                groups[languages[row].code, window.task.options.task].append(row)
        aligned: dict[int, list[AlignedWord]] = {}
        for (language, task), rows in groups.items():
            tokens = [readings[row].tokens for row in rows]
            frames = [windows[row].features.shape[1] for row in rows]
            words = self._calls.align(encoding, rows, tokens, frames, language=language, task=task)
            aligned.update(zip(rows, words, strict=True))
        return aligned

    def _hypothesis(
        self, window: _Window, language: _Language, reading: Reading, aligned: list[AlignedWord]
    ) -> Hypothesis:
        words: tuple[Word, ...] = placed_words(aligned, window.task.span)
        text = self._calls.vocabulary.text(reading.tokens)
        return Hypothesis(
            span=window.task.span,
            text="".join(word.text for word in words) if words else text,
            language=language.code,
            language_confidence=language.confidence,
            words=words,
            confidence=reading.confidence,
            no_speech=reading.no_speech,
            doubtful=reading.doubtful,
            tokens=len(reading.tokens),
        )


def _or_fail(
    call: Callable[[Sequence[_Item]], Sequence[_Answer]], items: Sequence[_Item]
) -> list[_Answer | RecognitionFailed]:
    """Call for all together; where the model refuses, one by one to spare the innocent."""
    try:
        return [*call(items)]
    except (RuntimeError, ValueError) as error:
        if len(items) == 1:
            return [RecognitionFailed(f"the model failed: {error}")]
    return [_or_fail(call, [item])[0] for item in items]


def _best(candidates: tuple[str, ...], probabilities: dict[str, float]) -> _Language:
    if len(candidates) == 1:
        return _Language(candidates[0], 1.0)
    code = max(candidates, key=lambda candidate: probabilities[candidate])
    total = sum(probabilities[candidate] for candidate in candidates)
    return _Language(code, probabilities[code] / total if total else 0.0)


def _languages(model: ResolvedModel, calls: WhisperCalls) -> tuple[str, ...]:
    trained = model.capabilities.languages
    return tuple(code for code in calls.languages if not trained or code in trained)


def _load(model: ResolvedModel, placement: Placement) -> WhisperModel:
    try:
        if placement.kind == CUDA:
            load_cublas()
        return WhisperModel(
            str(model.path),
            device=placement.kind,
            device_index=placement.index,
            compute_type=placement.compute_type,
            cpu_threads=placement.cpu_threads,
            num_workers=placement.parallel_calls,
            local_files_only=True,
        )
    except (RuntimeError, ValueError, OSError) as error:
        raise EngineUnavailable(
            f"cannot load model {model.name} from {model.path} on {placement.device}: {error}"
        ) from error
