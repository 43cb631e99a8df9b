"""A network that fails on command, between a client and a server on this machine."""

from __future__ import annotations

import asyncio
import enum
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

AT_ONCE = struct.pack("ii", 1, 0)
"""SO_LINGER that makes a close a reset."""
PATIENCE = 10.0
"""Seconds after which a line that was to come, or to go, counts as missing."""
LOOK, QUIET_LOOKS = 0.02, 5
"""Seconds between two looks at what was carried, and how many of them must be the same."""
MOST_WAITING = 32
"""Pieces of at most 64 KiB that wait for their latency, in each direction."""


class Fault(enum.Enum):
    """What becomes of a connection. Those who are at its ends see each other do it."""

    FIN = enum.auto()
    """Closed in good order; what was passed on arrives, what comes then is thrown away."""
    RST = enum.auto()
    """Reset; what is on its way is lost."""
    BLACK_HOLE = enum.auto()
    """Stays open and carries nothing: a machine that lost its power."""
    SLOW_CLOSE = enum.auto()
    """The server's end is closed at once, the client's stays open and is never read."""


@dataclass(slots=True, eq=False)
class Way:
    """One direction of a line.

    Attributes:
        latency: seconds each piece takes.
        budget: bytes it still carries before `last` strikes the line; None for no end.
        carried: bytes that arrived.
    """

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    latency: float = 0.0
    budget: int | None = None
    last: Fault = Fault.RST
    carried: int = 0
    waiting: asyncio.Queue[tuple[float, bytes]] = field(
        default_factory=lambda: asyncio.Queue(MOST_WAITING)
    )


class Line:
    """A connection through the proxy, with its own faults."""

    def __init__(self, up: Way, down: Way, upstream: int) -> None:
        """`up` leads to the server, whose port is `upstream`, `down` to the client."""
        self.up = up
        self.down = down
        self.upstream = upstream
        self.fault: Fault | None = None
        self._flowing = asyncio.Event()
        self._flowing.set()

    def strike(self, fault: Fault) -> None:
        """Have the line fail; one that was closed has failed for good."""
        if self.fault in (Fault.FIN, Fault.RST):
            return
        self.fault = fault
        ends = {Fault.BLACK_HOLE: (), Fault.SLOW_CLOSE: (self.up,)}.get(fault, (self.up, self.down))
        for way in ends:
            _end(way.writer, fault)
        if fault in (Fault.FIN, Fault.RST):
            self._flowing.set()
        else:
            self._flowing.clear()

    def give_out(self, *, up: int | None = None, down: int | None = None, then: Fault) -> None:
        """Strike once so many bytes more went one way; those arrive."""
        for way, budget in ((self.up, up), (self.down, down)):
            if budget is not None:
                way.budget, way.last = budget, then

    async def carry(self) -> None:
        """Carry bytes both ways until both ends are closed."""
        try:
            async with asyncio.TaskGroup() as tasks:
                for way in (self.up, self.down):
                    tasks.create_task(self._take(way))
                    tasks.create_task(self._give(way))
        except asyncio.CancelledError:
            for way in (self.up, self.down):
                way.writer.transport.abort()
            raise
        for way in (self.up, self.down):
            way.writer.close()

    async def _take(self, way: Way) -> None:
        now = asyncio.get_running_loop().time
        data = b"begun"
        while data:
            await self._flowing.wait()
            try:
                data = await way.reader.read(65_536)
            except OSError:
                data = b""
            await way.waiting.put((now() + way.latency, data))

    async def _give(self, way: Way) -> None:
        now = asyncio.get_running_loop().time
        while True:
            due, data = await way.waiting.get()
            await asyncio.sleep(max(due - now(), 0.0))
            await self._flowing.wait()
            if not data:
                with suppress(OSError):
                    way.writer.write_eof()
                return
            if self.fault is None:
                await self._pass_on(way, data)

    async def _pass_on(self, way: Way, data: bytes) -> None:
        spent = way.budget is not None and len(data) >= way.budget
        data = data[: way.budget]
        with suppress(OSError):
            way.writer.write(data)
            await way.writer.drain()
        way.carried += len(data)
        if spent:
            self.strike(way.last)
        elif way.budget is not None:
            way.budget -= len(data)


def _end(writer: asyncio.StreamWriter, fault: Fault) -> None:
    with suppress(OSError):
        if fault is not Fault.RST:
            writer.write_eof()
            return
        connection = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
    writer.transport.abort()


class ChaosProxy:
    """Carries bytes both ways, over lines that fail when they are told to.

    Attributes:
        upstream: port of the server of lines to come.
        greet: called with each new line before it carries anything.
        refusing: whether new lines are reset at once.
        lines: all that are there, oldest first.
    """

    def __init__(self, upstream: int) -> None:
        self.upstream = upstream
        self.greet: Callable[[Line], None] = lambda _: None
        self.refusing = False
        self.lines: list[Line] = []

    @property
    def line(self) -> Line:
        """The newest line."""
        return self.lines[-1]

    async def until_lines(self, count: int) -> None:
        """Wait until there are so many lines."""
        async with asyncio.timeout(PATIENCE):
            while len(self.lines) != count:  # noqa: ASYNC110
                await asyncio.sleep(0.002)

    async def settled(self) -> None:
        """Return when nothing was carried to the client during several looks in a row."""
        quiet, before = 0, -1
        while quiet < QUIET_LOOKS:
            await asyncio.sleep(LOOK)
            carried = sum(line.down.carried for line in self.lines)
            quiet, before = (quiet + 1 if carried == before else 0), carried

    def strike(self, fault: Fault) -> None:
        """Have all lines fail that are there."""
        for line in list(self.lines):
            line.strike(fault)

    def freeze(self) -> None:
        """Carry nothing more on the lines that are there, and close nothing."""
        self.strike(Fault.BLACK_HOLE)

    def cut(self) -> None:
        """Reset the lines that are there."""
        self.strike(Fault.RST)

    async def connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        if self.refusing:
            _end(writer, Fault.RST)
            return
        upstream = self.upstream
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", upstream)
        except OSError:
            _end(writer, Fault.RST)
            return
        line = Line(Way(reader, far_writer), Way(far_reader, writer), upstream)
        self.lines.append(line)
        self.greet(line)
        try:
            await line.carry()
        finally:
            self.lines.remove(line)


@asynccontextmanager
async def proxied(upstream: int) -> AsyncIterator[tuple[ChaosProxy, int]]:
    """A proxy to a port of this machine, and its own port."""
    proxy = ChaosProxy(upstream)
    connections: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def close(done: asyncio.Task[None]) -> None:
            if done.cancelled():  # perhaps before it began
                writer.transport.abort()

        connection = asyncio.ensure_future(proxy.connect(reader, writer))
        connection.add_done_callback(close)
        connections.add(connection)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield proxy, server.sockets[0].getsockname()[1]
    finally:
        server.close()
        proxy.refusing = True  # those that were being accepted
        proxy.cut()
        for connection in connections:
            connection.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
        await asyncio.sleep(0)  # sockets are closed in the turn after
