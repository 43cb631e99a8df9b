"""The network that fails on command does what it is told, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from support.chaos_proxy import ChaosProxy, Fault, Line, proxied

pytestmark = pytest.mark.faults

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def line(greeted: dict[str, object] | None = None) -> AsyncIterator[tuple[Line, Ends, Ends]]:
    """A line with its client's and its server's end."""
    async with bare() as (proxy, port, accepted):
        client = await asyncio.open_connection("127.0.0.1", port)
        server = await asyncio.wait_for(accepted.get(), 10)
        await proxy.until_lines(1)
        for name, value in (greeted or {}).items():
            setattr(proxy.line.up, name, value)
        yield proxy.line, client, server
        client[1].transport.abort()


@asynccontextmanager
async def bare() -> AsyncIterator[tuple[ChaosProxy, int, asyncio.Queue[Ends]]]:
    """A proxy, its port, and the server's ends of its lines as they come."""
    accepted: asyncio.Queue[Ends] = asyncio.Queue()
    writers: list[asyncio.StreamWriter] = []

    def accept(*ends: *Ends) -> None:
        accepted.put_nowait(ends)
        writers.append(ends[1])

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    async with proxied(server.sockets[0].getsockname()[1]) as (proxy, port):
        yield proxy, port, accepted
    server.close()
    for writer in writers:
        writer.transport.abort()
    await asyncio.sleep(0)


async def passes(there: Ends, here: Ends, text: bytes = b"word") -> None:
    """Fail unless bytes get from one end to the other."""
    there[1].write(text)
    assert await asyncio.wait_for(here[0].readexactly(len(text)), 10) == text


async def nothing_comes(here: Ends) -> None:
    """Fail if bytes come, or the end."""
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(here[0].read(1), 0.1)


async def test_bytes_are_carried_both_ways_to_their_end() -> None:
    async with line() as (each, client, server):
        await passes(client, server)
        await passes(server, client, b"x" * 300_000)
        client[1].write_eof()
        assert await server[0].read() == b""
        await passes(server, client)
        server[1].close()
        assert await client[0].read() == b""
        assert (each.up.carried, each.down.carried) == (4, 300_004)


async def test_latency_delays_and_keeps_order() -> None:
    async with line({"latency": 0.5}) as (_, client, server):
        now = asyncio.get_running_loop().time
        begun = now()
        for piece in (b"a", b"b", b"c"):
            client[1].write(piece)
            await asyncio.sleep(0.01)
        assert await server[0].readexactly(3) == b"abc"
        assert 0.5 <= now() - begun < 5
        begun = now()
        await passes(server, client)
        assert now() - begun < 0.5, "the other way has none"


async def test_a_black_hole_carries_nothing_and_closes_nothing() -> None:
    async with line() as (each, client, server):
        await passes(client, server)
        each.strike(Fault.BLACK_HOLE)
        client[1].write(b"lost")
        server[1].write(b"lost")
        await nothing_comes(client)
        await nothing_comes(server)
        each.strike(Fault.RST)
        with pytest.raises(ConnectionResetError):
            await server[0].read()


@pytest.mark.parametrize("fault", [Fault.FIN, Fault.RST])
async def test_both_ends_see_how_a_line_ends(fault: Fault) -> None:
    async with line() as (each, client, server):
        await passes(client, server)
        each.strike(fault)
        for end in (client, server):
            if fault is Fault.FIN:
                assert await asyncio.wait_for(end[0].read(), 10) == b""
            else:
                with pytest.raises(ConnectionResetError):
                    await asyncio.wait_for(end[0].read(), 10)


async def test_what_was_passed_on_arrives_before_the_end() -> None:
    async with line() as (each, client, server):
        client[1].write(b"last words")
        while each.up.carried < 10:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        each.strike(Fault.FIN)
        assert await server[0].read() == b"last words"


async def test_a_slow_close_is_one_of_the_server_only() -> None:
    async with line() as (each, client, server):
        await passes(client, server)
        each.strike(Fault.SLOW_CLOSE)
        assert await asyncio.wait_for(server[0].read(), 10) == b""
        server[1].write(b"lost")
        await nothing_comes(client)


@pytest.mark.parametrize("size", [1, 700, 65_536])
async def test_a_budget_is_spent_to_the_byte(size: int) -> None:
    async with line() as (each, client, server):
        each.give_out(up=1_000, then=Fault.FIN)
        for _ in range(1 + 1_000 // size):
            client[1].write(b"y" * size)
            await client[1].drain()
        assert await asyncio.wait_for(server[0].read(), 10) == b"y" * 1_000
        assert each.up.carried == 1_000


async def test_lines_fail_on_their_own() -> None:
    async with bare() as (proxy, port, accepted):
        ends = []
        for _ in range(2):
            client = await asyncio.open_connection("127.0.0.1", port)
            ends.append((client, await accepted.get()))
        await proxy.until_lines(2)
        first, second = proxy.lines
        first.strike(Fault.RST)
        await passes(*ends[1])
        for client, _ in ends:
            client[1].transport.abort()
        await proxy.until_lines(1)
        assert proxy.line is second


async def test_a_proxy_that_refuses_and_one_without_a_server_reset() -> None:
    async with bare() as (proxy, port, _):
        proxy.refusing = True
        for upstream in (proxy.upstream, 1):
            proxy.upstream = upstream
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            with pytest.raises(ConnectionResetError):
                await asyncio.wait_for(reader.read(), 10)
            writer.transport.abort()
            proxy.refusing = False
