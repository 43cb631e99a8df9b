from __future__ import annotations

import asyncio
import signal
import threading
import time

import pytest
from sori_client import errors
from sori_client.loop_thread import LoopThread

pytestmark = pytest.mark.unit


async def answer(value: int) -> int:
    await asyncio.sleep(0)
    return value


def test_coroutines_run_on_one_thread_until_it_is_stopped() -> None:
    loop = LoopThread()
    assert [loop.run(answer(1)), loop.run(answer(2))] == [1, 2]
    assert not loop.stopped
    loop.stop()
    loop.stop()
    assert loop.stopped
    assert "sori-client" not in {thread.name for thread in threading.enumerate()}
    with pytest.raises(RuntimeError, match="closed"):
        loop.run(answer(3))


def test_errors_reach_the_caller() -> None:
    async def fail() -> None:
        raise OSError("broken")

    loop = LoopThread()
    with pytest.raises(OSError, match="broken"):
        loop.run(fail())
    loop.stop()


def test_an_interrupt_cancels_what_is_waited_for() -> None:
    started, cancelled = threading.Event(), threading.Event()

    async def wait_forever() -> None:
        started.set()
        try:
            await asyncio.sleep(60)
        finally:
            cancelled.set()

    def interrupt() -> None:
        started.wait(5)
        time.sleep(0.05)
        main = threading.main_thread().ident
        assert main is not None
        signal.pthread_kill(main, signal.SIGINT)

    loop = LoopThread()
    interrupter = threading.Thread(target=interrupt)
    interrupter.start()
    with pytest.raises(KeyboardInterrupt):
        loop.run(wait_forever())
    assert cancelled.wait(2)
    interrupter.join()
    loop.stop()


def test_stopping_wakes_whoever_waits() -> None:
    started = threading.Event()
    ends: list[BaseException] = []

    async def wait_forever() -> None:
        started.set()
        await asyncio.sleep(60)

    def wait() -> None:
        try:
            loop.run(wait_forever())
        except errors.ConnectionLost as end:
            ends.append(end)

    loop = LoopThread()
    waiter = threading.Thread(target=wait)
    waiter.start()
    started.wait(5)
    loop.stop()
    waiter.join(2)
    assert len(ends) == 1
