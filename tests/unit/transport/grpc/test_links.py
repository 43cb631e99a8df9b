"""A call of gRPC as its session reads and writes it, over a real connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import grpc
import pytest
from sori.v1 import speech_pb2 as pb
from sori.v1 import speech_pb2_grpc as rpc
from sori_server.domain.errors import ProtocolViolation
from sori_server.transport.grpc.service import GrpcLink, StreamContext

pytestmark = pytest.mark.unit

Handler = Callable[[GrpcLink], Awaitable[None]]
METHOD = "/sori.v1.SpeechService/StreamingRecognize"


class Service(rpc.SpeechServiceServicer):
    """Hands its calls over."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler

    async def StreamingRecognize(self, request_iterator: object, context: StreamContext) -> None:  # type: ignore[override]
        del request_iterator
        await self._handler(GrpcLink(context))


@asynccontextmanager
async def called(handler: Handler) -> AsyncIterator[grpc.aio.StreamStreamCall[bytes, bytes]]:
    """A call that `handler` serves; all tasks of both ends have ended afterwards."""
    before = asyncio.all_tasks()
    server = grpc.aio.server()
    rpc.add_SpeechServiceServicer_to_server(Service(handler), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield channel.stream_stream(METHOD)()
    await server.stop(None)
    async with asyncio.timeout(5):
        while asyncio.all_tasks() - before:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def keep_alive() -> bytes:
    return pb.StreamingRecognizeRequest(keep_alive=pb.KeepAlive()).SerializeToString()


async def given_up(awaited: Awaitable[object]) -> None:
    """Wait for a moment, then no more."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await awaited


async def test_what_comes_for_a_reader_who_has_gone_is_the_next_ones() -> None:
    """gRPC frees a message only for who takes it: a read that was cancelled would leak it."""
    waiting, kinds = asyncio.Event(), list[str | None]()

    async def handler(link: GrpcLink) -> None:
        for _ in range(3):
            await given_up(link.read())
        waiting.set()
        while (request := await link.read()) is not None:
            kinds.append(request.WhichOneof("request"))

    async with called(handler) as call:
        await call.wait_for_connection()
        await waiting.wait()
        for _ in range(2):
            await call.write(keep_alive())
        await call.done_writing()
        assert await call.read() is grpc.aio.EOF
    assert kinds == ["keep_alive", "keep_alive"]


async def test_a_call_ends_with_a_reader_gone_and_a_message_on_its_way() -> None:
    waiting, written = asyncio.Event(), asyncio.Event()

    async def handler(link: GrpcLink) -> None:
        await given_up(link.read())
        waiting.set()
        await written.wait()

    async with called(handler) as call:
        await call.wait_for_connection()
        await waiting.wait()
        await call.write(keep_alive())
        written.set()
        assert await call.read() is grpc.aio.EOF
        assert await call.code() is grpc.StatusCode.OK


async def test_a_write_that_nobody_waits_for_is_done_in_the_end() -> None:
    """The line takes the rest when the client reads."""
    response = pb.StreamingRecognizeResponse(sequence=7)
    response.session_started.session_id = "s" * 1_000_000
    ready = asyncio.Event()

    async def handler(link: GrpcLink) -> None:
        for _ in range(6):  # of a megabyte each: more than what waits in the line
            with suppress(TimeoutError):
                await asyncio.wait_for(link.write(response), 1.0)
                continue
            break
        ready.set()
        await link.read()

    async with called(handler) as call:
        await call.wait_for_connection()
        await ready.wait()
        await call.done_writing()
        received = [message async for message in call]
    assert 1 < len(received) <= 6
    assert set(received) == {response.SerializeToString()}


async def test_bytes_that_are_no_message_are_told_once_and_the_next_message_comes() -> None:
    told = list[str | None]()

    async def handler(link: GrpcLink) -> None:
        with pytest.raises(ProtocolViolation) as refused:
            await link.read()
        told.append(str(refused.value))
        request = await link.read()
        assert request is not None
        told.append(request.WhichOneof("request"))
        assert await link.read() is None

    async with called(handler) as call:
        await call.write(b"\xff\xff no message")
        await call.write(keep_alive())
        await call.done_writing()
        assert await call.read() is grpc.aio.EOF
    assert told == ["request: these bytes are no message of the contract", "keep_alive"]
