"""`GET /healthz` and `GET /readyz`, for whoever watches over the server."""

from __future__ import annotations

from aiohttp import web

from sori_server.transport.bridge.context import BridgeContext
from sori_server.transport.bridge.http.answers import json_answer


class Health:
    """Answers how the server is."""

    def __init__(self, context: BridgeContext) -> None:
        self._backend = context.backend

    async def alive(self, request: web.Request) -> web.Response:  # noqa: ARG002 - aiohttp's shape
        """The process answers."""
        return json_answer({"status": "ok"})

    async def ready(self, request: web.Request) -> web.Response:  # noqa: ARG002 - aiohttp's shape
        """A new stream would be served, if there is room; 503 if not."""
        if self._backend.ready:
            return json_answer({"status": "ready"})
        return web.json_response({"status": "not_ready"}, status=503)
