"""A WebSocket client of the bridge that sends what it is told and keeps all it hears."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import WSMsgType
from support.raw_client import PATIENCE
from support.stream_frames import assert_server_message

CHUNK = 6_400
"""Bytes of audio in a frame."""
LINEAR16 = {"encoding": "linear16", "sample_rate_hertz": 16_000}


def config_frame(**settings: object) -> dict[str, object]:
    """A config of protocol v1 for 16 kHz LINEAR16; `recognition` adds to its settings."""
    recognition = settings.pop("recognition", {})
    assert isinstance(recognition, dict)
    recognition = {"audio_format": LINEAR16, **recognition}
    return {"type": "config", "recognition": recognition, **settings}


class Socket:
    """One connection. Frames of protocol v1 are held to its schema."""

    def __init__(self, websocket: aiohttp.ClientWebSocketResponse, *, v1: bool) -> None:
        self.websocket = websocket
        self.heard: list[dict[str, Any]] = []
        self._v1 = v1

    async def say(self, frame: Mapping[str, object]) -> None:
        """Send a frame of text."""
        await self.websocket.send_json(frame)

    async def audio(self, data: bytes, chunk: int = CHUNK) -> None:
        """Send frames of bytes."""
        for start in range(0, len(data), chunk):
            await self.websocket.send_bytes(data[start : start + chunk])

    async def end(self) -> None:
        """Say that the audio is complete."""
        await self.say({"type": "end_of_audio"})

    async def next(self) -> dict[str, Any] | None:
        """The next frame; None when the connection is closed."""
        async with asyncio.timeout(PATIENCE):
            message = await self.websocket.receive()
        if message.type is not WSMsgType.TEXT:
            assert message.type in {WSMsgType.CLOSE, WSMsgType.CLOSED, WSMsgType.CLOSING}, message
            return None
        frame: dict[str, Any] = json.loads(message.data)
        if self._v1:
            assert_server_message(frame)
        self.heard.append(frame)
        return frame

    async def until(self, wanted: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """The next frame that is wanted."""
        while frame := await self.next():
            if wanted(frame):
                return frame
        raise AssertionError(f"closed with {self.websocket.close_code}: {self.heard[-3:]}")

    async def until_kind(self, kind: str) -> dict[str, Any]:
        """The next event of a type."""
        return await self.until(lambda frame: frame["type"] == kind)

    async def until_closed(self) -> int | None:
        """The close code, when everything was heard."""
        while await self.next():
            pass
        return self.websocket.close_code

    @property
    def kinds(self) -> list[str]:
        """The types of all events."""
        return [frame["type"] for frame in self.heard]

    @property
    def finals(self) -> list[str]:
        """The texts that stay."""
        if not self._v1:
            return [frame["text"] for frame in self.heard if frame["is_final"]]
        results = (frame for frame in self.heard if frame["type"] == "result")
        return [each["alternatives"][0]["committed_text"] for each in results if each["is_final"]]


@asynccontextmanager
async def connected(port: int, path: str, **options: Any) -> AsyncIterator[Socket]:  # noqa: ANN401
    """A connection to the bridge on `port`; `options` are those of aiohttp's `ws_connect`."""
    url = f"http://127.0.0.1:{port}{path}"
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(url, max_msg_size=0, **options) as websocket,
    ):
        yield Socket(websocket, v1=path.startswith("/v1"))
