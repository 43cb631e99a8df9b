"""The two halves of a model: one in the gateway, one in the worker process."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Protocol

from sori_server.domain.audio import Span
from sori_server.domain.errors import RecognitionFailed
from sori_server.domain.recognition import DecodingOptions, Hypothesis, RecognitionRequest
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


class SpeechModel(Protocol):
    """The worker's half: owns the weights, runs in a process of its own."""

    @property
    def info(self) -> ModelInfo:
        """What was loaded."""

    def warm_up(self) -> None:
        """Run every kind of call once, so that the first window is not slow."""

    def recognize_batch(self, tasks: Sequence[WindowTask]) -> list[Hypothesis | RecognitionFailed]:
        """One outcome for each task, in order. A bad task fails alone.

        All tasks have equal batch keys. `EngineTiming` is left to the caller.
        """


ModelLoader = Callable[[], SpeechModel]
"""Builds the worker's half; a picklable callable, called in the worker process.

Raises:
    EngineUnavailable: the model cannot be loaded; the message says why and what to do.
"""
