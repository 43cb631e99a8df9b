"""Sori over its WebSocket bridge, in either protocol."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final

import aiohttp
from aiohttp import ClientWebSocketResponse, WSCloseCode, WSMsgType

from sori_server.benchmark.sori_target import CONNECT_TIMEOUT
from sori_server.benchmark.target import Conversation, ConversationFailed, Heard, Pcm
from sori_server.benchmark.websocket_dialects import END_OF_AUDIO, Dialect, Message
from sori_server.domain.audio import SAMPLE_RATE
from sori_server.domain.errors import CapacityExhausted

LAST_WORD: Final = 1.0
"""Seconds a sender whose connection is gone waits for the reader to learn why."""


@dataclass(frozen=True, slots=True)
class WebSocketTarget:
    """The bridge of Sori at `address`, without encryption."""

    address: str
    dialect: Dialect

    @property
    def url(self) -> str:
        """How a user names it."""
        return f"ws://{self.address}{self.dialect.path('').partition('?')[0]}"

    @asynccontextmanager
    async def open(self, language: str) -> AsyncIterator[Conversation]:
        """A conversation with interim results, on a connection of its own.

        Raises:
            CapacityExhausted: the server takes no more connections.
            ConversationFailed: no connection within `CONNECT_TIMEOUT`.
        """
        url = f"ws://{self.address}{self.dialect.path(language)}"
        async with aiohttp.ClientSession() as session:
            try:
                async with asyncio.timeout(CONNECT_TIMEOUT):
                    websocket = await session.ws_connect(url, compress=0, max_msg_size=0)
            except aiohttp.WSServerHandshakeError as refused:
                full = refused.status in (429, 503)
                kind = CapacityExhausted if full else ConversationFailed
                raise kind(f"{self.url}: HTTP status {refused.status}") from None
            except (aiohttp.ClientError, TimeoutError):
                raise ConversationFailed(f"{self.url}: no connection") from None
            try:
                conversation = WebSocketConversation(websocket, self.dialect)
                await conversation.begin(language)
                yield conversation
            finally:
                _take_down(websocket)
                await session.close()
                await websocket.close()


def _take_down(websocket: ClientWebSocketResponse) -> None:
    """End the connection under it: neither what is not sent yet nor a Close frame is waited for."""
    if (connection := websocket.get_extra_info("socket")) is not None:
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)


class WebSocketConversation:
    """One connection."""

    def __init__(self, websocket: ClientWebSocketResponse, dialect: Dialect) -> None:
        self._socket = websocket
        self._dialect = dialect
        self._acknowledged: int | None = None
        self._failure: CapacityExhausted | ConversationFailed | None = None
        self._over = asyncio.Event()

    @property
    def acknowledged(self) -> int | None:
        """Samples received, by the newest answer that tells."""
        return self._acknowledged

    async def begin(self, language: str) -> None:
        """Send the config, if the protocol has one."""
        if (config := self._dialect.config(language)) is not None:
            await self._say(config)

    async def send(self, samples: Pcm) -> None:
        """Send one binary message."""
        try:
            await self._socket.send_bytes(self._dialect.audio(samples))
        except aiohttp.ClientConnectionError:
            raise await self._learned() from None

    async def end(self) -> None:
        """Send `end_of_audio`."""
        await self._say(END_OF_AUDIO)

    async def events(self) -> AsyncIterator[Heard]:
        """Results until the server closes the connection."""
        try:
            while (message := await self._receive()) is not None:
                if (heard := self._heard(message)) is not None:
                    yield heard
        except (CapacityExhausted, ConversationFailed) as failure:
            self._failure = failure
            raise
        finally:
            self._over.set()

    async def _say(self, text: str) -> None:
        try:
            await self._socket.send_str(text)
        except aiohttp.ClientConnectionError:
            raise await self._learned() from None

    async def _learned(self) -> CapacityExhausted | ConversationFailed:
        """What the reader says of a connection that is gone: it has read the last words."""
        try:
            async with asyncio.timeout(LAST_WORD):
                await self._over.wait()
        except TimeoutError:
            pass
        return self._failure or ConversationFailed("the connection was closed")

    async def _receive(self) -> Message | None:
        """The next answer; None when the server has said everything."""
        frame = await self._socket.receive()
        if frame.type is not WSMsgType.TEXT:
            if self._socket.close_code == WSCloseCode.OK:
                return None
            raise ConversationFailed(f"the connection was closed, code {self._socket.close_code}")
        try:
            message = json.loads(frame.data)
        except ValueError:
            message = None
        if not isinstance(message, dict):
            raise ConversationFailed("an answer that is no JSON object")
        return message

    def _heard(self, message: Message) -> Heard | None:
        try:
            error, received = self._dialect.error(message), self._dialect.received(message)
            if error is not None:
                full = error["code"] == CapacityExhausted.reason
                kind = CapacityExhausted if full else ConversationFailed
                raise kind(f"{error['code']}: {error['message']}")
            if received is not None:
                self._acknowledged = round(received * SAMPLE_RATE)
            return self._dialect.heard(message)
        except (KeyError, IndexError, TypeError):
            raise ConversationFailed("an answer that cannot be read") from None
