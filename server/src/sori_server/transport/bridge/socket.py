"""A WebSocket as a link to the backend: frames in, frames out, and how it ends."""

from __future__ import annotations

import asyncio
import struct
from collections import deque
from typing import Final, NoReturn, Protocol

from aiohttp import WebSocketError, WSCloseCode, WSMessage, WSMsgType, web
from aiohttp.abc import AbstractStreamWriter
from sori.v1 import speech_pb2 as pb

from sori_server.domain.errors import MessageTooLarge, ProtocolViolation, SoriError
from sori_server.domain.limits import Limits
from sori_server.transport.bridge.errors import refusal

_DEAD_AFTER: Final = 1.5
"""Heartbeats without an answer after which aiohttp gives a client up."""
_ENDED: Final = (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED)


class Dialect(Protocol):
    """How a protocol writes the contract's messages as text frames."""

    patience: float
    """Seconds the first frame may take."""

    def check(self) -> None:
        """Look at what is known before the first frame.

        Raises:
            ClientError: there can be no stream.
        """

    def opening(self, first: pb.StreamingRecognizeRequest) -> list[pb.StreamingRecognizeRequest]:
        """What a stream begins with whose first frame is `first`, a config before all else.

        Raises:
            ClientError: there can be no such stream.
        """

    def request_of(self, text: str) -> pb.StreamingRecognizeRequest:
        """The message of a client's text frame.

        Raises:
            ClientError: it is none.
        """

    def event_text(self, response: pb.StreamingRecognizeResponse) -> str | None:
        """The frame for a response; None where the protocol has none."""

    def error_text(self, error: SoriError) -> str:
        """The last frame of a stream that failed."""


class StreamSocket(web.WebSocketResponse):
    """A WebSocket whose end is its owner's to choose.

    A Close frame is not answered before there is nothing left to send, and what breaks a frame
    does not take the words before it along: `receive` never closes.
    """

    def __init__(self, limits: Limits) -> None:
        super().__init__(
            timeout=limits.close_timeout,
            autoclose=False,
            heartbeat=(limits.keepalive_interval + limits.ping_timeout) / _DEAD_AFTER,
            compress=False,
            max_msg_size=limits.max_frame_bytes + 1,  # that size is refused, not allowed
        )
        self._taking = False
        self._transport: asyncio.Transport | None = None

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter:
        """Answer the handshake."""
        self._transport = request.transport
        return await super().prepare(request)

    def _pong_not_received(self) -> None:
        """Count only what could have been read: the pong may stand behind audio."""
        if self._taking:
            super()._pong_not_received()
        else:
            self._reset_heartbeat()

    def drop_unsent(self) -> None:
        """Drop the connection if the client has not taken everything by now."""
        if self._transport is not None and self._transport.get_write_buffer_size():
            self._transport.abort()

    def abort(self) -> None:
        """Drop the connection without a word; aiohttp cancels the handler then."""
        if self._transport is not None:
            self._transport.abort()

    async def take(self) -> WSMessage:
        """The next message; one of type ERROR when what came was no WebSocket frame."""
        self._taking = True
        try:
            return await self.receive()
        finally:
            self._taking = False

    async def close(
        self, *, code: int = WSCloseCode.OK, message: bytes = b"", drain: bool = True
    ) -> bool:
        """Close, unless it is `take` that wants to."""
        if self._taking:
            return False
        return await super().close(code=code, message=message, drain=drain)


class WebSocketLink:
    """One stream over a WebSocket, in some dialect."""

    def __init__(self, socket: StreamSocket, dialect: Dialect, limits: Limits) -> None:
        self._socket = socket
        self._dialect = dialect
        self._limits = limits
        self._waiting: deque[pb.StreamingRecognizeRequest] = deque()
        self._broken: WebSocketError | None = None

    def put_back(self, message: pb.StreamingRecognizeRequest) -> None:
        """Have `message` read before everything else."""
        self._waiting.appendleft(message)

    async def read(self) -> pb.StreamingRecognizeRequest | None:
        """The next message; None after a Close frame, and behind what was no frame.

        Raises:
            ClientError: what the client sent is no message.
        """
        while not self._waiting:
            if self._broken is not None:
                return None
            try:
                frame = await self._socket.take()
            except ConnectionError:  # who sent a ping is not there any more for the pong
                await self._lose()
            if frame.type is WSMsgType.BINARY:
                self._waiting.extend(self._pieces(frame.data))
            elif frame.type is WSMsgType.TEXT:
                self._waiting.append(self._dialect.request_of(frame.data))
            elif frame.type in _ENDED:
                return None
            elif isinstance(frame.data, WebSocketError):
                raise self._fault(frame.data)
            else:  # no pong came
                await self._lose()
        return self._waiting.popleft()

    async def write(self, response: pb.StreamingRecognizeResponse) -> None:
        """Send the frame of `response`. A client that is gone never takes it."""
        text = self._dialect.event_text(response)
        if text is None:
            return
        try:
            await self._socket.send_str(text)
        except ConnectionError:
            await self._lose()

    async def end(self, error: SoriError | None = None) -> None:
        """Tell `error`, if any, and close."""
        try:
            async with asyncio.timeout(self._limits.write_timeout + self._limits.close_timeout):
                await self._end(error)
        except (ConnectionError, TimeoutError):
            self._socket.abort()
        except asyncio.CancelledError:  # a timeout may look like one in early Python 3.11
            self._socket.abort()
            raise
        self._socket.drop_unsent()

    async def _end(self, error: SoriError | None) -> None:
        code: int = WSCloseCode.OK
        if error is not None:
            code = self._broken.code if self._broken else refusal(error).close_code
            await self._socket.send_str(self._dialect.error_text(error))
        if self._broken is None:
            await self._socket.close(code=code, message=error.reason.encode() if error else b"")
            return
        # Whoever sends a frame that is too long is still sending: it is read and dropped, since
        # closing now would reset the connection before the client has read why.
        await self._socket.send_frame(struct.pack("!H", code), WSMsgType.CLOSE)
        await asyncio.sleep(self._limits.close_timeout)
        self._socket.abort()

    async def _lose(self) -> NoReturn:
        """Wait for the cancellation that a lost connection brings."""
        self._socket.abort()
        await asyncio.get_running_loop().create_future()
        raise AssertionError

    def _fault(self, fault: WebSocketError) -> SoriError:
        self._broken = fault
        if fault.code == WSCloseCode.MESSAGE_TOO_BIG:
            return MessageTooLarge("message", self._limits.max_frame_bytes)
        return ProtocolViolation(f"message: {fault}", metadata={"field": "message"})

    def _pieces(self, data: bytes) -> list[pb.StreamingRecognizeRequest]:
        """Audio messages no longer than the backend takes; one even for no bytes."""
        most = self._limits.max_chunk_bytes
        return [
            pb.StreamingRecognizeRequest(audio=pb.AudioChunk(data=data[start : start + most]))
            for start in range(0, max(len(data), 1), most)
        ]
