"""A WhisperLive server that plays one script per connection."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from websockets.asyncio.server import ServerConnection, serve

END_OF_AUDIO = b"END_OF_AUDIO"


class ScriptedSpeaker:
    """One connection, as its script sees it; keeps what the client sent."""

    def __init__(self, socket: ServerConnection) -> None:
        self.socket = socket
        self.options: dict[str, Any] = {}
        self.audio: NDArray[np.float32] = np.zeros(0, np.float32)
        self.ended = False

    async def start(self) -> None:
        """Takes the options and says that the server is ready."""
        await self.take_options()
        await self.say(message="SERVER_READY", backend="faster_whisper")

    async def take_options(self) -> None:
        """Takes the first message."""
        self.options = json.loads(await self.socket.recv())

    async def hear(self, samples: int) -> None:
        """Takes audio until there is so much of it."""
        while len(self.audio) < samples:
            await self._take()

    async def hear_all(self) -> None:
        """Takes audio until the client says that it is over."""
        while not self.ended:
            await self._take()

    async def say(self, **message: object) -> None:
        """Sends one message."""
        await self.socket.send(json.dumps({"uid": self.options["uid"], **message}))

    async def segments(self, *texts: str, last_open: bool = True) -> None:
        """Sends a second of text for each of `texts`; the last one may change yet."""
        last = len(texts) - 1 if last_open else len(texts)
        await self.say(
            segments=[
                {"start": f"{i:.3f}", "end": f"{i + 1:.3f}", "text": text, "completed": i < last}
                for i, text in enumerate(texts)
            ]
        )

    async def _take(self) -> None:
        data = await self.socket.recv()
        assert isinstance(data, bytes)
        if data == END_OF_AUDIO:
            self.ended = True
        else:
            self.audio = np.concatenate([self.audio, np.frombuffer(data, np.float32)])


WhisperLiveScript = Callable[[ScriptedSpeaker], Awaitable[None]]


@asynccontextmanager
async def whisperlive(script: WhisperLiveScript) -> AsyncIterator[str]:
    """The address of a server that closes a connection when its script is over."""

    async def play(socket: ServerConnection) -> None:
        await script(ScriptedSpeaker(socket))

    async with serve(play, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"127.0.0.1:{port}"
