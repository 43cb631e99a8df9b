"""What the engine promises when windows, workers or callers misbehave."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import signal
import time

import pytest
from sori_server.domain.errors import (
    EngineUnavailable,
    ModelLoading,
    RecognitionFailed,
    RequestCancelled,
)
from sori_server.domain.limits import Limits
from sori_server.domain.recognition import Hypothesis
from sori_server.engine.dispatcher import BatchingEngine
from sori_server.engine.fake import (
    HANG_WORD,
    KILLER_WORD,
    FakeBehaviour,
    FakeFrontEnd,
    fake_loader,
)
from support.engines import (
    final,
    finals,
    heard,
    hearing,
    interim,
    occupied,
    running,
    until_ready,
    worker_pid,
)
from support.word_audio import silence, speak

pytestmark = pytest.mark.integration


async def test_interims_are_refused_and_finals_served_when_too_much_waits() -> None:
    limits = Limits(max_pending_windows=1, max_batch=1)
    async with running(limits=limits) as engine:
        async with occupied(engine) as running_batch:
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


async def test_a_killer_window_is_found_and_its_mates_are_answered() -> None:
    async with running() as engine:
        outcomes = await finals(engine, [0, 1, 2, KILLER_WORD, 4, 5])
        await until_ready(engine)
        after = await finals(engine, [7])

    expected = [" w0", " w1", " w2", "RecognitionFailed", " w4", " w5"]
    assert heard(outcomes) == expected
    assert heard(after) == [" w7"]


@pytest.mark.parametrize("place", [0, 3, 7])
async def test_a_killer_among_eight_is_found_in_four_crashes(
    place: int, caplog: pytest.LogCaptureFixture
) -> None:
    words = [*range(8)]
    words[place] = KILLER_WORD
    async with running() as engine:
        outcomes = await finals(engine, words)
        crashes = sum("the worker died" in message for message in caplog.messages)
        await until_ready(engine)
        caplog.clear()
        again = await finals(engine, [KILLER_WORD])

    expected = [f" w{word}" for word in range(8)]
    expected[place] = "RecognitionFailed"
    assert heard(outcomes) == expected
    assert crashes <= 4
    assert heard(again) == ["RecognitionFailed"]
    assert "before" in str(again[0])
    assert not caplog.messages, "it is known, and does not get to the worker"


async def test_a_batch_that_does_not_fit_into_memory_costs_nothing_but_time() -> None:
    async with running(FakeBehaviour(memory=3)) as engine:
        first = await finals(engine, range(16))
        pid = worker_pid()
        second = await finals(engine, range(16, 32))

        assert worker_pid() == pid
    assert heard([*first, *second]) == [f" w{n}" for n in range(32)]
    sizes = {o.timing.batch_size for o in second if isinstance(o, Hypothesis)}
    assert sizes == {2}, "later calls are as small as those that fitted"


async def test_a_window_that_hangs_is_found_and_its_mate_is_answered() -> None:
    async with running(limits=Limits(batch_timeout=2.0)) as engine:
        outcomes = await finals(engine, [1, HANG_WORD])

    assert heard(outcomes) == [" w1", "RecognitionFailed"]


async def test_nothing_is_lost_when_the_worker_is_killed_from_outside() -> None:
    async with running(FakeBehaviour(batch_cost=0.3)) as engine:
        alone = asyncio.create_task(final(engine, hearing(engine, speak([999]))))
        await asyncio.sleep(0.03)
        os.kill(worker_pid(), signal.SIGKILL)
        crowd = await finals(engine, range(4))

        assert heard([await alone, *crowd]) == [" w999", " w0", " w1", " w2", " w3"]


async def test_an_idle_worker_that_dies_is_replaced_before_it_is_needed() -> None:
    async with running() as engine:
        os.kill(worker_pid(), signal.SIGKILL)
        await until_ready(engine, ready=False)
        assert engine.failure is None
        await until_ready(engine)

        assert heard(await finals(engine, [1])) == [" w1"]


async def test_a_crash_loop_gives_up_and_says_so() -> None:
    async with running(limits=Limits(max_worker_restarts=1, max_batch=1)) as engine:
        outcomes = await finals(engine, [KILLER_WORD, KILLER_WORD, 1])

        assert heard(outcomes) == ["RecognitionFailed", "EngineUnavailable", "EngineUnavailable"]
        assert not engine.ready
        async with asyncio.timeout(10):
            await engine.wait_failed()
        assert "1 restarts in a row" in str(engine.failure)
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

    assert time.monotonic() - started < 20.0
    assert multiprocessing.active_children() == []


async def test_close_fails_what_is_pending_and_ends_a_hung_worker_at_once() -> None:
    async with running(limits=Limits(worker_stop_timeout=30.0)) as engine:
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

        assert time.monotonic() - started < 10.0
        assert heard(outcomes) == ["RequestCancelled"] * 3
        assert not engine.ready
        assert engine.failure is None
        with pytest.raises(RequestCancelled):
            await final(engine, hearing(engine, speak([1])))


async def test_a_quarantined_window_is_told_apart_from_a_missing_worker() -> None:
    async with running() as engine:
        with pytest.raises(RecognitionFailed, match="stops the recognizer"):
            await final(engine, hearing(engine, speak([KILLER_WORD])))

        assert heard(await finals(engine, [3])) == [" w3"]
