"""A batch on its way to the worker and back."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from sori_server.domain.errors import RecognitionFailed
from sori_server.domain.recognition import EngineTiming
from sori_server.engine.cost import Phase
from sori_server.engine.model import WindowTask
from sori_server.engine.quarantine import Quarantine
from sori_server.engine.scheduler.jobs import Batch
from sori_server.engine.window import PendingWindow
from sori_server.engine.worker import Worker
from sori_server.engine.worker_process import BatchDone, Decode, Encode, Outcome, Recognize


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a batch, in order: None of windows that are encoded now.

    `timing` is that of the call, without any waiting; its batch size counts the windows that
    reached the model. `ended` is when the call had ended, on the clock of the event loop.
    `fitted` is how many windows at a time fitted into memory, if not all did.
    """

    outcomes: list[Outcome | None]
    timing: EngineTiming
    ended: float
    fitted: int | None


def perform(
    worker: Worker,
    batch: Batch,
    windows: Sequence[PendingWindow],
    unwanted: tuple[int, ...],
    quarantine: Quarantine,
) -> Answer:
    """Build the features of a batch, if it needs any, and call the worker; in any thread.

    `unwanted` are the numbers of encoded windows it may drop. Windows in `quarantine` fail.

    Raises:
        WorkerCrashed: it died on the way.
    """
    if unwanted:
        worker.forget(unwanted)
    numbers = tuple(bound.job.job_id for bound in batch.jobs)
    if batch.phase is Phase.DECODE:
        done = worker.run(Decode(numbers))
        return _answer([*done.outcomes], 0.0, done, len(numbers))
    started = time.perf_counter()
    spans = [bound.span for bound in batch.jobs]
    tasks = [
        _admitted(window.task(span), quarantine)
        for window, span in zip(windows, spans, strict=True)
    ]
    sound = {n: t for n, t in zip(numbers, tasks, strict=True) if isinstance(t, WindowTask)}
    preprocessing = time.perf_counter() - started
    if not sound:
        return _answer([*_failures(tasks)], preprocessing, BatchDone((), 0.0), 0)
    wanted = tuple(sound.values())
    encoding = batch.phase is Phase.ENCODE
    done = worker.run(Encode(wanted, tuple(sound)) if encoding else Recognize(wanted))
    left = iter(done.outcomes)
    outcomes = [next(left) if isinstance(task, WindowTask) else task for task in tasks]
    return _answer(outcomes, preprocessing, done, len(sound))


def _answer(
    outcomes: list[Outcome | None], preprocessing: float, done: BatchDone, rows: int
) -> Answer:
    timing = EngineTiming(0.0, preprocessing, done.inference, rows)
    return Answer(outcomes, timing, time.monotonic(), done.fitted)


def _admitted(
    task: WindowTask | RecognitionFailed, quarantine: Quarantine
) -> WindowTask | RecognitionFailed:
    if isinstance(task, WindowTask) and quarantine.holds(task, time.monotonic()):
        return RecognitionFailed("this window stopped the recognizer before")
    return task


def _failures(tasks: Sequence[WindowTask | RecognitionFailed]) -> list[RecognitionFailed]:
    return [task for task in tasks if isinstance(task, RecognitionFailed)]
