"""The child's side of a worker: load a model, then answer calls until the parent says goodbye."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Final, TypeVar

from sori_server.domain.errors import EngineUnavailable, RecognitionFailed
from sori_server.domain.recognition import Hypothesis
from sori_server.engine.cost import Sample
from sori_server.engine.model import Encoded, ModelLoader, SpeechModel, WindowTask
from sori_server.engine.port import ModelInfo

SHORT_OF_MEMORY: Final = 0.2
"""Seconds after which a window is tried again for which alone there was no memory."""
_NO_MEMORY: Final = ("out of memory", "alloc_failed", "bad_alloc")

Outcome = Hypothesis | RecognitionFailed
_Item = TypeVar("_Item")
_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class Ready:
    """First message: the model is warm; what calls of it took."""

    info: ModelInfo
    samples: tuple[Sample, ...]


@dataclass(frozen=True, slots=True)
class LoadFailed:
    """First and last message: why there is no model."""

    message: str


@dataclass(frozen=True, slots=True)
class Recognize:
    """Turn windows into text."""

    tasks: tuple[WindowTask, ...]


@dataclass(frozen=True, slots=True)
class Encode:
    """Encode windows and keep what comes of them under their numbers."""

    tasks: tuple[WindowTask, ...]
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Decode:
    """Turn encoded windows into text; they are forgotten then."""

    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Forget:
    """Nobody wants these encoded windows; there is no answer."""

    numbers: tuple[int, ...]


Call = Recognize | Encode | Decode


@dataclass(frozen=True, slots=True)
class BatchDone:
    """Answer to a call: one outcome for each window, in order; `inference` in seconds.

    Of a window that was encoded, the outcome is None. `fitted` is how many windows at a time
    fitted into memory, if not all did.
    """

    outcomes: tuple[Outcome | None, ...]
    inference: float
    fitted: int | None = None


def main(connection: Connection, loader: ModelLoader, lanes: int) -> None:
    """Serve calls read from `connection`, at most `lanes` of them side by side.

    Messages are pairs of a number and a call, answers pairs of that number and `BatchDone`;
    the first answer, to number 0, is `Ready` or `LoadFailed`. Returns at None.
    """
    _settle()
    try:
        model = loader()
        samples = tuple(model.warm_up())
    except EngineUnavailable as error:
        connection.send((0, LoadFailed(str(error))))
        return
    except Exception as error:  # the model's own code: anything can come
        connection.send((0, LoadFailed(f"loading failed: {type(error).__name__}: {error}")))
        return
    connection.send((0, Ready(model.info, samples)))
    desk, sending = Desk(model), threading.Lock()

    def answer(number: int, call: Call) -> None:
        try:
            done = desk.answer(call)
            with sending:
                connection.send((number, done))
        except BaseException:  # a bug of ours: the parent must not wait for this answer
            traceback.print_exc()
            os._exit(1)

    with ThreadPoolExecutor(lanes, thread_name_prefix="sori-lane") as pool:
        while (message := _receive(connection)) is not None:
            number, call = message
            if isinstance(call, Forget):
                desk.forget(call)
            else:
                pool.submit(answer, number, call)


class Desk:
    """A model and the windows it has encoded. Calls may run side by side."""

    def __init__(self, model: SpeechModel) -> None:
        self._model = model
        self._encoded: dict[int, Encoded] = {}

    @property
    def kept(self) -> int:
        """Encoded windows that were not decoded yet."""
        return len(self._encoded)

    def answer(self, call: Call) -> BatchDone:
        """One outcome for each window, whatever the model raises."""
        started = time.perf_counter()
        outcomes: Sequence[Outcome | None]
        attempt = Attempt()
        match call:
            case Recognize(tasks):
                outcomes = attempt.answers(self._model.recognize_batch, tasks)
            case Encode(tasks, numbers):
                outcomes = self._encode(attempt, tasks, numbers)
            case Decode(numbers):
                encoded = [self._encoded.pop(number) for number in numbers]
                outcomes = attempt.answers(self._model.decode, encoded)
        return BatchDone(tuple(outcomes), time.perf_counter() - started, attempt.fitted)

    def forget(self, unwanted: Forget) -> None:
        """Drop encoded windows."""
        for number in unwanted.numbers:
            self._encoded.pop(number, None)

    def _encode(
        self, attempt: Attempt, tasks: Sequence[WindowTask], numbers: Sequence[int]
    ) -> list[RecognitionFailed | None]:
        outcomes: list[RecognitionFailed | None] = []
        answers = attempt.answers(self._model.encode, tasks)
        for number, encoded in zip(numbers, answers, strict=True):
            failed = encoded if isinstance(encoded, RecognitionFailed) else None
            if not isinstance(encoded, RecognitionFailed):
                self._encoded[number] = encoded
            outcomes.append(failed)
        return outcomes


class Attempt:
    """One call of a model, in as many parts as it takes.

    Attributes:
        fitted: items that fitted into memory at a time; None while all did.
    """

    def __init__(self) -> None:
        self.fitted: int | None = None

    def answers(
        self,
        call: Callable[[Sequence[_Item]], Sequence[_Answer | RecognitionFailed]],
        items: Sequence[_Item],
    ) -> Sequence[_Answer | RecognitionFailed]:
        """One answer for each item, whatever the model raises.

        What does not fit into memory is halved until it does; memory that is short for one item
        alone may be there a moment later. When a call fails as a whole for another reason, its
        items are tried one by one and only those that fail alone fail. The message names the
        type of the error: its text may quote a transcript.
        """
        try:
            return _answers(call, items)
        except Exception as error:  # the model's own code: anything can come
            if out_of_memory(error):
                return self._in_halves(call, items)
            if len(items) == 1:
                return [RecognitionFailed(f"the model raised {type(error).__name__}")]
        return [answer for item in items for answer in self.answers(call, [item])]

    def _in_halves(
        self,
        call: Callable[[Sequence[_Item]], Sequence[_Answer | RecognitionFailed]],
        items: Sequence[_Item],
    ) -> Sequence[_Answer | RecognitionFailed]:
        half = max(len(items) // 2, 1)
        self.fitted = half if self.fitted is None else min(self.fitted, half)
        if len(items) > 1:
            return [*self.answers(call, items[:half]), *self.answers(call, items[half:])]
        time.sleep(SHORT_OF_MEMORY)
        try:
            return _answers(call, items)
        except Exception as error:
            return [RecognitionFailed(f"the model raised {type(error).__name__}")]


def _answers(
    call: Callable[[Sequence[_Item]], Sequence[_Answer | RecognitionFailed]],
    items: Sequence[_Item],
) -> Sequence[_Answer | RecognitionFailed]:
    answers = call(items)
    if len(answers) != len(items):
        raise ValueError(f"{len(answers)} answers for {len(items)} windows")
    return answers


def out_of_memory(error: Exception) -> bool:
    """Whether an error of a model says that memory, its device's or the machine's, was short."""
    said = str(error).lower()
    return isinstance(error, MemoryError) or any(words in said for words in _NO_MEMORY)


def _receive(connection: Connection) -> tuple[int, Call | Forget] | None:
    """The next message; None at the goodbye, or when the parent is gone."""
    try:
        message: tuple[int, Call | Forget] | None = connection.recv()
    except EOFError:
        return None
    return message


def _settle() -> None:
    """Leave signals to the parent, leave no core dump, never outlive the parent.

    A Ctrl-C reaches the whole process group, a service manager's SIGTERM all processes;
    the parent still wants its finals then, and says goodbye when it has them.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    threading.Thread(target=_follow_parent, name="parent-watch", daemon=True).start()


def _follow_parent() -> None:
    """End the process with its parent, even in the middle of a batch."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
