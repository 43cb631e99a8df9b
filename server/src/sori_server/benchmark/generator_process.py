"""Generators in processes of their own, started together and never left behind."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Final

from sori_server.benchmark.generator import Clock, Generator
from sori_server.benchmark.records import Pulse, Share, ShareRecord
from sori_server.domain.errors import EngineUnavailable

NICENESS: Final = -10
START_TIMEOUT: Final = 60.0
HEAD_START: Final = 0.5
"""Seconds between the signal to start and the beginning of the run."""
STOP_TIMEOUT: Final = 5.0

Said = Pulse | ShareRecord | None


async def run_shares(
    shares: Sequence[Share], told: Callable[[int, Pulse], None]
) -> tuple[float, tuple[ShareRecord, ...]]:
    """Run each share in a process of its own; all begin at one moment.

    Returns that moment on the monotonic clock, and what came of each. `told` hears from
    process k how it goes. Cancelled, it ends all processes.

    Raises:
        EngineUnavailable: a process did not start, or ended early.
    """
    children = [GeneratorChild(share) for share in shares]
    try:
        await asyncio.gather(*(child.ready() for child in children))
        zero = time.monotonic() + HEAD_START
        running = (child.run(zero, number, told) for number, child in enumerate(children))
        return zero, tuple(await asyncio.gather(*running))
    finally:
        for child in children:
            child.stop()


class GeneratorChild:
    """One generator process, seen from outside."""

    def __init__(self, share: Share) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process: SpawnProcess = context.Process(
            target=generate, args=(theirs, share), daemon=True, name="sori-bench"
        )
        self._process.start()
        theirs.close()

    async def ready(self) -> None:
        """Return when it can begin."""
        try:
            async with asyncio.timeout(START_TIMEOUT):
                await self._receive()
        except TimeoutError:
            raise EngineUnavailable("a load generator did not start in time") from None

    async def run(
        self, zero: float, number: int, told: Callable[[int, Pulse], None]
    ) -> ShareRecord:
        """Let it run from `zero` on, a moment of the monotonic clock."""
        self._pipe.send(zero)
        while isinstance(said := await self._receive(), Pulse):
            told(number, said)
        if said is None:
            raise EngineUnavailable("a load generator said it was ready twice")
        return said

    def stop(self) -> None:
        """End it, whatever it does."""
        self._pipe.close()
        self._process.join(STOP_TIMEOUT if self._process.exitcode is None else 0)
        if self._process.exitcode is None:
            self._process.kill()
            self._process.join()

    async def _receive(self) -> Said:
        """The next thing it says."""
        loop, readable = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._pipe.fileno(), readable.set)
        try:
            await readable.wait()
        finally:
            loop.remove_reader(self._pipe.fileno())
        try:
            said: Said = self._pipe.recv()
        except EOFError:
            raise EngineUnavailable("a load generator ended early") from None
        return said


def generate(pipe: Connection, share: Share) -> None:
    """Body of a generator process: ready, go, pulses, record. Ends with its parent."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the parent gets it, too, and ends us
    if share.measured:
        _hurry()
    pipe.send(None)
    with suppress(EOFError):
        zero = pipe.recv()
        pipe.send(asyncio.run(_generate(pipe, share, zero)))


def _hurry() -> None:
    """Go before the server if this is permitted: what gets no processor measures itself.

    In the real-time class, since niceness counts for nothing between two terminals.
    """
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except (OSError, AttributeError):
        with suppress(OSError):
            os.nice(NICENESS)


async def _generate(pipe: Connection, share: Share, zero: float) -> ShareRecord:
    # Nothing more is said to us: a pipe that can be read has been closed.
    asyncio.get_running_loop().add_reader(pipe.fileno(), os._exit, 1)
    gc.collect()
    gc.freeze()
    begun = time.process_time()
    generator = Generator(share, Clock(zero))
    streams = await generator.run(pipe.send)
    return ShareRecord(streams, generator.ticks, time.process_time() - begun)
