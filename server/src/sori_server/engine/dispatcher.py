"""The engine behind `EnginePort`: windows of all streams in batches on one worker."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import count
from typing import Final, TypeVar

from sori_server.domain.audio import Span
from sori_server.domain.errors import (
    CapacityExhausted,
    EngineError,
    EngineUnavailable,
    ModelLoading,
    RecognitionFailed,
    RequestCancelled,
)
from sori_server.domain.limits import Limits
from sori_server.domain.recognition import (
    EngineTiming,
    Hypothesis,
    RecognitionRequest,
    WindowKind,
)
from sori_server.engine.model import ModelFrontEnd, ModelLoader, WindowTask
from sori_server.engine.port import EngineLoad, ModelInfo, StreamAudio
from sori_server.engine.retry import better, second_try
from sori_server.engine.scheduler.core import Batch, Job, Scheduler
from sori_server.engine.shared_audio import SharedAudio
from sori_server.engine.window import PendingWindow
from sori_server.engine.worker import Worker, WorkerCrashed
from sori_server.engine.worker_process import BatchDone, Outcome

AUDIO_POLL: Final = 0.02
"""Seconds between two looks at interims that wait for their first audio."""
WORKER_POLL: Final = 0.5
"""Seconds between two looks at whether an idle worker still lives."""

_log = logging.getLogger(__name__)
_T = TypeVar("_T")


class BatchingEngine:
    """Implements `EnginePort` with one scheduler and one supervised worker process.

    One batch is in flight at a time; windows that arrive meanwhile form the next one.
    While the worker restarts, `ready` is False and windows wait.
    """

    def __init__(self, loader: ModelLoader, front_end: ModelFrontEnd, limits: Limits) -> None:
        """`loader` is called in the worker process and has to be picklable."""
        self._front_end = front_end
        self._limits = limits
        self._worker = Worker(loader, limits)
        self._scheduler = Scheduler(limits.max_batch, limits.max_pending_windows)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sori-engine")
        self._windows: dict[int, PendingWindow] = {}
        self._job_ids = count(1)
        self._busy = dict.fromkeys(WindowKind, 0.0)
        self._wake = asyncio.Event()
        self._serving: asyncio.Task[None] | None = None
        self._info: ModelInfo | None = None
        self._ready = False
        self._closed = False
        self._ended: EngineError | None = None
        self._failed = asyncio.Event()

    @property
    def model(self) -> ModelInfo:
        """The model served.

        Raises:
            ModelLoading: `start` has not returned.
        """
        if self._info is None:
            raise ModelLoading("the model is not loaded yet")
        return self._info

    @property
    def ready(self) -> bool:
        """Whether the model is warm and a worker is up."""
        return self._ready

    @property
    def failure(self) -> EngineUnavailable | None:
        """Why the engine gave up: it will never be ready again. None while it may be."""
        return self._ended if isinstance(self._ended, EngineUnavailable) else None

    @property
    def load(self) -> EngineLoad:
        """How busy it is now."""
        return EngineLoad(
            finals_busy=self._busy[WindowKind.FINAL], interims_busy=self._busy[WindowKind.INTERIM]
        )

    async def wait_failed(self) -> None:
        """Return when there is a `failure`."""
        await self._failed.wait()

    async def start(self) -> None:
        """Load and warm the model.

        Raises:
            EngineUnavailable: it cannot be loaded; the message says why.
        """
        try:
            self._info = await self._in_thread(self._worker.start)
        except BaseException:
            await self.close()
            raise
        self._ready = True
        self._serving = asyncio.create_task(self._serve(), name="sori-engine")

    async def close(self) -> None:
        """Stop the worker. Pending requests fail with RequestCancelled. Idempotent."""
        if self._closed:
            return
        self._closed = True
        self._end(RequestCancelled("the engine closed"))
        self._worker.stop()
        if self._serving is not None:
            self._serving.cancel()
            await asyncio.wait([self._serving])
        await self._in_thread(self._worker.close)
        self._thread.shutdown()

    def open_stream(self) -> StreamAudio:
        """Audio state of a new stream; safe to feed while windows are read from it."""
        return SharedAudio(self._front_end.open_stream())

    async def recognize(self, request: RecognitionRequest, audio: StreamAudio) -> Hypothesis:
        """Recognize one window, batched with windows of other streams.

        Cancelling the call withdraws the window. A waiting interim ends with
        RequestCancelled when a newer one of its stream comes, or when there is no room.
        A final whose text a guard objects to is tried once more, alone and at a higher
        temperature; whatever happens to that, the better answer there is stays.

        Raises:
            RecognitionFailed: this window cannot be recognized.
            RequestCancelled: the engine closed.
            EngineUnavailable: no worker can be had.
        """
        first = await self._answer(request, audio)
        if request.kind is WindowKind.INTERIM or not first.doubtful:
            return first
        try:
            return better(first, await self._answer(second_try(request), audio))
        except EngineError:
            return first

    async def _answer(self, request: RecognitionRequest, audio: StreamAudio) -> Hypothesis:
        if self._ended is not None:
            raise _again(self._ended)
        job_id = next(self._job_ids)
        window = PendingWindow(request, audio, self._front_end)
        window.bind()  # a request that cannot be bound fails its caller, not the scheduler
        self._add(Job(job_id, id(audio), request.kind, window.deadline(self._limits), window.bind))
        self._windows[job_id] = window
        self._wake.set()
        try:
            outcome = await window.outcome
        finally:
            self._windows.pop(job_id, None)
            self._scheduler.cancel(job_id)
        if isinstance(outcome, EngineError):
            raise outcome
        return outcome

    def _add(self, job: Job) -> None:
        try:
            displaced = self._scheduler.add(job, _now())
        except CapacityExhausted as error:
            if job.kind is WindowKind.INTERIM:
                raise RequestCancelled(str(error)) from error
            raise EngineUnavailable(str(error), retry_after=self._limits.retry_delay) from error
        if displaced is not None:
            self._settle(displaced, RequestCancelled("a more urgent window took its place"))

    async def _serve(self) -> None:
        """Dispatch batches until cancelled, or until no worker can be had."""
        try:
            while True:
                if not self._worker.alive:
                    await self._restart()
                self._wake.clear()
                batch = self._scheduler.schedule(_now())
                if batch is not None:
                    await self._run(batch)
                else:
                    await self._work_or_poll()
        except EngineUnavailable as error:
            _log.error("the engine gives up: %s", error)
            self._end(error)
        except Exception as error:
            # A bug of ours: nobody may wait for an answer that never comes.
            _log.exception("the engine failed")
            self._end(EngineUnavailable(f"internal error: {type(error).__name__}"))

    async def _work_or_poll(self) -> None:
        timeout = AUDIO_POLL if self._scheduler.waiting else WORKER_POLL
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._wake.wait()

    async def _restart(self) -> None:
        self._ready = False
        await self._in_thread(self._worker.restart)
        self._ready = True

    async def _run(self, batch: Batch) -> None:
        """Recognize a batch and hand out what came of it."""
        dispatched = _now()
        windows = [(self._windows[bound.job.job_id], bound.span) for bound in batch.jobs]
        try:
            answer = await self._in_thread(lambda: self._recognize(windows))
        except WorkerCrashed as crash:
            self._ready = False
            quarantined = self._scheduler.fail(batch.batch_id)
            _log.warning("%s, with a batch of %d windows", crash, len(batch.jobs))
            for job in quarantined:
                self._settle(job, RecognitionFailed("this window stops the recognizer"))
            return
        self._scheduler.complete(batch.batch_id)
        if batch.jobs:
            self._busy[batch.jobs[0].job.kind] += answer.timing.inference
        for bound, (window, _), outcome in zip(batch.jobs, windows, answer.outcomes, strict=True):
            if isinstance(outcome, Hypothesis):
                queue = dispatched - window.submitted
                timing = replace(answer.timing, queue=queue)
                self._settle(bound.job, replace(outcome, timing=timing))
            else:
                self._settle(bound.job, outcome)

    def _recognize(self, windows: Sequence[tuple[PendingWindow, Span]]) -> _Answer:
        """Build the features and call the worker; runs in the engine's thread."""
        started = time.perf_counter()
        tasks = [window.task(span) for window, span in windows]
        sound = [task for task in tasks if isinstance(task, WindowTask)]
        preprocessing = time.perf_counter() - started
        done = self._worker.run(sound) if sound else BatchDone((), 0.0)
        recognized = iter(done.outcomes)
        return _Answer(
            [next(recognized) if isinstance(task, WindowTask) else task for task in tasks],
            EngineTiming(0.0, preprocessing, done.inference, len(sound)),
        )

    def _settle(self, job: Job, outcome: Hypothesis | EngineError) -> None:
        """Answer the caller of `recognize`, if it still waits."""
        window = self._windows.get(job.job_id)
        if window is not None:
            window.settle(outcome)

    def _end(self, error: EngineError) -> None:
        """Fail all windows, now and from now on."""
        self._ready = False
        self._ended = self._ended or error
        if self.failure is not None:
            self._failed.set()
        for window in self._windows.values():
            window.settle(_again(error))

    async def _in_thread(self, call: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What came of a batch, in order; `timing` but for the wait of each window."""

    outcomes: list[Outcome]
    timing: EngineTiming


def _again(error: EngineError) -> EngineError:
    """A fresh error of the same kind: one instance is never raised twice."""
    return type(error)(str(error), retry_after=error.retry_after)


def _now() -> float:
    return asyncio.get_running_loop().time()
