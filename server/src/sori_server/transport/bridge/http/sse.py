"""Server-sent events as the answer to a request."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web


class EventAnswer:
    """An answer of events; it begins with the first of them.

    Until then the request can still be answered otherwise: with an error and its status.
    """

    def __init__(self, request: web.Request) -> None:
        self._request = request
        self._response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        )

    @property
    def begun(self) -> bool:
        """Whether there was an event."""
        return self._response.prepared

    async def send(self, data: Mapping[str, Any], event: str = "") -> None:
        """Send one event, of a kind if `event` names one; returns when it can be sent."""
        if not self.begun:
            await self._response.prepare(self._request)
        kind = f"event: {event}\n" if event else ""
        text = json.dumps(data, ensure_ascii=False)
        await self._response.write(f"{kind}data: {text}\n\n".encode())

    async def end(self) -> web.StreamResponse:
        """No more events."""
        if not self.begun:
            await self._response.prepare(self._request)
        await self._response.write_eof()
        return self._response
