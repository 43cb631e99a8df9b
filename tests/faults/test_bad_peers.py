"""Peers that flood, and bytes that grow: refused, forgotten, and nobody else notices."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress

import grpc
import pytest
import pytest_asyncio
from sori.v1 import speech_pb2 as pb
from support.bad_company import patient_server
from support.chaos_proxy import Fault, proxied
from support.floods import BRIDGE_FLOODS, FLOODS, OPENING, flood_process
from support.ordeals import BEHAVIOUR, ROOM, stream_to
from support.raw_client import Stream, config_of
from support.server_process import Census, ServerProcess, forget_peak, peak_of, server_process
from support.word_audio import assert_heard, linear16, speak

pytestmark = [pytest.mark.faults, pytest.mark.asyncio(loop_scope="module")]

MIB = 1 << 20
MOST_GROWN = 24.0
"""MiB of memory that a few messages may take at most, their streams included."""
MOST_KEPT = 64.0
"""MiB that the allocator may keep of what a flood took: of 1,000 connections 46."""
FLOOD_SECONDS = 1.0
PACE = 5_000.0
"""How often a second a peer does what it does, at most."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[ServerProcess]:
    async with patient_server() as server:
        yield server


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def nothing_is_left(server: ServerProcess) -> AsyncIterator[None]:
    """A stream beside it gets its words; afterwards all is as it was before."""
    before = await server.until_idle()
    async with stream_to(server) as stream:
        await stream.send(config=config_of(interim_results=True))
        await stream.audio(linear16(speak(range(20))))
        yield
        await stream.audio(linear16(speak(range(20, 40))))
        await stream.end_of_audio(40 * 3_200)
        await stream.summary()
        assert_heard(stream.texts, range(40))
    async with asyncio.timeout(20):
        while not as_before(before, after := await server.until_idle()):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert after.memory - before.memory < MOST_KEPT


def as_before(before: Census, after: Census) -> bool:
    """Whether all that peers had is gone."""
    return after.descriptors <= before.descriptors + 2 and after.tasks <= before.tasks + 2


@pytest.mark.parametrize("kind", FLOODS)
async def test_floods(server: ServerProcess, kind: str) -> None:
    port = server.bridge_port if kind in BRIDGE_FLOODS else server.port
    assert await flood_process(kind, port, FLOOD_SECONDS, PACE) > 0


async def test_a_host_that_connects_without_end_leaves_room_for_another() -> None:
    """It has more connections than gRPC would take, were those above its share not ended."""
    async with small_server() as server:
        flooding = asyncio.create_task(flood_process("connections", server.port, 4.0, PACE / 2))
        await asyncio.sleep(1)
        tried = []
        while not flooding.done():
            tried.append(await asyncio.to_thread(answered, server.port, "127.0.0.2"))
            await asyncio.sleep(0.05)
        assert await flooding > 0
    assert tried.count(True) > 0.5 * len(tried) > 0


def small_server() -> AbstractAsyncContextManager[ServerProcess]:
    """One that takes few connections."""
    few = {"limits_max_connections": 400, "limits_max_connections_per_peer": 100}
    return server_process(BEHAVIOUR, **ROOM, **few)


def answered(port: int, source: str) -> bool:
    """Whether a handshake from this address is."""
    with suppress(OSError):
        where, patience = ("127.0.0.1", port), 5.0
        with socket.create_connection(where, patience, source_address=(source, 0)) as connection:
            connection.sendall(OPENING)
            return bool(connection.recv(100))
    return False


def packing(server: ServerProcess) -> Stream:
    """A stream whose messages are compressed, however large they are."""
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_send_message_length", -1)]
    gzip = grpc.Compression.Gzip
    return Stream(grpc.aio.insecure_channel(server.address, options=options, compression=gzip))


@pytest.mark.parametrize(("size", "reason"), [(3 * MIB, "INVALID_CONFIG"), (64 * MIB, "")])
async def test_messages_that_grow_when_they_are_unpacked(
    server: ServerProcess, size: int, reason: str
) -> None:
    """What gRPC takes is refused by its chunk, what it does not take is never unpacked."""
    before = (await server.census()).memory
    forget_peak(server.process.pid)
    for _ in range(3):
        async with packing(server) as stream:
            await stream.send(config=config_of())
            await stream.send(audio=pb.AudioChunk(data=bytes(size)))
            ending = await stream.ended()
            assert ending.info.reason == reason
            assert ending.code.name == ("INVALID_ARGUMENT" if reason else "RESOURCE_EXHAUSTED")
    assert peak_of(server.process.pid) - before < MOST_GROWN


@pytest.mark.parametrize("size", [4 * MIB - 100, 31 * MIB])
async def test_messages_that_never_end(server: ServerProcess, size: int) -> None:
    """Each stream holds what came of the largest message there may be, and no more."""
    peers, before = 5, (await server.census()).memory
    forget_peak(server.process.pid)
    async with proxied(server.port) as (proxy, port), AsyncExitStack() as stack:
        proxy.greet = lambda line: line.give_out(up=size - 64 * 1024, then=Fault.BLACK_HOLE)
        options = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_send_message_length", -1)]
        streams = []
        for _ in range(peers):
            channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=options)
            stream = await stack.enter_async_context(Stream(channel))
            await stream.send(config=config_of())
            sending = stream.send(audio=pb.AudioChunk(data=bytes(size)))
            stack.callback(asyncio.create_task(sending).cancel)
            streams.append(stream)
        async with asyncio.timeout(30):
            for stream, line in zip(streams, proxy.lines, strict=True):
                while stream.ending is None and line.fault is None:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
        await asyncio.sleep(0.5)
    assert peak_of(server.process.pid) - before < 6 * peers
