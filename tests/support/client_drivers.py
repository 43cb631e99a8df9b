"""Both Python clients under one roof, for tests that also run the server."""

# ruff: noqa: ANN401 - what `ask` returns depends on the method asked for

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pytest
import sori_client.sync
from sori_client import AudioFormat, Bytes, Client, Event, Result, Resume, Source, Timeouts, errors
from sori_client.channel import ChannelOptions
from support.scripted_server import Script, ScriptedService, serve

LINEAR16 = AudioFormat()
QUICKLY = Resume(patience=5.0, first_pause=0.02, longest_pause=0.2)
QUICK = Timeouts(connect=1.0, response=1.5, recognize=1.5)


class Endless:
    """A source that never ends and remembers whether it was closed."""

    format = LINEAR16

    def __init__(self) -> None:
        self.closed = False

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        try:
            while True:
                yield bytes(320)
                await asyncio.sleep(0.01)
        finally:
            self.closed = True


@dataclass
class Outcome:
    events: list[Event]
    error: Exception | None

    @property
    def texts(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, Result)]


def addresses(port: int | Sequence[int]) -> list[str]:
    """Addresses of this machine."""
    ports = [port] if isinstance(port, int) else port
    return [f"127.0.0.1:{each}" for each in ports]


class Driver(Protocol):
    """Either client, called from a test that also runs the server."""

    async def stream(
        self,
        port: int | Sequence[int],
        source: Source,
        *,
        pause: float = 0.0,
        timeouts: Timeouts | None = None,
        resume: Resume | None = QUICKLY,
        options: ChannelOptions = (),
    ) -> Outcome: ...

    async def ask(self, port: int, method: str, *arguments: Any, **options: Any) -> Any: ...


class AsyncDriver:
    """The asyncio client under test."""

    async def stream(
        self,
        port: int | Sequence[int],
        source: Source,
        *,
        pause: float = 0.0,
        timeouts: Timeouts | None = None,
        resume: Resume | None = QUICKLY,
        options: ChannelOptions = (),
    ) -> Outcome:
        events: list[Event] = []
        async with Client(
            addresses(port), timeouts=timeouts, resume=resume, options=options
        ) as client:
            try:
                async with client.stream(source) as stream:
                    async for event in stream:
                        events.append(event)
                        await asyncio.sleep(pause)
            except errors.SoriClientError as error:
                return Outcome(events, error)
        return Outcome(events, None)

    async def ask(self, port: int, method: str, *arguments: Any, **options: Any) -> Any:
        async with Client(f"127.0.0.1:{port}", **options) as client:
            return await getattr(client, method)(*arguments)


class SyncDriver:
    """The client for plain code under test, on a thread of its own."""

    async def stream(
        self,
        port: int | Sequence[int],
        source: Source,
        *,
        pause: float = 0.0,
        timeouts: Timeouts | None = None,
        resume: Resume | None = QUICKLY,
        options: ChannelOptions = (),
    ) -> Outcome:
        def run() -> Outcome:
            events: list[Event] = []
            with sori_client.sync.Client(
                addresses(port), timeouts=timeouts, resume=resume, options=options
            ) as client:
                try:
                    with client.stream(source) as stream:
                        for event in stream:
                            events.append(event)
                            time.sleep(pause)
                except errors.SoriClientError as error:
                    return Outcome(events, error)
            return Outcome(events, None)

        return await asyncio.to_thread(run)

    async def ask(self, port: int, method: str, *arguments: Any, **options: Any) -> Any:
        def run() -> Any:
            with sori_client.sync.Client(f"127.0.0.1:{port}", **options) as client:
                return getattr(client, method)(*arguments)

        return await asyncio.to_thread(run)


@pytest.fixture(params=[AsyncDriver, SyncDriver], ids=["async", "sync"])
def driver(request: pytest.FixtureRequest) -> Driver:
    made: Driver = request.param()
    return made


@pytest.fixture(autouse=True)
async def nothing_leaks() -> AsyncIterator[None]:
    """No task and no thread of the client outlives a test."""
    tasks, threads = asyncio.all_tasks(), set(threading.enumerate())
    yield
    deadline = time.monotonic() + 10.0
    while time.monotonic() < deadline:
        left = {task.get_name() for task in asyncio.all_tasks() - tasks if not task.done()}
        left |= {thread.name for thread in set(threading.enumerate()) - threads}
        left = {name for name in left if name.startswith("sori-")}
        if not left:
            return
        await asyncio.sleep(0.02)
    pytest.fail(f"left behind: {left}")


async def play(
    driver: Driver,
    script: Script,
    source: Source | None = None,
    *,
    pause: float = 0.0,
    timeouts: Timeouts | None = None,
) -> tuple[Outcome, ScriptedService]:
    service = ScriptedService(script)  # type: ignore[abstract]
    async with serve(service) as port:
        outcome = await driver.stream(
            port, source or Bytes([bytes(32_000)], LINEAR16), pause=pause, timeouts=timeouts
        )
        await asyncio.wait_for(service.over.wait(), 5)
    return outcome, service
