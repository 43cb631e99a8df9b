"""Server-sent events: their text, their beginning, and clients that do not read them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from sori_server.domain.limits import Limits
from sori_server.transport.bridge.http.sse import EventAnswer

pytestmark = pytest.mark.unit


def server_of(handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> TestServer:
    app = web.Application()
    app.router.add_get("/", handler)
    return TestServer(app)  # cancels its handlers


async def test_events_as_they_are_sent() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        events = EventAnswer(request, Limits())
        assert not events.begun
        await events.send({"text": "네\nyes"}, "result")
        assert events.begun
        await events.send({})
        return await events.end()

    async with (
        server_of(answer) as server,
        aiohttp.ClientSession() as session,
        session.get(server.make_url("/")) as response,
    ):
        assert response.headers["Content-Type"] == "text/event-stream"
        first, second, rest = (await response.text()).split("\n\n")
    assert first.startswith("event: result\ndata: {")
    assert json.loads(first.split("data: ")[1]) == {"text": "네\nyes"}
    assert (second, rest) == ("data: {}", "")


async def test_a_client_that_is_gone_is_told_nothing_though_its_end_was_forgotten() -> None:
    """A TaskGroup that is failing forgets a cancellation that comes meanwhile."""
    told, over = list[Exception](), asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        events = EventAnswer(request, Limits(write_timeout=0.2))
        await events.send({})
        assert request.transport is not None
        request.transport.abort()
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(10)
        try:
            await events.send({"error": "too late"})
        except ConnectionError as error:
            told.append(error)
        over.set()
        return await events.end()

    async with server_of(answer) as server, asyncio.timeout(5):
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: sori\r\n\r\n")
        await over.wait()
        writer.close()
    assert len(told) == 1


async def test_a_client_that_is_lost_while_a_task_writes_is_no_failure(
    caplog: pytest.LogCaptureFixture,
) -> None:
    writing, cancelled = asyncio.Event(), asyncio.Event()

    async def talk(events: EventAnswer) -> None:
        while True:
            await events.send({"text": "x" * 1_000_000})
            writing.set()

    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(talk(EventAnswer(request, Limits())))
        except asyncio.CancelledError:
            cancelled.set()
            raise
        raise AssertionError

    async with server_of(answer) as server, asyncio.timeout(10):
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: sori\r\n\r\n")
        await writing.wait()
        await asyncio.sleep(0.1)
        writer.transport.abort()
        await cancelled.wait()
    assert caplog.records == []


async def test_an_event_comes_after_one_whose_writing_was_cancelled() -> None:
    cancelled = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        events = EventAnswer(request, Limits())
        with suppress(TimeoutError):
            async with asyncio.timeout(0.2):
                while True:
                    await events.send({"text": "x" * 1_000_000})
        cancelled.set()
        await events.send({"error": "why"})
        return await events.end()

    async with server_of(answer) as server, asyncio.timeout(10):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: sori\r\nConnection: close\r\n\r\n")
        await cancelled.wait()
        heard = await reader.read()
        writer.close()
    assert b'data: {"error": "why"}\n\n' in heard


async def test_who_does_not_read_loses_the_connection(caplog: pytest.LogCaptureFixture) -> None:
    cancelled = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        events = EventAnswer(request, Limits(write_timeout=0.2))
        try:
            while True:
                await events.send({"text": "x" * 1_000_000})
        finally:
            cancelled.set()

    async with server_of(answer) as server, asyncio.timeout(10):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: sori\r\n\r\n")
        await cancelled.wait()
        with suppress(ConnectionError):
            while await reader.read(1_000_000):
                pass
        writer.close()
    assert caplog.records == []
