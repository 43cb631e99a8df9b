"""The bridge: WebSocket, HTTP and the page on one port."""

from __future__ import annotations

import logging
from typing import Final

from aiohttp import web
from aiohttp.http import HttpProcessingError
from aiohttp.typedefs import Handler

from sori_server.transport.bridge.context import BridgeContext
from sori_server.transport.bridge.http.routes import routes
from sori_server.transport.bridge.http.uploads import Uploads
from sori_server.transport.bridge.listening import Listener
from sori_server.transport.bridge.origins import OriginPolicy
from sori_server.transport.bridge.page import page_routes, show_page
from sori_server.transport.bridge.requests import Gatekeeper, is_websocket
from sori_server.transport.bridge.websockets import WebSockets

V1_PATH: Final = "/v1/stream"
LINGER: Final = 1.0
"""Seconds a client may go on sending after it was refused, so that it can read why."""

_log: Final = logging.getLogger("sori_server.transport.bridge.http1")
_log.addFilter(lambda record: not _is_clients_fault(record))


class BridgeServer:
    """The doors for browsers, phones and whoever posts a file."""

    def __init__(self, context: BridgeContext, allowed_origins: str = "") -> None:
        self._limits = context.limits
        origins = OriginPolicy(allowed_origins)
        self._websockets = WebSockets(context, origins)
        self._uploads = Uploads(context.limits)
        gatekeeper = Gatekeeper(origins, ("/", V1_PATH))
        app = web.Application(middlewares=[self._noted, gatekeeper.answer])
        app.on_response_prepare.append(gatekeeper.prepare)
        app.add_routes(
            [
                web.get("/", self._root),
                web.get(V1_PATH, self._websockets.v1, allow_head=False),
                *routes(context, self._uploads),
                *page_routes(),
            ]
        )
        self._runner = web.AppRunner(
            app,
            access_log=None,
            logger=_log,
            handler_cancellation=True,
            keepalive_timeout=self._limits.header_timeout,
            lingering_time=LINGER,
            shutdown_timeout=self._limits.close_timeout,
        )
        self._listener: Listener | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen. Port 0 picks a free one.

        Returns:
            The port listened on.

        Raises:
            AddressUnavailable: the port is taken or the host is not ours.
        """
        await self._runner.setup()
        assert self._runner.server is not None  # noqa: S101 - after `setup`
        self._listener = Listener(self._runner.server, self._limits)
        return await self._listener.start(host, port)

    def begin_drain(self) -> None:
        """Begin no more streams and files; what the backend has is the backend's to drain."""
        self._websockets.begin_drain()
        self._uploads.begin_drain()

    async def stop(self) -> None:
        """Close the port, and the connections that are left."""
        if self._listener is not None:
            self._listener.close()
        await self._runner.cleanup()
        await self._uploads.close()

    @web.middleware
    async def _noted(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        assert self._listener is not None  # noqa: S101 - it accepted the connection
        self._listener.note_request(request)
        return await handler(request)

    async def _root(self, request: web.Request) -> web.StreamResponse:
        """The plain protocol for clients that want a WebSocket, the page for others."""
        if is_websocket(request):
            return await self._websockets.plain(request)
        return show_page()


def _is_clients_fault(record: logging.LogRecord) -> bool:
    """Whether aiohttp logs a lost client, or bytes that are no HTTP, which it has answered."""
    failure = record.exc_info[1] if record.exc_info else None
    return isinstance(failure, HttpProcessingError | ValueError | ConnectionError)
