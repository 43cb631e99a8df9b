"""The child's side of a worker: load a model, then answer batches until the pipe closes."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait

from sori_server.domain.errors import EngineUnavailable, RecognitionFailed
from sori_server.domain.recognition import Hypothesis
from sori_server.engine.model import ModelLoader, SpeechModel, WindowTask
from sori_server.engine.port import ModelInfo

Outcome = Hypothesis | RecognitionFailed


@dataclass(frozen=True, slots=True)
class Ready:
    """First message: the model is warm."""

    info: ModelInfo


@dataclass(frozen=True, slots=True)
class LoadFailed:
    """First and last message: why there is no model."""

    message: str


@dataclass(frozen=True, slots=True)
class BatchDone:
    """Answer to a batch: one outcome for each task, in order; `inference` in seconds."""

    outcomes: tuple[Outcome, ...]
    inference: float


def main(connection: Connection, loader: ModelLoader) -> None:
    """Serve batches read from `connection`; returns when the parent closes it."""
    _settle()
    try:
        model = _load(loader)
    except EngineUnavailable as error:
        connection.send(LoadFailed(str(error)))
        return
    connection.send(Ready(model.info))
    while True:
        try:
            tasks: list[WindowTask] = connection.recv()
        except EOFError:
            return
        started = time.perf_counter()
        outcomes = recognize(model, tasks)
        connection.send(BatchDone(tuple(outcomes), time.perf_counter() - started))


def recognize(model: SpeechModel, tasks: Sequence[WindowTask]) -> list[Outcome]:
    """One outcome for each task, whatever the model raises.

    When a call fails as a whole, its tasks are tried one by one and only those that fail
    alone fail. The message names the type of the error: its text may quote a transcript.
    """
    try:
        outcomes = model.recognize_batch(tasks)
        if len(outcomes) != len(tasks):
            raise ValueError(f"{len(outcomes)} outcomes for {len(tasks)} tasks")
    except Exception as error:  # the model's own code: anything can come
        if len(tasks) == 1:
            return [RecognitionFailed(f"the model raised {type(error).__name__}")]
        return [outcome for task in tasks for outcome in recognize(model, [task])]
    return outcomes


def _load(loader: ModelLoader) -> SpeechModel:
    try:
        model = loader()
        model.warm_up()
    except EngineUnavailable:
        raise
    except Exception as error:
        raise EngineUnavailable(f"loading failed: {type(error).__name__}: {error}") from error
    return model


def _settle() -> None:
    """Leave signals to the parent, leave no core dump, never outlive the parent.

    A Ctrl-C reaches the whole process group, a service manager's SIGTERM all processes;
    the parent still wants its finals then, and closes the pipe when it has them.
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
