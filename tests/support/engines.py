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
from sori_server.engine.fake import FakeBehaviour, FakeFrontEnd, fake_loader
from sori_server.engine.port import StreamAudio
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


async def busy(engine: BatchingEngine) -> asyncio.Task[Hypothesis]:
    """A call whose batch has just been sent to the worker."""
    task = asyncio.create_task(final(engine, hearing(engine, speak([999]))))
    await asyncio.sleep(0.03)
    return task


async def until_ready(engine: BatchingEngine, ready: bool = True) -> None:
    async with asyncio.timeout(10):
        while engine.ready is not ready:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
