"""Calls on a real batching engine with the fake model, for its integration tests."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import threading
from collections.abc import AsyncIterator, Sequence

from sori_server.domain.audio import SAMPLE_RATE
from sori_server.domain.limits import Limits
from sori_server.domain.recognition import (
    DecodingOptions,
    Hypothesis,
    RecognitionRequest,
    WindowKind,
)
from sori_server.engine.dispatcher import BatchingEngine
from sori_server.engine.fake import (
    FakeBehaviour,
    FakeFrontEnd,
    FakeStreamAudio,
    Levels,
    fake_loader,
)
from sori_server.engine.port import StreamAudio
from sori_server.engine.shared_audio import SharedAudio
from support.word_audio import Audio, speak

EXACT = DecodingOptions(beam_size=5)


@contextlib.asynccontextmanager
async def running(
    behaviour: FakeBehaviour | None = None, limits: Limits | None = None
) -> AsyncIterator[BatchingEngine]:
    """A started engine, of which nothing is left afterwards."""
    threads = set(threading.enumerate())
    engine = BatchingEngine(fake_loader(behaviour), FakeFrontEnd(), limits or Limits())
    await engine.start()
    try:
        yield engine
    finally:
        await engine.close()
        assert multiprocessing.active_children() == []
        assert set(threading.enumerate()) <= threads
        assert len(asyncio.all_tasks()) == 1


def hearing(engine: BatchingEngine, audio: Audio) -> StreamAudio:
    """A stream that has received `audio`."""
    stream = engine.open_stream()
    stream.accept(audio)
    return stream


async def final(engine: BatchingEngine, stream: StreamAudio, prompt: str = "") -> Hypothesis:
    """The final text of all the stream has received."""
    request = RecognitionRequest(1, WindowKind.FINAL, 0, stream.received, EXACT, prompt)
    return await engine.recognize(request, stream)


async def interim(engine: BatchingEngine, stream: StreamAudio, step: float = 0.1) -> Hypothesis:
    step_samples = round(step * SAMPLE_RATE)
    request = RecognitionRequest(1, WindowKind.INTERIM, 0, None, EXACT, step=step_samples)
    return await engine.recognize(request, stream)


async def finals(engine: BatchingEngine, words: Sequence[int]) -> list[Hypothesis | BaseException]:
    """One stream for each word, all asking at once."""
    streams = [hearing(engine, speak([word])) for word in words]
    calls = (final(engine, stream) for stream in streams)
    return await asyncio.gather(*calls, return_exceptions=True)


def heard(outcomes: Sequence[Hypothesis | BaseException]) -> list[str]:
    return [o.text if isinstance(o, Hypothesis) else type(o).__name__ for o in outcomes]


def worker_pid() -> int:
    (child,) = multiprocessing.active_children()
    assert child.pid is not None
    return child.pid


class _Held(FakeStreamAudio):
    """Its window is not built before it is let go: the engine is busy with it until then."""

    def __init__(self) -> None:
        super().__init__()
        self.entered, self.let_go = threading.Event(), threading.Event()

    def window(self, start: int, end: int) -> Levels:
        self.entered.set()
        assert self.let_go.wait(20)
        return super().window(start, end)


@contextlib.asynccontextmanager
async def occupied(engine: BatchingEngine) -> AsyncIterator[asyncio.Task[Hypothesis]]:
    """Meanwhile a call is under way that does not end."""
    held = _Held()
    stream = SharedAudio(held)
    stream.accept(speak([999]))
    task = asyncio.create_task(final(engine, stream))
    try:
        async with asyncio.timeout(10):
            while not held.entered.is_set():  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        yield task
    finally:
        held.let_go.set()


async def until_ready(engine: BatchingEngine, ready: bool = True) -> None:
    async with asyncio.timeout(10):
        while engine.ready is not ready:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
