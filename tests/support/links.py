"""A client of a `SpeechBackend` that does just what a test says, and keeps all it gets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from sori.v1 import speech_pb2 as pb
from sori_server.transport.contract.backend import SpeechBackend
from support.raw_client import CHUNK, PATIENCE, config_of


class ScriptedLink:
    """A `MessageLink` without a network.

    Attributes:
        responses: what was written, copies.
        reads: messages that were taken.
        taking: cleared by a client that does not read.
    """

    def __init__(self) -> None:
        self._messages: asyncio.Queue[pb.StreamingRecognizeRequest | Exception | None]
        self._messages = asyncio.Queue()
        self._changed = asyncio.Condition()
        self.responses: list[pb.StreamingRecognizeResponse] = []
        self.reads = 0
        self.taking = asyncio.Event()
        self.taking.set()

    # ------------------------------------------------------------- as the backend sees it

    async def read(self) -> pb.StreamingRecognizeRequest | None:
        message = await self._messages.get()
        self.reads += 1
        if isinstance(message, Exception):
            raise message
        return message

    async def write(self, response: pb.StreamingRecognizeResponse) -> None:
        await self.taking.wait()
        copy = pb.StreamingRecognizeResponse()
        copy.CopyFrom(response)
        async with self._changed:
            self.responses.append(copy)
            self._changed.notify_all()

    # ---------------------------------------------------------------- as the test sees it

    def send(self, **request: object) -> None:
        """Send one message."""
        self._messages.put_nowait(pb.StreamingRecognizeRequest(**request))  # type: ignore[arg-type]

    def config(self, **settings: object) -> None:
        self.send(config=config_of(**settings))

    def audio(self, data: bytes, chunk: int = CHUNK) -> None:
        """Send audio in chunks."""
        for start in range(0, len(data), chunk):
            self.send(audio=pb.AudioChunk(data=data[start : start + chunk]))

    def end(self) -> None:
        """Say that the audio is complete, and send no more."""
        self.send(end_of_audio=pb.EndOfAudio())
        self.half_close()

    def half_close(self) -> None:
        self._messages.put_nowait(None)

    def fail(self, error: Exception) -> None:
        """Raise `error` where the next message is due."""
        self._messages.put_nowait(error)

    async def until(self, wanted: Callable[[pb.StreamingRecognizeResponse], object]) -> None:
        """Return when a response was written, past or coming, that is wanted."""
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(lambda: any(map(wanted, self.responses)))

    async def until_kind(self, kind: str) -> None:
        """Return when a response of a kind was written."""
        await self.until(lambda response: response.WhichOneof("response") == kind)

    async def until_reads(self, count: int) -> None:
        """Return when so many messages were taken."""
        async with asyncio.timeout(PATIENCE):
            while self.reads < count:  # noqa: ASYNC110
                await asyncio.sleep(0.005)

    @property
    def kinds(self) -> list[str]:
        """The kinds of all responses so far."""
        return [response.WhichOneof("response") or "" for response in self.responses]

    @property
    def texts(self) -> list[str]:
        """The texts of the finals."""
        return [
            response.result.alternatives[0].committed_text
            for response in self.responses
            if response.result.is_final
        ]

    @property
    def unbroken(self) -> bool:
        """Whether the responses are numbered 1, 2, 3, ... without gaps."""
        numbers = [response.sequence for response in self.responses]
        return numbers == list(range(1, len(numbers) + 1))


@asynccontextmanager
async def streaming(
    backend: SpeechBackend, link: ScriptedLink
) -> AsyncIterator[asyncio.Task[None]]:
    """A stream that is served meanwhile; cancelled at the end if it is not over."""
    stream = asyncio.create_task(backend.stream(link))
    try:
        yield stream
    finally:
        stream.cancel()
        await asyncio.wait([stream])


async def ending(stream: asyncio.Task[None]) -> Exception | None:
    """What a stream ended with; None if it ended well."""
    async with asyncio.timeout(PATIENCE):
        await asyncio.wait([stream])
    error = stream.exception()
    assert error is None or isinstance(error, Exception)
    return error
