from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from sori_server.benchmark import generator
from sori_server.benchmark.generator import Clock, LiveStream
from sori_server.benchmark.records import StreamRecord
from sori_server.benchmark.scripts import CHUNK, Manner, StreamPlan
from sori_server.benchmark.target import Conversation, Heard, Pcm
from sori_server.domain.errors import CapacityExhausted
from support.loads import final, plan, spoken

pytestmark = pytest.mark.unit

SCRIPT = plan(spoken(1, 2)).script
STARTS, ENDS = 1.0, 1.5


class VirtualClock(Clock):
    """A clock that stands where it was put; whoever waits for it wakes `late`."""

    def __init__(self, late: float = 0.0) -> None:
        super().__init__(0.0)
        self._late = late
        self.moment = 0.0

    @property
    def now(self) -> float:
        return self.moment

    async def until(self, moment: float) -> None:
        self.moment = max(self.moment, moment + self._late)
        await asyncio.sleep(0)


class Server:
    """A target whose conversations take chunks as told; says one thing at the end."""

    url = "scripted://"

    def __init__(self, clock: Clock, take: Callable[[int], Awaitable[None]]) -> None:
        self._clock = clock
        self._take = take
        self._ended = asyncio.Event()
        self.moments: list[float] = []

    @asynccontextmanager
    async def open(self, language: str) -> AsyncIterator[Conversation]:
        yield self

    @property
    def acknowledged(self) -> int | None:
        return len(self.moments) * CHUNK

    async def send(self, samples: Pcm) -> None:
        self.moments.append(self._clock.now)
        await self._take(len(self.moments) - 1)

    async def end(self) -> None:
        self._ended.set()

    async def events(self) -> AsyncIterator[Heard]:
        await self._ended.wait()
        yield final(0.8, 2.2)


async def at_once(_: int) -> None:
    """Take it."""


async def ran(
    clock: Clock, server: Server, manner: Manner = Manner.STEADY, ends: float = ENDS
) -> StreamRecord:
    stream = LiveStream(StreamPlan(0, SCRIPT, 0.0, STARTS, manner), clock, ends)
    await stream.run(server)
    return stream.record()


async def test_chunks_go_at_moments_fixed_before() -> None:
    clock = VirtualClock()
    server = Server(clock, at_once)
    record = await ran(clock, server)
    assert server.moments == pytest.approx([1.0, 1.1, 1.2, 1.3, 1.4])
    assert (record.complete, record.sent, record.acknowledged) == (True, 5 * CHUNK, 5 * CHUNK)
    assert [at for at, _ in record.heard] == pytest.approx([1.4])


async def test_a_server_that_takes_audio_late_moves_no_schedule() -> None:
    clock = VirtualClock()

    async def stall(number: int) -> None:
        clock.moment += 0.25 * (number == 1)

    server = Server(clock, stall)
    record = await ran(clock, server)
    assert server.moments == pytest.approx([1.0, 1.1, 1.35, 1.35, 1.4])
    assert record.held.tolist() == pytest.approx([0, 0, 0.15, 0.05, 0], abs=1e-6)
    assert record.late.tolist() == pytest.approx([0] * 5, abs=1e-6), "not the generator's fault"


async def test_a_generator_that_wakes_late_says_so() -> None:
    clock = VirtualClock(late=0.02)
    record = await ran(clock, Server(clock, at_once))
    assert record.late.tolist() == pytest.approx([0.02] * 5, abs=1e-6)
    assert record.held.tolist() == pytest.approx([0] * 5, abs=1e-6)


async def test_a_hasty_client_sends_as_fast_as_is_taken() -> None:
    clock = VirtualClock()

    async def slowly(_: int) -> None:
        clock.moment += 0.01

    server = Server(clock, slowly)
    await ran(clock, server, Manner.HASTY)
    assert len(server.moments) == 50


async def test_a_server_that_takes_no_audio_does_not_hold_up_the_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(generator, "PATIENCE", 0.05)
    clock = VirtualClock()

    async def never(_: int) -> None:
        await asyncio.Event().wait()

    async with asyncio.timeout(5):
        record = await ran(clock, Server(clock, never), ends=STARTS + 0.1)
    assert (record.complete, record.sent) == (False, 0)
    assert record.failure == "audio not taken within 0.05 s"


async def test_a_server_that_says_no_end_does_not_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generator, "PATIENCE", 0.05)
    clock = VirtualClock()
    server = Server(clock, at_once)
    monkeypatch.setattr(server, "end", asyncio.Event().wait)
    async with asyncio.timeout(5):
        record = await ran(clock, server)
    assert (record.complete, record.sent) == (False, 5 * CHUNK)
    assert record.failure == "its end not taken within 0.05 s"


async def test_a_refusal_is_no_failure() -> None:
    clock = VirtualClock()

    async def refuse(_: int) -> None:
        clock.moment += 0.03
        raise CapacityExhausted("full")

    record = await ran(clock, Server(clock, refuse))
    assert record.refused_after == pytest.approx(STARTS + 0.03)
    assert (record.failure, record.complete) == ("", False)
