"""The engine behind `EnginePort`: windows of all streams in batches on one worker."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from itertools import count
from typing import Final, TypeVar

from sori_server.domain.audio import Span, samples, seconds
from sori_server.domain.config import Priority
from sori_server.domain.errors import (
    CapacityExhausted,
    EngineError,
    EngineUnavailable,
    ModelLoading,
    RecognitionFailed,
    RequestCancelled,
)
from sori_server.domain.limits import Limits
from sori_server.domain.recognition import Hypothesis, RecognitionRequest, WindowKind
from sori_server.engine.calls import Answer, perform
from sori_server.engine.cost import CallLoad, CostModel, Phase
from sori_server.engine.model import ModelFrontEnd, ModelLoader, WindowTask
from sori_server.engine.port import EngineLoad, ModelInfo, StreamAudio
from sori_server.engine.quarantine import Quarantine
from sori_server.engine.retry import better, second_try
from sori_server.engine.scheduler.core import Scheduler
from sori_server.engine.scheduler.jobs import Batch, Job
from sori_server.engine.scheduler.policy import Policy
from sori_server.engine.shared_audio import SharedAudio
from sori_server.engine.window import PendingWindow
from sori_server.engine.worker import Worker
from sori_server.engine.worker_child import WorkerCrashed
from sori_server.engine.worker_process import Ready

USUAL_UTTERANCE: Final = 4.0
"""Seconds of speech in the final that `EngineLoad.final_cost` is about."""
USUAL_BEAM: Final = 5
AUDIO_POLL: Final = 0.02
"""Seconds between two looks at interims that wait for their first audio."""
WORKER_POLL: Final = 0.5
"""Seconds between two looks at whether an idle worker still lives."""

_log = logging.getLogger(__name__)
_T = TypeVar("_T")


class BatchingEngine:
    """Implements `EnginePort` with one scheduler and one supervised worker process.

    Up to `lanes` calls run at a time; windows that arrive meanwhile form the next ones.
    While the worker restarts, `ready` is False and windows wait.
    """

    def __init__(
        self,
        loader: ModelLoader,
        front_end: ModelFrontEnd,
        limits: Limits,
        *,
        lanes: int = 1,
        policy: Policy | None = None,
    ) -> None:
        """`loader` is called in the worker process and has to be picklable."""
        self._front_end = front_end
        self._limits = limits
        self._lanes = lanes
        self._worker = Worker(loader, limits, lanes)
        self._cost = CostModel()
        self._scheduler = Scheduler(limits, self._cost, policy)
        self._thread = ThreadPoolExecutor(max_workers=lanes, thread_name_prefix="sori-engine")
        self._windows: dict[int, PendingWindow] = {}
        self._quarantine = Quarantine()
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
        usual = CallLoad(
            frames=self._front_end.frames(Span(0, samples(USUAL_UTTERANCE))),
            rows=1,
            steps=self._cost.expected_steps(USUAL_UTTERANCE),
            beam_size=USUAL_BEAM,
            phase=Phase.RECOGNIZE,
        )
        return EngineLoad(
            lanes=self._lanes,
            finals_busy=self._busy[WindowKind.FINAL],
            interims_busy=self._busy[WindowKind.INTERIM],
            final_cost=self._cost.predict(usual),
            final_wait=self._scheduler.final_wait(_now()),
            interim_interval=self._scheduler.interim_interval,
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
            self._welcome(await self._in_thread(self._worker.start))
        except BaseException:
            await self.close()
            raise
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
        window = PendingWindow(request, audio, self._front_end, self._cost.expected_steps)
        window.bind()  # a request that cannot be bound fails its caller, not the scheduler
        deadline = window.deadline(self._limits)
        self._add(Job(job_id, id(audio), request.kind, deadline, window.bind, request.priority))
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
                async with asyncio.TaskGroup() as lanes:
                    for _ in range(self._lanes):
                        lanes.create_task(self._dispatch())
        except* EngineUnavailable as errors:
            _log.error("the engine gives up: %s", errors.exceptions[0])
            self._end(EngineUnavailable(str(errors.exceptions[0])))
        except* Exception as errors:
            # A bug of ours: nobody may wait for an answer that never comes.
            _log.exception("the engine failed")
            self._end(EngineUnavailable(f"internal error: {type(errors.exceptions[0]).__name__}"))

    async def _dispatch(self) -> None:
        """Run one batch after the other while the worker lives."""
        while self._worker.alive:
            self._wake.clear()
            batch = self._scheduler.schedule(_now())
            if batch is not None:
                await self._run(batch)
            else:
                await self._work_or_poll()

    async def _work_or_poll(self) -> None:
        timeout = AUDIO_POLL if self._scheduler.waiting else WORKER_POLL
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._wake.wait()

    async def _restart(self) -> None:
        self._ready = False
        self._welcome(await self._in_thread(self._worker.restart))
        self._scheduler.renew()

    def _welcome(self, ready: Ready) -> None:
        self._info = ready.info
        self._cost.fit(ready.samples)
        self._ready = True

    async def _run(self, batch: Batch) -> None:
        """Have a batch encoded, decoded or both, and hand out what came of it."""
        dispatched = _now()
        windows = [self._windows[bound.job.job_id] for bound in batch.jobs]
        unwanted = self._scheduler.unwanted()
        try:
            answer = await self._in_thread(
                lambda: perform(self._worker, batch, windows, unwanted, self._quarantine)
            )
        except WorkerCrashed as crash:
            self._ready = False
            _log.warning("%s, with a batch of %d windows", crash, len(batch.jobs))
            self._give_up(batch)
            self._wake.set()
            return
        self._learn(batch, windows, answer)
        for bound, window, outcome in zip(batch.jobs, windows, answer.outcomes, strict=True):
            if outcome is None:
                window.spend(answer.timing)
            elif isinstance(outcome, Hypothesis):
                timing = window.spent(answer.timing, dispatched - bound.since)
                self._settle(bound.job, replace(outcome, timing=timing))
            else:
                self._scheduler.cancel(bound.job.job_id)
                self._settle(bound.job, outcome)
        self._scheduler.complete(batch.batch_id)
        self._wake.set()

    def _give_up(self, batch: Batch) -> None:
        """The worker died on a batch: fail the windows of it that did it."""
        quarantined = self._scheduler.fail(batch.batch_id)
        spans = {bound.job.job_id: bound.span for bound in batch.jobs}
        for job in quarantined:
            window = self._windows.get(job.job_id)
            task = window and window.task(spans[job.job_id])
            if isinstance(task, WindowTask):
                self._quarantine.add(task, _now())
            self._settle(job, RecognitionFailed("this window stops the recognizer"))

    def _learn(self, batch: Batch, windows: Sequence[PendingWindow], answer: Answer) -> None:
        """Take note of what a call took."""
        now, rows, first = _now(), answer.timing.batch_size, batch.jobs[0].job
        self._scheduler.lag(now - answer.ended, now)
        if answer.fitted is not None:
            _log.warning("memory ran out: calls of at most %d windows for now", answer.fitted)
            self._scheduler.out_of_memory(answer.fitted, now)
        if not rows:
            return
        if first.priority is Priority.LIVE:
            self._busy[first.kind] += answer.timing.inference
        texts = [outcome for outcome in answer.outcomes if isinstance(outcome, Hypothesis)]
        if windows[0].sampled:
            return
        steps = max((text.tokens + 1 for text in texts), default=0)
        load = replace(batch.jobs[0].binding.load, phase=batch.phase, rows=rows, steps=steps)
        self._cost.correct(load, answer.timing.inference)
        for text in texts:
            self._cost.count_steps(seconds(len(text.span)), text.tokens + 1)

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


def _again(error: EngineError) -> EngineError:
    """A fresh error of the same kind: one instance is never raised twice."""
    return type(error)(str(error), retry_after=error.retry_after)


def _now() -> float:
    return asyncio.get_running_loop().time()
