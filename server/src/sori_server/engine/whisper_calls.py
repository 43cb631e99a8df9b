"""The four calls of a Whisper model: encode, detect, generate, align.

All are synchronous: an asynchronous call of CTranslate2 blocks too once its queue is full,
and can be neither cancelled nor timed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, Final

import ctranslate2
import numpy as np
from faster_whisper import WhisperModel
from numpy.typing import NDArray

from sori_server.domain.config import Task
from sori_server.engine.guards import aligned_frames
from sori_server.engine.port import FloatArray
from sori_server.engine.sampling import SAMPLES, Continuation, sample
from sori_server.engine.shapes import DecodingShape, max_length
from sori_server.engine.vocabulary import Vocabulary
from sori_server.engine.words import AlignedWord

Encoding = Any
"""Encoder output of a batch; a CTranslate2 storage on the model's device."""

GenerationResult = Any

_ALIGNED_AT_ONCE: Final = 16


@dataclass(frozen=True, slots=True, repr=False)
class Decoded:
    """What the decoder made of one window; `tokens` are text tokens only.

    `log_probability` is the average of all tokens, the end of text included.
    """

    tokens: tuple[int, ...]
    log_probability: float
    no_speech_probability: float


class WhisperCalls:
    """One loaded model; every method takes and returns one value per window."""

    def __init__(self, whisper: WhisperModel) -> None:
        self._whisper = whisper
        self._model: Any = whisper.model
        self.multilingual = bool(self._model.is_multilingual)
        self.mels = int(self._model.n_mels)
        self.compute_type = str(self._model.compute_type)
        self.vocabulary = Vocabulary(whisper.hf_tokenizer, self.multilingual)
        self._suppressed = self.vocabulary.never_decoded()

    @property
    def languages(self) -> tuple[str, ...]:
        """ISO 639-1 codes the model has tokens for."""
        codes = self._whisper.supported_languages
        return tuple(c for c in codes if not self.multilingual or self.vocabulary.has_language(c))

    def encode(self, features: Sequence[FloatArray], frames: int) -> Encoding:
        """Encode windows [mels, up to `frames`], padded with zeros to `frames`."""
        batch = np.zeros((len(features), self.mels, frames), np.float32)
        for row, window in zip(batch, features, strict=True):
            row[:, : window.shape[1]] = window
        return self._model.encode(ctranslate2.StorageView.from_array(batch))

    def detect(self, encoding: Encoding) -> list[dict[str, float]]:
        """The probability of each language."""
        return [
            {token[2:-2]: float(probability) for token, probability in ranking}
            for ranking in self._model.detect_language(encoding)
        ]

    def generate(
        self,
        encoding: Encoding,
        prompts: list[list[int]],
        shape: DecodingShape,
        *,
        endless: bool = False,
    ) -> list[Decoded]:
        """The best tokens after each prompt. Prompts have equal lengths.

        An `endless` text has as many tokens as the shape allows, to see how long that takes.
        """
        results = self._model.generate(
            encoding,
            prompts,
            beam_size=shape.beam_size,
            max_length=max_length(len(prompts[0]), shape.new_tokens),
            return_scores=True,
            return_no_speech_prob=True,
            suppress_tokens=[*self._suppressed, self.vocabulary.text_end]
            if endless
            else self._suppressed,
        )
        return [self._decoded(result) for result in results]

    def sample(
        self, encoding: Encoding, row: int, prompt: list[int], shape: DecodingShape
    ) -> list[Decoded]:
        """`SAMPLES` texts of one window at the temperature of the shape, always the same."""
        copies = _rows(encoding, [row] * SAMPLES)

        def continued(texts: Sequence[tuple[int, ...]]) -> list[Continuation]:
            results = self._model.generate(
                copies,
                [[*prompt, *text] for text in texts],
                beam_size=1,
                max_length=max_length(len(prompt), shape.new_tokens),
                return_logits_vocab=True,
                return_no_speech_prob=True,
                suppress_blank=not any(texts),  # it bars the end of text after forced tokens, too
                suppress_tokens=self._suppressed,
            )
            return [self._continuation(result) for result in results]

        return [
            Decoded(text.tokens, text.log_probability, text.no_speech_probability)
            for text in sample(continued, shape.new_tokens, shape.temperature)
        ]

    def align(
        self,
        encoding: Encoding,
        rows: Sequence[int],
        tokens: Sequence[Sequence[int]],
        frames: Sequence[int],
        *,
        language: str,
        task: Task,
    ) -> list[list[AlignedWord]]:
        """Where the tokens of some windows were spoken.

        `rows` are the places of the windows in `encoding`, `frames` their lengths without
        padding. All share `language` and `task`, and none is without tokens.
        """
        tokenizer = self.vocabulary.tokenizer(language, task)
        aligned: list[list[AlignedWord]] = []
        for first in range(0, len(rows), _ALIGNED_AT_ONCE):
            part = slice(first, first + _ALIGNED_AT_ONCE)
            chosen = _rows(encoding, rows[part])
            limits = [aligned_frames(count, 2 * encoding.shape[1]) for count in frames[part]]
            texts = [list(text) for text in tokens[part]]
            found = self._whisper.find_alignment(tokenizer, texts, chosen, limits)
            aligned += [AlignedWord.of(words) for words in found]
        return aligned

    def _continuation(self, result: GenerationResult) -> Continuation:
        end = self.vocabulary.text_end
        tokens = tuple(takewhile(lambda token: token < end, result.sequences_ids[0]))
        steps = [_values(step) for step in result.logits[0]]
        logits = np.stack([step[: end + 1] for step in steps]).astype(np.float32)
        return Continuation(tokens, logits, result.no_speech_prob)

    def _decoded(self, result: GenerationResult) -> Decoded:
        tokens = result.sequences_ids[0]
        log_probability = result.scores[0] * len(tokens) / (len(tokens) + 1)
        text = tuple(self.vocabulary.text_tokens(tokens))
        return Decoded(text, log_probability, result.no_speech_prob)


def gathered(rows: Sequence[tuple[Encoding, int]]) -> Encoding:
    """The given rows of encodings of one length as one; all of one, in order, are not copied."""
    sources = {id(encoding): encoding for encoding, _ in rows}
    if len(sources) == 1:
        return _rows(rows[0][0], [row for _, row in rows])
    values = {key: _values(encoding) for key, encoding in sources.items()}
    chosen = np.stack([values[id(encoding)][row] for encoding, row in rows])
    return _stored(chosen, rows[0][0])


def _rows(encoding: Encoding, rows: Sequence[int]) -> Encoding:
    """The encodings of some windows; those of all, in order, are not copied."""
    if list(rows) == list(range(encoding.shape[0])):
        return encoding
    return _stored(np.ascontiguousarray(_values(encoding)[list(rows)]), encoding)


def _stored(values: NDArray[Any], like: Encoding) -> Encoding:
    """Values of an encoding as one of its number type."""
    stored = ctranslate2.StorageView.from_array(values)
    return stored if stored.dtype == like.dtype else stored.to(like.dtype)


def _values(storage: Encoding) -> NDArray[Any]:
    """A CTranslate2 storage in NumPy, which knows no bfloat16: float32 holds all of it."""
    stored = storage.to_device(ctranslate2.Device.cpu)
    if stored.dtype == ctranslate2.DataType.bfloat16:
        stored = stored.to(ctranslate2.DataType.float32)
    return np.asarray(stored)
