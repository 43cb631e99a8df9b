"""Signals as something to wait for."""

import asyncio
import os
import signal
import subprocess
import sys

import pytest
from sori_server.cli.interruption import MOMENT, SIGNALS, Interruption

pytestmark = pytest.mark.unit


async def test_work_that_ends_by_itself_gives_its_result() -> None:
    with Interruption() as interruption:
        assert await interruption.cancels(asyncio.sleep(0, "done")) == "done"
    assert interruption.exit_code == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
async def test_the_first_signal_cancels_work(number: signal.Signals, code: int) -> None:
    with Interruption() as interruption:
        asyncio.get_running_loop().call_later(0.01, os.kill, os.getpid(), number)
        assert await interruption.cancels(asyncio.sleep(30, "done")) is None
        await interruption.wait()
    assert interruption.exit_code == code


async def test_work_may_clean_up_before_it_is_given_up() -> None:
    cleaned: list[bool] = []

    async def work() -> None:
        try:
            await asyncio.sleep(30)
        finally:
            await asyncio.sleep(0)
            cleaned.append(True)

    with Interruption() as interruption:
        asyncio.get_running_loop().call_later(0.01, os.kill, os.getpid(), signal.SIGINT)
        await interruption.cancels(work())
    assert cleaned == [True]


async def test_what_work_raises_comes_out() -> None:
    async def work() -> None:
        raise ValueError("a bug")

    with Interruption() as interruption, pytest.raises(ValueError, match="a bug"):
        await interruption.cancels(work())


async def test_two_signals_at_once_count_as_one() -> None:
    with Interruption() as interruption:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
        await interruption.wait()
        await asyncio.sleep(0.05)
    assert interruption.signal in {signal.SIGINT, signal.SIGTERM}


async def test_handlers_are_gone_afterwards() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    with Interruption():
        assert [signal.getsignal(number) for number in SIGNALS] != before
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


async def test_nohup_is_respected() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interruption() as interruption:
            os.kill(os.getpid(), signal.SIGHUP)
            await asyncio.sleep(0.02)
        assert interruption.signal is None
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_second_signal_ends_the_process_at_once() -> None:
    script = f"""
import asyncio, os, signal
from sori_server.cli.interruption import Interruption
async def main():
    with Interruption() as interruption:
        os.kill(os.getpid(), signal.SIGTERM)
        await interruption.wait()
        await asyncio.sleep({MOMENT})
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(30)
asyncio.run(main())
"""
    ended = subprocess.run([sys.executable, "-c", script], timeout=30, check=False)
    assert ended.returncode == 143
