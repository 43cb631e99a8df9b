"""Connections to `/v1/stream` for a client that speaks the contract, however they end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import WSMsgType
from sori.v1 import speech_pb2 as pb
from sori_server.transport.bridge.codec import RENAMED
from sori_server.transport.bridge.from_json import dict_to_message
from sori_server.transport.bridge.to_json import message_to_dict
from support.persistent import Dial, LineLost, Link

ORIGINAL = {new: old for old, new in RENAMED.items()}
HANDSHAKE = 1.5
"""Seconds after which a connection that is not open counts as lost."""
GONE = (aiohttp.ClientError, OSError, ConnectionError)


def websocket_dial(port: Callable[[], int]) -> Dial:
    """Connections to whatever port there is at the time, each one new."""

    @asynccontextmanager
    async def dial() -> AsyncIterator[Link]:
        url = f"http://127.0.0.1:{port()}/v1/stream"
        async with aiohttp.ClientSession() as session:
            try:
                async with asyncio.timeout(HANDSHAKE):
                    websocket = await session.ws_connect(
                        url, max_msg_size=0, timeout=aiohttp.ClientWSTimeout(ws_close=0.2)
                    )
            except (*GONE, TimeoutError) as error:
                raise LineLost("", type(error).__name__) from None
            try:
                yield WebSocketLink(websocket)
            finally:
                await websocket.close()

    return dial


class WebSocketLink:
    """One connection of protocol v1; audio goes on where the server said."""

    def __init__(self, websocket: aiohttp.ClientWebSocketResponse) -> None:
        self._websocket = websocket

    async def send(self, request: pb.StreamingRecognizeRequest) -> None:
        try:
            if request.HasField("audio"):
                await self._websocket.send_bytes(request.audio.data)
                return
            kind = request.WhichOneof("request") or ""
            fields = message_to_dict(getattr(request, kind))
            await self._websocket.send_json({"type": kind, **_meant(fields)})
        except GONE as error:
            raise LineLost("", type(error).__name__) from None

    async def receive(self) -> pb.StreamingRecognizeResponse | None:
        message = await self._websocket.receive()
        if message.type is not WSMsgType.TEXT:
            code = self._websocket.close_code
            if code == aiohttp.WSCloseCode.OK:
                return None
            raise LineLost("", f"closed with {code}")
        fields: dict[str, Any] = json.loads(message.data)
        kind = fields.pop("type")
        if kind == "error":
            raise LineLost(fields["code"], fields["message"])
        response = pb.StreamingRecognizeResponse(sequence=fields.pop("sequence"))
        part = getattr(response, kind)
        part.SetInParent()
        dict_to_message({ORIGINAL.get(k, k): v for k, v in fields.items()}, part, kind)
        return response


def _meant(fields: dict[str, Any]) -> dict[str, Any]:
    """Fields without those that are empty: a config says only what it wants."""
    kept = {k: _meant(v) if isinstance(v, dict) else v for k, v in fields.items()}
    return {k: v for k, v in kept.items() if v not in ("", [], {}, 0, False, None)}
