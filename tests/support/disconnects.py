"""Streams at all points of the protocol, and what is left once their clients have gone."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from support.chaos_proxy import ChaosProxy, Fault, proxied
from support.protocol_points import LARGE, Point, at_all_points
from support.server_process import windows_of
from support.speech_server import Served, until_line

SLOW_LINE = 60.0
"""Seconds in which what the server says to the slow line does not arrive."""
POLL = 0.001

Strike = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Standing:
    """What the process of a server holds."""

    tasks: int
    descriptors: int
    streams: int
    windows: int

    @classmethod
    def now(cls, served: Served) -> Standing:
        """Count."""
        return cls(
            tasks=len(asyncio.all_tasks()),
            descriptors=len(os.listdir("/proc/self/fd")),
            streams=served.gateway.active_streams,
            windows=windows_of(served.engine),
        )


def _halfway(slow: ChaosProxy) -> bool:
    """Whether half of a message is there on each line."""
    return all(LARGE / 4 < line.up.carried < LARGE for line in slow.lines)


def handlers() -> int:
    """Calls whose handler runs."""
    return sum("StreamingRecognize" in task.get_name() for task in asyncio.all_tasks())


@asynccontextmanager
async def sixteen_streams(served: Served, kind: str) -> AsyncIterator[Strike]:
    """Two streams at each point, and how they go: `FIN`, `CANCEL`, `SIGKILL` and so on."""
    async with (
        proxied(served.server.grpc_port) as (proxy, port),
        proxied(served.server.grpc_port) as (slow, slow_port),
    ):
        addresses = (f"127.0.0.1:{port}", f"127.0.0.1:{slow_port}")
        going = _process if kind.startswith("SIG") else _streams
        async with going(kind, addresses, slow) as gone:
            async with asyncio.timeout(10):
                while not (  # noqa: ASYNC110
                    _halfway(slow) and handlers() >= STREAMS and windows_of(served.engine)
                ):
                    await asyncio.sleep(POLL)

            async def strike() -> None:
                if kind in Fault.__members__:
                    for each in (proxy, slow):
                        each.strike(Fault[kind])
                await gone()

            yield strike


@asynccontextmanager
async def _streams(
    kind: str, addresses: tuple[str, str], slow: ChaosProxy
) -> AsyncIterator[Strike]:
    async def near() -> None:
        _slow_down(slow)

    async with at_all_points(*addresses, near) as streams:

        async def gone() -> None:
            for stream in streams if kind == "CANCEL" else ():
                stream.call.cancel()

        yield gone


@asynccontextmanager
async def _process(
    kind: str, addresses: tuple[str, str], slow: ChaosProxy
) -> AsyncIterator[Strike]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "support.protocol_points", *addresses),
        cwd=Path(__file__).parents[1],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin is not None
    try:
        await until_line(process, "near")
        _slow_down(slow)
        process.stdin.write(b"\n")
        await until_line(process, "there")

        async def gone() -> None:
            process.send_signal(signal.Signals[kind])

        yield gone
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def _slow_down(proxy: ChaosProxy) -> None:
    for line in proxy.lines:
        line.down.latency = SLOW_LINE


async def until_handlers(count: int, seconds: float) -> float:
    """Seconds until no more calls are served than this."""
    now = asyncio.get_running_loop().time
    begun = now()
    async with asyncio.timeout(seconds):
        while handlers() > count:  # noqa: ASYNC110
            await asyncio.sleep(POLL)
    return now() - begun


async def until_as_before(served: Served, before: Standing, seconds: float) -> None:
    """Wait until nothing is left of what was there in between."""
    try:
        async with asyncio.timeout(seconds):
            while not _within(Standing.now(served), before):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"{Standing.now(served)}, before: {before}") from None


def _within(now: Standing, before: Standing) -> bool:
    pairs = (
        (now.tasks, before.tasks),
        (now.descriptors, before.descriptors),
        (now.streams, before.streams),
        (now.windows, before.windows),
    )
    return all(count <= allowed for count, allowed in pairs)


POINTS = len(Point)
STREAMS = 2 * POINTS
