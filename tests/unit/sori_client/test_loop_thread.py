from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Coroutine
from typing import Any

import pytest
from sori_client import errors
from sori_client.loop_thread import LoopThread

pytestmark = pytest.mark.unit


async def answer(value: int) -> int:
    await asyncio.sleep(0)
    return value


async def nothing() -> None:
    await asyncio.sleep(0)


def test_coroutines_run_on_one_thread_until_it_is_stopped() -> None:
    loop = LoopThread()
    assert [loop.run(answer(1)), loop.run(answer(2))] == [1, 2]
    loop.stop()
    loop.stop()
    assert "sori-client" not in {thread.name for thread in threading.enumerate()}
    with pytest.raises(errors.ConnectionLost, match="closed"):
        loop.run(answer(3))
    loop.run_unless_stopped(nothing())


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
        time.sleep(0.5)
        main = threading.main_thread().ident
        assert main is not None
        signal.pthread_kill(main, signal.SIGINT)

    loop = LoopThread()
    interrupter = threading.Thread(target=interrupt)
    interrupter.start()
    with pytest.raises(KeyboardInterrupt):
        loop.run(wait_forever())
    assert cancelled.wait(10)
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
    waiter.join(10)
    assert len(ends) == 1


def test_what_comes_while_the_thread_stops_is_refused_and_not_waited_for() -> None:
    running, stopping, refused = threading.Event(), threading.Event(), threading.Event()
    ends: list[BaseException] = []

    async def hold_up_the_stop() -> None:
        running.set()
        try:
            await asyncio.sleep(60)
        finally:
            stopping.set()
            refused.wait(10)

    def wait(coroutine: Coroutine[Any, Any, object]) -> None:
        try:
            loop.run(coroutine)
        except errors.ConnectionLost as end:
            ends.append(end)

    def come_late() -> None:
        stopping.wait(5)
        wait(answer(1))
        refused.set()

    loop = LoopThread()
    threads = [
        threading.Thread(target=wait, args=[hold_up_the_stop()], daemon=True),
        threading.Thread(target=come_late, daemon=True),
    ]
    for thread in threads:
        thread.start()
    running.wait(5)
    loop.stop()
    for thread in threads:
        thread.join(5)
    assert len(ends) == 2
