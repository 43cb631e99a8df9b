"""Server-sent events as the answer to a request."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from sori_server.domain.limits import Limits


class EventAnswer:
    """An answer of events; it begins with the first of them.

    Until then the request can still be answered otherwise: with an error and its status. A
    client that does not accept an event in `write_timeout` loses its connection; the handler
    is cancelled then, as when the client leaves.
    """

    def __init__(self, request: web.Request, limits: Limits) -> None:
        self._request = request
        self._timeout = limits.write_timeout
        self._response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        )

    @property
    def begun(self) -> bool:
        """Whether there was an event."""
        return self._response.prepared

    async def send(self, data: Mapping[str, Any], event: str = "") -> None:
        """Send one event, of a kind if `event` names one."""
        kind = f"event: {event}\n" if event else ""
        text = json.dumps(data, ensure_ascii=False)
        async with self._in_time():
            if not self.begun:
                await self._response.prepare(self._request)
            await self._response.write(f"{kind}data: {text}\n\n".encode())

    async def end(self) -> web.StreamResponse:
        """No more events come after the last one."""
        async with self._in_time():
            await self._response.write_eof()
        return self._response

    @asynccontextmanager
    async def _in_time(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._timeout) as patience:
                yield
        except (ConnectionError, TimeoutError):
            if self._request.transport is not None:
                self._request.transport.abort()
            await asyncio.sleep(self._timeout)  # cancelled with the handler, if that is not lost
            raise ConnectionResetError("the client is gone") from None
        except asyncio.CancelledError:  # a timeout may look like one in early Python 3.11
            if patience.expired() and self._request.transport is not None:
                self._request.transport.abort()
            raise
