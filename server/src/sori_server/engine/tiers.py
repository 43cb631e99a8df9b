"""Two models, one session: interims from a small one, finals from a large one.

A final is decoded many times less often than the interims before it, so most of what a large
model costs a live stream is spent on text that is shown for half a second.
"""

from __future__ import annotations

import asyncio
import logging
import math
import threading
from collections.abc import Callable
from dataclasses import replace

from sori_server.domain.errors import EngineUnavailable, ModelLoading, RequestCancelled
from sori_server.domain.recognition import Hypothesis, RecognitionRequest, WindowKind
from sori_server.engine.port import EngineLoad, EnginePort, ModelInfo, StreamAudio
from sori_server.engine.shared_audio import SharedAudio

_log = logging.getLogger(__name__)


class TieredAudio(SharedAudio):
    """One stream's audio for two models: itself for that of finals, `interims` for the other.

    The two are views of one recording: only the first is fed.
    """

    def __init__(self, finals: StreamAudio, interims: StreamAudio) -> None:
        lock = threading.Lock()
        super().__init__(finals, lock)
        self.interims: StreamAudio = SharedAudio(interims, lock)


class TieredEngine:
    """Implements `EnginePort` with an engine for interims and another one for finals.

    Finals never depend on the model for interims: its words are never committed, unless a
    client asks for that, and when its engine gives up there are no interims any more.
    """

    def __init__(
        self, interims: EnginePort, finals: EnginePort, open_audio: Callable[[], TieredAudio]
    ) -> None:
        """`open_audio` makes what both engines read windows of a new stream from."""
        self._interims = interims
        self._finals = finals
        self._open_audio = open_audio
        self._info: ModelInfo | None = None
        self._bereft = False

    @property
    def model(self) -> ModelInfo:
        """The model of finals, with the languages and tasks that both know.

        Raises:
            ModelLoading: `start` has not returned.
        """
        if self._info is None:
            raise ModelLoading("the models are not loaded yet")
        return self._info

    @property
    def ready(self) -> bool:
        """Whether both models are warm; that of finals is enough once the other gave up."""
        return self._finals.ready and (self._interims.ready or self._interims.failure is not None)

    @property
    def failure(self) -> EngineUnavailable | None:
        """Why there will be no finals any more. None while there may be."""
        return self._finals.failure

    @property
    def load(self) -> EngineLoad:
        """How busy the engine of finals is; interims are those of the other one."""
        interims = self._interims.load
        return replace(
            self._finals.load,
            interims_busy=interims.interims_busy,
            interim_interval=interims.interim_interval,
        )

    async def wait_failed(self) -> None:
        """Return when there is a `failure`."""
        await self._finals.wait_failed()

    async def start(self) -> None:
        """Load and warm both models side by side.

        Raises:
            EngineUnavailable: one cannot be loaded, or they have no language in common.
        """
        try:
            await self._start()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Stop both. Pending requests fail with RequestCancelled. Idempotent."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._interims.close())
            tasks.create_task(self._finals.close())

    def open_stream(self) -> StreamAudio:
        """Audio state of a new stream, heard once for both models."""
        return self._open_audio()

    async def recognize(self, request: RecognitionRequest, audio: StreamAudio) -> Hypothesis:
        """Recognize one window with the model for its kind.

        Raises:
            RecognitionFailed: this window cannot be recognized.
            RequestCancelled: the engine closed, or there are no interims any more.
            EngineUnavailable: no worker for finals can be had.
        """
        assert isinstance(audio, TieredAudio), "streams come from open_stream"  # noqa: S101
        if not request.options.languages:
            known = replace(request.options, languages=self.model.languages)
            request = replace(request, options=known)
        if request.kind is WindowKind.FINAL:
            return await self._finals.recognize(request, audio)
        try:
            return await self._interims.recognize(request, audio.interims)
        except EngineUnavailable as error:
            self._tell_of(error)
            raise RequestCancelled("there is no model for interims") from error

    async def _start(self) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._interims.start())
                tasks.create_task(self._finals.start())
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None
        self._info = combined(self._interims.model, self._finals.model)

    def _tell_of(self, error: EngineUnavailable) -> None:
        """Once: streams go on without interims."""
        if not self._bereft:
            self._bereft = True
            _log.error("no more interims, finals go on: %s", error)


def combined(interims: ModelInfo, finals: ModelInfo) -> ModelInfo:
    """What two models serve together.

    Words of the interims are not committed: a final extends what was committed, and would
    have to repeat what the small model misheard.

    Raises:
        EngineUnavailable: they have no language or no task in common.
    """
    both = replace(
        finals,
        languages=tuple(code for code in finals.languages if code in interims.languages),
        tasks=tuple(task for task in finals.tasks if task in interims.tasks),
        commit_confidence=math.inf,
        interim_model=interims.name,
    )
    if not both.languages or not both.tasks:
        raise EngineUnavailable(
            f"the models {interims.name} and {finals.name} have no language or task in common"
        )
    return both
