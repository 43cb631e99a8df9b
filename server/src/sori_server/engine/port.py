"""The seam between the runtime and whatever recognizes speech."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from sori_server.domain.config import LONGEST_UTTERANCE, Task
from sori_server.domain.errors import EngineUnavailable
from sori_server.domain.recognition import Hypothesis, RecognitionRequest

FloatArray = NDArray[np.float32]

START_GRID: Final = 2_560
"""Positions in samples at which streams may start: of windows and of VAD frames alike."""


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """The model an engine serves.

    `languages` are ISO 639-1 codes; `max_utterance` is the longest speech, in seconds, it
    reads well in one go, `commit_confidence` the least confidence, 0 to 1, at which the
    words of its interims are worth committing (infinite: none are),
    `condition_on_previous_text` whether earlier text of a stream helps it. `interim_model` is
    the name of the model that interims come from, empty when it is this one.
    """

    name: str
    display_name: str
    revision: str
    languages: tuple[str, ...]
    tasks: tuple[Task, ...]
    device: str
    compute_type: str
    max_utterance: float = LONGEST_UTTERANCE
    commit_confidence: float = 0.0
    condition_on_previous_text: bool = True
    interim_model: str = ""


@dataclass(frozen=True, slots=True)
class EngineLoad:
    """How busy an engine is.

    `lanes` model calls run side by side. Busy times are sums since its start, in seconds of
    one lane, and never shrink; like waits they leave batch streams out, which take what live
    ones leave. `final_cost` is what one final of average length is predicted to take,
    `final_wait` how long finals have lately waited for a lane, and `interim_interval` the least
    time between two interims of a stream at present, infinite while there are none.
    """

    lanes: int = 1
    finals_busy: float = 0.0
    interims_busy: float = 0.0
    final_cost: float = 0.0
    final_wait: float = 0.0
    interim_interval: float = 0.0


class StreamAudio(Protocol):
    """One stream's audio as the engine wants it: speech probabilities and windows.

    Owned by the stream's runner; `accept` may run off the event loop, but never two
    calls of one object at a time.
    """

    @property
    def vad_frame(self) -> int:
        """Samples of one speech probability."""

    @property
    def received(self) -> int:
        """Position up to which samples were accepted."""

    def start_at(self, position: int) -> None:
        """Before any samples: the first one has this position, a multiple of `START_GRID`."""

    def accept(self, samples: FloatArray) -> list[float]:
        """Take the next mono samples at 16 kHz, -1 to 1.

        Returns one speech probability for each VAD frame completed by them; frame k
        covers samples [k * vad_frame, (k + 1) * vad_frame) of the session.
        """

    def window(self, start: int, end: int) -> object:
        """The model's input for samples [start, end), a picklable value.

        Raises:
            ValueError: part of the window was discarded or not yet received.
        """

    def discard(self, before: int) -> None:
        """Forget samples before this position; no window will start earlier."""


class EnginePort(Protocol):
    """Recognizes windows of many streams on one model."""

    @property
    def model(self) -> ModelInfo:
        """The model served. Valid once `start` has returned."""

    @property
    def ready(self) -> bool:
        """Whether the model is warm and a worker is up."""

    @property
    def failure(self) -> EngineUnavailable | None:
        """Why the engine gave up: it will never be ready again. None while it may be."""

    @property
    def load(self) -> EngineLoad:
        """How busy it is now."""

    async def wait_failed(self) -> None:
        """Return when there is a `failure`."""

    async def start(self) -> None:
        """Load and warm the model.

        Raises:
            EngineUnavailable: it cannot be loaded; the message says why.
        """

    async def close(self) -> None:
        """Stop workers. Pending requests fail with RequestCancelled."""

    def open_stream(self) -> StreamAudio:
        """Audio state of a new stream."""

    async def recognize(self, request: RecognitionRequest, audio: StreamAudio) -> Hypothesis:
        """Recognize one window, batched with windows of other streams.

        Cancelling the call withdraws the window. Interims bind to the newest audio
        when they are dispatched.

        Raises:
            RecognitionFailed: this window cannot be recognized.
            RequestCancelled: the engine closed.
            EngineUnavailable: no worker can be had.
        """
