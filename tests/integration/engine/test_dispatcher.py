"""The batching engine with a real worker process and word-bearing audio."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import AsyncIterator, Sequence

import pytest
from sori_server.domain.audio import SAMPLE_RATE
from sori_server.domain.errors import (
    EngineUnavailable,
    ModelLoading,
    RecognitionFailed,
    RequestCancelled,
)
from sori_server.domain.limits import Limits
from sori_server.domain.recognition import (
    DecodingOptions,
    Hypothesis,
    RecognitionRequest,
    WindowKind,
)
from sori_server.engine.dispatcher import BatchingEngine
from sori_server.engine.fake import (
    HANG_WORD,
    KILLER_WORD,
    POISON_WORD,
    WORD_SAMPLES,
    FakeBehaviour,
    FakeFrontEnd,
    fake_loader,
)
from sori_server.engine.port import StreamAudio
from support.word_audio import Audio, assert_heard, silence, speak

pytestmark = pytest.mark.integration

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
    await asyncio.sleep(0.05)
    return task


async def until_ready(engine: BatchingEngine, ready: bool = True) -> None:
    async with asyncio.timeout(10):
        while engine.ready is not ready:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_windows_of_many_streams_share_a_batch() -> None:
    async with running(FakeBehaviour(batch_cost=0.05)) as engine:
        outcomes = await finals(engine, range(6))

    assert heard(outcomes) == [f" w{n}" for n in range(6)]
    for outcome in outcomes:
        assert isinstance(outcome, Hypothesis)
        assert outcome.timing.batch_size == 6
        assert 0.05 <= outcome.timing.inference < 1.0
        assert 0 < outcome.timing.preprocessing < 1.0
        assert 0 <= outcome.timing.queue < 1.0


async def test_batches_are_bounded_and_nothing_is_lost_in_a_crowd() -> None:
    async with running(limits=Limits(max_batch=4)) as engine:
        outcomes = await finals(engine, range(50))

    assert heard(outcomes) == [f" w{n}" for n in range(50)]
    assert {o.timing.batch_size for o in outcomes if isinstance(o, Hypothesis)} == {4, 2}


async def test_a_long_stream_in_tiles_is_heard_once() -> None:
    words = list(range(40))
    async with running() as engine:
        stream = hearing(engine, speak(words))
        tiles = range(0, 40 * WORD_SAMPLES, 10_000)
        requests = [
            RecognitionRequest(i, WindowKind.FINAL, t, min(t + 10_000, stream.received), EXACT)
            for i, t in enumerate(tiles)
        ]
        calls = (engine.recognize(request, stream) for request in requests)
        texts = [hypothesis.text for hypothesis in await asyncio.gather(*calls)]

    assert_heard(texts, words)


async def test_prompts_of_unequal_length_never_meet() -> None:
    async with running() as engine:
        streams = [hearing(engine, speak([n])) for n in range(4)]
        prompts = ["", " a b c d", "", " a b c d"]
        calls = (final(engine, s, p) for s, p in zip(streams, prompts, strict=True))
        outcomes = await asyncio.gather(*calls)

    assert heard(outcomes) == [" w0", " w1", " w2", " w3"]
    assert [o.timing.batch_size for o in outcomes] == [2, 2, 2, 2]


async def test_an_interim_takes_the_newest_audio_when_it_is_dispatched() -> None:
    async with running(FakeBehaviour(batch_cost=0.2)) as engine:
        running_batch = await busy(engine)
        stream = hearing(engine, speak([1]))
        waiting = asyncio.create_task(interim(engine, stream))
        await asyncio.sleep(0.02)
        stream.accept(speak([2, 3])[:-5])

        hypothesis = await waiting
        await running_batch

    assert hypothesis.text == " w1 w2"
    assert hypothesis.span.end == 2 * WORD_SAMPLES, "bound on the grid of the interim step"
    assert hypothesis.timing.queue > 0.1


async def test_an_interim_waits_for_its_first_audio() -> None:
    async with running() as engine:
        stream = engine.open_stream()
        waiting = asyncio.create_task(interim(engine, stream))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        stream.accept(speak([5]))

        assert (await waiting).text == " w5"


async def test_a_newer_interim_replaces_the_waiting_one() -> None:
    async with running(FakeBehaviour(batch_cost=0.15)) as engine:
        running_batch = await busy(engine)
        stream = hearing(engine, speak([1]))
        older = asyncio.create_task(interim(engine, stream))
        await asyncio.sleep(0)
        newer = asyncio.create_task(interim(engine, stream))
        with pytest.raises(RequestCancelled):
            await older

        assert (await newer).text == " w1"
        await running_batch


async def test_finals_pass_interims() -> None:
    done: list[str] = []

    async def note(name: str, call: asyncio.Task[Hypothesis]) -> None:
        await call
        done.append(name)

    async with running(FakeBehaviour(batch_cost=0.1)) as engine, asyncio.TaskGroup() as tasks:
        await busy(engine)
        early = asyncio.create_task(interim(engine, hearing(engine, speak([1]))))
        tasks.create_task(note("interim", early))
        await asyncio.sleep(0.01)
        late = asyncio.create_task(final(engine, hearing(engine, speak([2]))))
        tasks.create_task(note("final", late))
        await asyncio.wait([early, late])

    assert done == ["final", "interim"]


async def test_interims_are_refused_and_finals_served_when_too_much_waits() -> None:
    limits = Limits(max_pending_windows=1, max_batch=1)
    async with running(FakeBehaviour(batch_cost=0.1), limits) as engine:
        running_batch = await busy(engine)
        waiting = asyncio.create_task(interim(engine, hearing(engine, speak([1]))))
        await asyncio.sleep(0)
        with pytest.raises(RequestCancelled, match="waiting already"):
            await interim(engine, hearing(engine, speak([2])))
        served = asyncio.create_task(final(engine, hearing(engine, speak([3]))))
        with pytest.raises(RequestCancelled, match="more urgent"):
            await waiting
        with pytest.raises(EngineUnavailable) as refused:
            await final(engine, hearing(engine, speak([4])))

        assert refused.value.retry_after == limits.retry_delay
        assert heard([await running_batch, await served]) == [" w999", " w3"]


async def test_a_cancelled_call_is_withdrawn_while_it_waits() -> None:
    async with running(FakeBehaviour(batch_cost=0.1)) as engine:
        running_batch = await busy(engine)
        streams = [hearing(engine, speak([n])) for n in range(3)]
        calls = [asyncio.create_task(final(engine, stream)) for stream in streams]
        await asyncio.sleep(0)
        calls[1].cancel()
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        await running_batch

    assert heard(outcomes) == [" w0", "CancelledError", " w2"]
    assert [o.timing.batch_size for o in outcomes if isinstance(o, Hypothesis)] == [2, 2]


async def test_a_call_cancelled_in_a_running_batch_leaves_its_mates_alone() -> None:
    async with running(FakeBehaviour(batch_cost=0.2)) as engine:
        streams = [hearing(engine, speak([n])) for n in range(3)]
        calls = [asyncio.create_task(final(engine, stream)) for stream in streams]
        await asyncio.sleep(0.05)
        calls[1].cancel()
        outcomes = await asyncio.gather(*calls, return_exceptions=True)

    assert heard(outcomes) == [" w0", "CancelledError", " w2"]
    assert [o.timing.batch_size for o in outcomes if isinstance(o, Hypothesis)] == [3, 3]


async def test_poison_fails_alone() -> None:
    async with running() as engine:
        pid = worker_pid()
        outcomes = await finals(engine, [1, POISON_WORD, 2])

        assert heard(outcomes) == [" w1", "RecognitionFailed", " w2"]
        assert str(outcomes[1]) == "the model raised ValueError"
        assert worker_pid() == pid


async def test_a_window_that_cannot_be_built_fails_alone() -> None:
    async with running() as engine:
        streams = [hearing(engine, speak([n, n])) for n in range(3)]
        streams[1].discard(WORD_SAMPLES)
        calls = (final(engine, stream) for stream in streams)
        outcomes = await asyncio.gather(*calls, return_exceptions=True)

    assert heard(outcomes) == [" w0 w0", "RecognitionFailed", " w2 w2"]


async def test_a_killer_window_is_found_and_its_mates_are_answered() -> None:
    async with running() as engine:
        outcomes = await finals(engine, [0, 1, 2, KILLER_WORD, 4, 5])
        await until_ready(engine)
        after = await finals(engine, [7])

    expected = [" w0", " w1", " w2", "RecognitionFailed", " w4", " w5"]
    assert heard(outcomes) == expected
    assert heard(after) == [" w7"]


async def test_a_window_that_hangs_is_found_and_its_mate_is_answered() -> None:
    async with running(limits=Limits(batch_timeout=0.5)) as engine:
        outcomes = await finals(engine, [1, HANG_WORD])

    assert heard(outcomes) == [" w1", "RecognitionFailed"]


async def test_nothing_is_lost_when_the_worker_is_killed_from_outside() -> None:
    async with running(FakeBehaviour(batch_cost=0.3)) as engine:
        alone = await busy(engine)
        os.kill(worker_pid(), signal.SIGKILL)
        crowd = await finals(engine, range(4))

        assert heard([await alone, *crowd]) == [" w999", " w0", " w1", " w2", " w3"]


async def test_an_idle_worker_that_dies_is_replaced_before_it_is_needed() -> None:
    async with running() as engine:
        os.kill(worker_pid(), signal.SIGKILL)
        await until_ready(engine, ready=False)
        await until_ready(engine)

        assert heard(await finals(engine, [1])) == [" w1"]


async def test_a_crash_loop_gives_up_and_says_so() -> None:
    async with running(limits=Limits(max_worker_restarts=1, max_batch=1)) as engine:
        outcomes = await finals(engine, [KILLER_WORD, KILLER_WORD, 1])

        assert heard(outcomes) == ["RecognitionFailed", "EngineUnavailable", "EngineUnavailable"]
        assert not engine.ready
        with pytest.raises(EngineUnavailable, match="1 restarts in a row"):
            await final(engine, hearing(engine, speak([1])))


async def test_a_bug_in_a_front_end_leaves_nobody_waiting() -> None:
    class Broken(FakeFrontEnd):
        def batch_key(self, *_: object) -> int:
            if asyncio.current_task() is caller:
                return 0
            raise KeyError("a bug")

    caller = asyncio.current_task()
    engine = BatchingEngine(fake_loader(), Broken(), Limits())
    await engine.start()
    with pytest.raises(EngineUnavailable, match="internal error: KeyError"):
        await final(engine, hearing(engine, speak([1])))
    assert not engine.ready
    await engine.close()


async def test_a_request_that_cannot_be_bound_fails_its_caller_only() -> None:
    async with running() as engine:
        with pytest.raises(ZeroDivisionError):
            await interim(engine, hearing(engine, speak([1])), step=0)

        assert heard(await finals(engine, [2])) == [" w2"]


async def test_a_model_that_cannot_be_loaded_says_why_and_leaves_nothing() -> None:
    behaviour = FakeBehaviour(load_error="no such device")
    engine = BatchingEngine(fake_loader(behaviour), FakeFrontEnd(), Limits())
    with pytest.raises(EngineUnavailable, match="no such device"):
        await engine.start()

    assert multiprocessing.active_children() == []
    with pytest.raises(ModelLoading):
        assert engine.model


async def test_a_start_that_is_cancelled_leaves_nothing() -> None:
    engine = BatchingEngine(fake_loader(FakeBehaviour(load_time=60)), FakeFrontEnd(), Limits())
    started = time.monotonic()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.3):
            await engine.start()

    assert time.monotonic() - started < 5.0
    assert multiprocessing.active_children() == []


async def test_close_fails_what_is_pending_and_ends_a_hung_worker_at_once() -> None:
    async with running() as engine:
        assert engine.ready
        assert engine.model.name == "fake"
        hung = asyncio.create_task(final(engine, hearing(engine, speak([HANG_WORD]))))
        waiting = asyncio.create_task(final(engine, hearing(engine, speak([1]))))
        await asyncio.sleep(0.1)
        late = asyncio.create_task(interim(engine, hearing(engine, silence(1))))
        await asyncio.sleep(0)
        started = time.monotonic()
        await engine.close()
        outcomes = await asyncio.gather(hung, waiting, late, return_exceptions=True)

        assert time.monotonic() - started < 2.0
        assert heard(outcomes) == ["RequestCancelled"] * 3
        assert not engine.ready
        with pytest.raises(RequestCancelled):
            await final(engine, hearing(engine, speak([1])))


async def test_a_quarantined_window_is_told_apart_from_a_missing_worker() -> None:
    async with running() as engine:
        with pytest.raises(RecognitionFailed, match="stops the recognizer"):
            await final(engine, hearing(engine, speak([KILLER_WORD])))

        assert heard(await finals(engine, [3])) == [" w3"]
