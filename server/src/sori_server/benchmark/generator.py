"""One process of the load: sends on an absolute schedule and notes when what comes back.

Open loop: when a chunk is sent depends on nothing the server does. Chunk k of a stream is
due at a moment fixed before the run; each stream has a task of its own, so that one that
waits for its server keeps no other waiting. What a slow server costs (a chunk that could not
be sent because the one before was not taken yet) is told apart from what this process costs.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import takewhile
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sori_server.benchmark.records import Pulse, Share, StreamRecord
from sori_server.benchmark.scripts import CHUNK, CHUNK_SECONDS, Manner, StreamPlan
from sori_server.benchmark.target import Conversation, ConversationFailed, Heard, Target
from sori_server.domain.errors import CapacityExhausted, SoriError

PATIENCE: Final = 30.0
"""Seconds a server may take to take all audio after the last of it was due, to hear of its end
after that, and to say everything after that."""
TICK: Final = 0.01
"""Seconds between two looks at the clock that show how late this process gets to anything."""
PULSE: Final = 1.0


class Clock:
    """Seconds since the run began, on the clock that all processes of a machine share."""

    def __init__(self, zero: float) -> None:
        self._zero = zero

    @property
    def now(self) -> float:
        """This moment."""
        return time.monotonic() - self._zero

    async def until(self, moment: float) -> None:
        """Return at `moment`, or at once when it has passed."""
        if (wait := moment - self.now) > 0:
            await asyncio.sleep(wait)


class LiveStream:
    """One stream of the run."""

    def __init__(self, plan: StreamPlan, clock: Clock, ends: float) -> None:
        self.plan = plan
        self._clock = clock
        self._ends = ends
        self.open = False
        self.sent = 0
        self.heard: list[tuple[float, Heard]] = []
        self._late: list[float] = []
        self._held: list[float] = []
        self._acknowledged: int | None = None
        self._complete = False
        self._error: SoriError | None = None
        self._ended = 0.0

    async def run(self, target: Target) -> None:
        """Connect, send, read until the server has said everything or the stream fails."""
        await self._clock.until(self.plan.opens)
        try:
            async with target.open(self.plan.script.language) as conversation:
                self.open = True
                try:
                    await self._talk(conversation)
                finally:
                    self.open = False
                    self._acknowledged = conversation.acknowledged
        except* (CapacityExhausted, ConversationFailed) as group:
            self._note(group)

    def record(self) -> StreamRecord:
        """What came of it."""
        refused = isinstance(self._error, CapacityExhausted)
        return StreamRecord(
            number=self.plan.number,
            sent=self.sent * CHUNK,
            acknowledged=self._acknowledged,
            heard=tuple(self.heard),
            late=_array(self._late),
            held=_array(self._held),
            complete=self._complete,
            refused_after=self._ended - self.plan.opens if refused else None,
            failure="" if self._error is None or refused else str(self._error),
        )

    async def _talk(self, conversation: Conversation) -> None:
        async with asyncio.TaskGroup() as tasks:
            if self.plan.manner is not Manner.DEAF:
                reading = tasks.create_task(self._read(conversation))
            async with _patience("audio not taken", self._ends - self._clock.now):
                await self._send(conversation)
            async with _patience("its end not taken"):
                await conversation.end()
            if self.plan.manner is Manner.DEAF:
                return
            if not (await asyncio.wait({reading}, timeout=PATIENCE))[0]:
                raise ConversationFailed(f"not done {PATIENCE:g} s after its end")
        self._complete = True

    async def _read(self, conversation: Conversation) -> None:
        async for heard in conversation.events():
            self.heard.append((self._clock.now, heard))

    async def _send(self, conversation: Conversation) -> None:
        hasty, chunk = self.plan.manner is Manner.HASTY, self.plan.script.chunk
        due = taken = self.plan.starts
        while due < self._ends:
            await self._clock.until(due)
            begun = self._clock.now
            self._late.append(begun - max(due, taken))
            self._held.append(max(taken - due, 0.0))
            await conversation.send(chunk(self.sent))
            taken = self._clock.now
            self.sent += 1
            due = taken if hasty else self.plan.starts + self.sent * CHUNK_SECONDS

    def _note(self, group: BaseExceptionGroup[SoriError]) -> None:
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        assert isinstance(error, SoriError)  # noqa: S101 - what the group is of
        self._error, self._ended = error, self._clock.now


class Generator:
    """All streams of one process."""

    def __init__(self, share: Share, clock: Clock) -> None:
        self._share = share
        self._clock = clock
        self._streams = [LiveStream(plan, clock, share.ends) for plan in share.plans]
        self._ticks: list[float] = []

    async def run(self, told: Callable[[Pulse], None]) -> tuple[StreamRecord, ...]:
        """Run to the end; `told` hears how it goes each second."""
        async with asyncio.TaskGroup() as watching:
            watchers = [watching.create_task(self._tick()), watching.create_task(self._tell(told))]
            async with asyncio.TaskGroup() as running:
                for stream in self._streams:
                    running.create_task(stream.run(self._share.target))
            for watcher in watchers:
                watcher.cancel()
        return tuple(stream.record() for stream in self._streams)

    @property
    def ticks(self) -> NDArray[np.float32]:
        """How late this process looked at the clock, each `TICK`."""
        return _array(self._ticks)

    async def _tick(self) -> None:
        due = self._clock.now
        while True:
            due += TICK
            await self._clock.until(due)
            self._ticks.append(self._clock.now - due)

    async def _tell(self, told: Callable[[Pulse], None]) -> None:
        due, since, ticks = 0.0, 0.0, 0
        while True:
            due += PULSE
            await self._clock.until(due)
            finals, interims = self._behind(since)
            late = max(self._ticks[ticks:], default=0.0)
            since, ticks = self._clock.now, len(self._ticks)
            told(
                Pulse(
                    at=since,
                    open_streams=sum(stream.open for stream in self._streams),
                    sent=sum(stream.sent for stream in self._streams) * CHUNK_SECONDS,
                    finals=finals,
                    interims=interims,
                    late=late,
                    cpu=time.process_time(),
                )
            )

    def _behind(self, since: float) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """How far finals and interims that came since then are behind the audio they cover."""
        found: tuple[list[float], list[float]] = [], []
        for stream in self._streams:
            for at, heard in takewhile(lambda each: each[0] > since, reversed(stream.heard)):
                found[not heard.is_final].append(at - stream.plan.due(heard.end))
        return tuple(found[0]), tuple(found[1])


@asynccontextmanager
async def _patience(complaint: str, before: float = 0.0) -> AsyncIterator[None]:
    """Wait no longer than `PATIENCE` after the next `before` seconds: a run has to end."""
    try:
        async with asyncio.timeout(before + PATIENCE):
            yield
    except TimeoutError:
        raise ConversationFailed(f"{complaint} within {PATIENCE:g} s") from None


def _array(values: list[float]) -> NDArray[np.float32]:
    return np.array(values, np.float32)
