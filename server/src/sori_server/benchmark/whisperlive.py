"""WhisperLive over its WebSocket: JSON options, then binary float32, segments back."""

from __future__ import annotations

import asyncio
import json
import math
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import numpy as np
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from sori_server.benchmark.target import Conversation, ConversationFailed, Heard, Pcm
from sori_server.domain.errors import CapacityExhausted

CONNECT_TIMEOUT: Final = 10.0
READY_TIMEOUT: Final = 60.0
"""Seconds until `SERVER_READY`: a first client waits for the model to load."""
QUIET: Final = 15.0
"""Seconds without new text that its own client waits for before it says that audio is over:
the server does not decode what is left when it is told."""
MODEL: Final = "small"
"""What its own client asks for; a server with a model of its own does not listen."""
END_OF_AUDIO: Final = b"END_OF_AUDIO"

_FULL_SCALE: Final = np.float32(32_768)


@dataclass(frozen=True, slots=True)
class WhisperLiveTarget:
    """A WhisperLive server at `address`; `quiet` is what `end` waits for, in seconds."""

    address: str
    quiet: float = QUIET

    @property
    def url(self) -> str:
        """How a user names it."""
        return f"whisperlive://{self.address}"

    @asynccontextmanager
    async def open(self, language: str) -> AsyncIterator[Conversation]:
        """A conversation with the settings its own client has by default.

        Raises:
            CapacityExhausted: the server is full and wants this client to wait.
            ConversationFailed: no connection, or a server that does not get ready.
        """
        try:
            socket = await connect(
                f"ws://{self.address}",
                open_timeout=CONNECT_TIMEOUT,
                compression=None,
                ping_interval=None,  # a server that is busy is slow, not dead
                max_size=None,
            )
        except (OSError, TimeoutError, WebSocketException):
            raise ConversationFailed(f"{self.url}: no connection") from None
        try:
            conversation = WhisperLiveConversation(socket, self.quiet)
            await conversation.begin(language)
            yield conversation
        finally:
            socket.transport.abort()


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of text; seconds of the stream's audio. Completed ones change no more."""

    text: str
    start: float
    end: float
    completed: bool


class WhisperLiveConversation:
    """One connection."""

    def __init__(self, socket: ClientConnection, quiet: float) -> None:
        self._socket = socket
        self._quiet = quiet
        self._uid = str(uuid.uuid4())
        self._segments: list[Segment] = []
        self._finals = 0
        self._news = asyncio.Event()
        self._ending = False

    @property
    def acknowledged(self) -> int | None:
        """It does not tell."""
        return None

    async def begin(self, language: str) -> None:
        """Send the options, and wait until the server is ready."""
        options = {
            "uid": self._uid,
            "language": language,
            "task": "transcribe",
            "model": MODEL,
            "use_vad": True,
        }
        try:
            await self._socket.send(json.dumps(options))
            async with asyncio.timeout(READY_TIMEOUT):
                while (message := await self._receive()).get("message") != "SERVER_READY":
                    _check(message)
        except TimeoutError:
            raise ConversationFailed(f"not ready within {READY_TIMEOUT:g} s") from None
        except ConnectionClosed as closed:
            raise _failure(closed) from None

    async def send(self, samples: Pcm) -> None:
        """Send one binary message."""
        try:
            await self._socket.send((samples.astype(np.float32) / _FULL_SCALE).tobytes())
        except ConnectionClosed as closed:
            raise _failure(closed) from None

    async def end(self) -> None:
        """Wait until no text comes any more, as its own client does, then send the end."""
        try:
            while await self._changes():
                pass
            self._ending = True
            await self._socket.send(END_OF_AUDIO)
        except ConnectionClosed as closed:
            raise _failure(closed) from None

    async def events(self) -> AsyncIterator[Heard]:
        """What each message brings: segments completed since the last, and the open one."""
        try:
            while True:
                message = await self._receive()
                _check(message)
                for heard in self._heard(_segments(message)):
                    yield heard
        except ConnectionClosed as closed:
            if not self._ending:
                raise _failure(closed) from None

    async def _changes(self) -> bool:
        """Whether new text comes within `quiet` seconds."""
        self._news.clear()
        try:
            async with asyncio.timeout(self._quiet):
                await self._news.wait()
        except TimeoutError:
            return False
        return True

    async def _receive(self) -> dict[str, object]:
        text = await self._socket.recv()
        try:
            message = json.loads(text)
        except ValueError:
            message = None
        if not isinstance(message, dict):
            raise ConversationFailed("an answer that is no JSON object")
        return message

    def _heard(self, segments: list[Segment]) -> list[Heard]:
        """The segments that became final, then the open one.

        The server sends the newest ten again each time, so that those of the message before
        are known.
        """
        if not segments:
            return []
        if [each.text for each in segments] != [each.text for each in self._segments]:
            self._news.set()
        heard: list[Heard] = []
        for segment in segments:
            if segment.completed and segment in self._segments:
                continue
            heard.append(_as_heard(segment, self._finals))
            self._finals += segment.completed
        self._segments = segments
        return heard


def _as_heard(segment: Segment, utterance: int) -> Heard:
    return Heard(
        utterance=utterance,
        text=segment.text,
        is_final=segment.completed,
        start=segment.start,
        end=segment.end,
    )


def _segments(message: Mapping[str, object]) -> list[Segment]:
    """The segments of a message, none if it is about something else."""
    entries = message.get("segments", [])
    if not isinstance(entries, list):
        raise ConversationFailed("segments that are no list")
    return [_segment(entry) for entry in entries]


def _segment(entry: object) -> Segment:
    """A segment of a message; its times are numbers written as text."""
    try:
        fields = dict(entry)  # type: ignore[call-overload]
        start, end = float(fields["start"]), float(fields["end"])
        text, completed = str(fields["text"]), bool(fields.get("completed", False))
    except (TypeError, ValueError, KeyError):
        raise ConversationFailed("a segment that cannot be read") from None
    if not (math.isfinite(start) and math.isfinite(end)):
        raise ConversationFailed("a segment that is nowhere")
    return Segment(text, start, end, completed)


def _check(message: Mapping[str, object]) -> None:
    """Raise what a message says of the end of a conversation."""
    status, told = message.get("status"), message.get("message")
    if status == "WAIT":
        raise CapacityExhausted(f"WAIT: {told} minutes")
    if status == "ERROR":
        raise ConversationFailed(f"ERROR: {told}")
    if told == "DISCONNECT":
        raise ConversationFailed("DISCONNECT: connected for too long")


def _failure(closed: ConnectionClosed) -> ConversationFailed:
    code = closed.rcvd.code if closed.rcvd else "none"
    return ConversationFailed(f"the connection was closed, code {code}")
