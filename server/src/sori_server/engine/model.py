"""The two halves of a model: one in the gateway, one in the worker process."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sori_server.domain.audio import Span
from sori_server.domain.errors import RecognitionFailed
from sori_server.domain.recognition import DecodingOptions, Hypothesis, RecognitionRequest
from sori_server.engine.cost import Sample
from sori_server.engine.port import ModelInfo, StreamAudio


@dataclass(frozen=True, slots=True, repr=False)
class WindowTask:
    """One window on its way to the worker; picklable.

    `features` is what `StreamAudio.window` returned for `span`, `prompt` what
    `ModelFrontEnd.prompt_tokens` made of the request.
    """

    features: object
    span: Span
    prompt: tuple[int, ...]
    options: DecodingOptions

    def __repr__(self) -> str:
        return f"WindowTask({self.span}, {self.options.task.value})"


class ModelFrontEnd(Protocol):
    """The gateway's half: cheap, no weights."""

    def open_stream(self) -> StreamAudio:
        """Audio state of a new stream."""

    def prompt_tokens(self, request: RecognitionRequest) -> tuple[int, ...]:
        """Tokens of hotwords and text before a window, cut to a length that batches well."""

    def batch_key(self, request: RecognitionRequest, span: Span, prompt_length: int) -> Hashable:
        """Windows with equal keys may share a model call without changing each other's text."""

    def frames(self, span: Span) -> int:
        """Feature frames, padding included, of which the cost of a window is a function."""


Encoded = Any
"""A window whose features were encoded; lives in the worker process only."""


class SpeechModel(Protocol):
    """The worker's half: owns the weights, runs in a process of its own.

    Calls may run side by side. `EngineTiming` of their answers is left to the caller.
    """

    @property
    def info(self) -> ModelInfo:
        """What was loaded."""

    def warm_up(self) -> Sequence[Sample]:
        """Run every kind of call, so that the first window is not slow; what calls took."""

    def encode(self, tasks: Sequence[WindowTask]) -> list[Encoded | RecognitionFailed]:
        """Encode windows of equal batch keys, in order. A bad one fails alone."""

    def decode(self, encoded: Sequence[Encoded]) -> list[Hypothesis | RecognitionFailed]:
        """The text of encoded windows of equal batch keys, in order, whatever call encoded them."""

    def recognize_batch(self, tasks: Sequence[WindowTask]) -> list[Hypothesis | RecognitionFailed]:
        """Encode and decode: one outcome for each window, in order. A bad one fails alone."""


ModelLoader = Callable[[], SpeechModel]
"""Builds the worker's half; a picklable callable, called in the worker process.

Raises:
    EngineUnavailable: the model cannot be loaded; the message says why and what to do.
"""
