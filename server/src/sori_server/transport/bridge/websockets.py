"""The WebSocket doors: one stream a connection, in either protocol."""

from __future__ import annotations

import asyncio
import logging

from aiohttp import web
from sori.v1 import speech_pb2 as pb

from sori_server.domain.errors import ProtocolViolation, ServerDraining, SoriError
from sori_server.transport.bridge.context import BridgeContext
from sori_server.transport.bridge.origins import OriginPolicy
from sori_server.transport.bridge.plain import Plain
from sori_server.transport.bridge.socket import Dialect, StreamSocket, WebSocketLink
from sori_server.transport.bridge.v1 import V1

_log = logging.getLogger(__name__)


class WebSockets:
    """Serves streams over WebSockets. Before its first frame a client has no stream yet."""

    def __init__(self, context: BridgeContext, origins: OriginPolicy) -> None:
        self._context = context
        self._origins = origins
        self._beginning: set[asyncio.Timeout] = set()
        self._leaving = False

    async def v1(self, request: web.Request) -> web.WebSocketResponse:
        """A stream in protocol v1."""
        return await self._serve(request, V1(self._context.limits))

    async def plain(self, request: web.Request) -> web.WebSocketResponse:
        """A stream in the plain protocol."""
        query = {name: request.query.getall(name) for name in request.query}
        return await self._serve(request, Plain(query, self._context.limits))

    def begin_drain(self) -> None:
        """Begin no more streams; clients that have not said anything are sent away."""
        self._leaving = True
        for waiting in self._beginning:
            if not waiting.expired():
                waiting.reschedule(asyncio.get_running_loop().time())

    async def _serve(self, request: web.Request, dialect: Dialect) -> web.WebSocketResponse:
        socket = StreamSocket(self._context.limits)
        await socket.prepare(request)
        link = WebSocketLink(socket, dialect, self._context.limits)
        try:
            self._origins.check(request.headers)
            dialect.check()
            if await self._begin(link, dialect):
                shown = request.headers.get("Authorization", "")
                await self._context.backend.stream(link, shown)
        except SoriError as error:
            await link.end(error)
        except Exception as error:
            _log.exception("a stream failed: %s", type(error).__name__)
            await link.end(SoriError("internal error"))
        else:
            await link.end()
        return socket

    async def _begin(self, link: WebSocketLink, dialect: Dialect) -> bool:
        """Wait for the first frame; whether there was one."""
        first = await self._first(link, dialect.patience)
        if first is None:
            return False
        for message in reversed(dialect.opening(first)):
            link.put_back(message)
        return True

    async def _first(
        self, link: WebSocketLink, patience: float
    ) -> pb.StreamingRecognizeRequest | None:
        try:
            async with asyncio.timeout(0 if self._leaving else patience) as waiting:
                self._beginning.add(waiting)
                try:
                    return await link.read()
                finally:
                    self._beginning.discard(waiting)
        except TimeoutError:
            if self._leaving:
                wait = self._context.limits.retry_delay
                raise ServerDraining("the server is shutting down", retry_after=wait) from None
            raise ProtocolViolation(
                f"config: not received within {patience:g} s", metadata={"field": "config"}
            ) from None
