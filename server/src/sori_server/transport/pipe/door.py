"""One stream of this process as the runtime sees it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

from sori_server.domain.events import NumberedEvent
from sori_server.runtime.door import AudioBytes, ClientMessage, EndOfAudio


class PipeDoor:
    """Hands over the chunks of an iterator, then the end of audio; events go to `deliver`.

    Nothing is buffered: a chunk is taken when the runner has room for it, and the runner
    waits for `deliver`.
    """

    def __init__(
        self,
        chunks: AsyncIterator[bytes],
        deliver: Callable[[NumberedEvent], Awaitable[None]],
    ) -> None:
        self._chunks = chunks
        self._deliver = deliver
        self._sent = 0

    async def receive(self) -> ClientMessage:
        """The next chunk, then the end of audio."""
        chunk = await anext(self._chunks, None)
        if chunk is None:
            return EndOfAudio(self._sent)
        self._sent += len(chunk)
        return AudioBytes(chunk)

    async def send(self, event: NumberedEvent) -> None:
        """Deliver one event."""
        await self._deliver(event)
