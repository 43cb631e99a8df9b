"""One recognition stream, as its user sees it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Coroutine
from types import TracebackType
from typing import Any, Self

from sori_client.conveyor import ConveyorClosed
from sori_client.errors import StreamEnded, client_closed
from sori_client.session import Session
from sori_client.types import Event, SessionStarted, Summary


class RecognitionStream:
    """Events of one stream, for `async for`; iterated once.

    The call begins with `async with` or the first event asked for. Audio is sent while
    events are received. After a lost connection another call goes on, if the server lets it:
    the events between `Reconnecting` and `Reconnected` are none. Leaving `async with`, or
    breaking out of the loop, cancels the call and closes the source. An error of the call is
    raised after all events that came before it; an error of the source is raised as it is.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._running: asyncio.Task[None] | None = None

    @property
    def session(self) -> SessionStarted | None:
        """What the server said first, on the newest connection; None until it has."""
        return self._session.reception.session

    @property
    def summary(self) -> Summary | None:
        """Totals; None until the stream has ended well."""
        return self._session.reception.summary

    async def receive(self) -> Event | None:
        """The next event; None after the last one."""
        self._start()
        with contextlib.suppress(ConveyorClosed):
            return await self._session.inbox.get()
        return None

    async def finalize(self, request_id: str = "") -> None:
        """Ends the current utterance after the audio sent so far.

        `Finalized` with this id follows the final results it causes.

        Raises:
            StreamEnded: the end of audio was sent, or the call is over.
        """
        await self._send(self._session.outbox.finalize(request_id))

    async def keep_alive(self) -> None:
        """Keeps a stream without audio from timing out.

        Raises:
            StreamEnded: the end of audio was sent, or the call is over.
        """
        await self._send(self._session.outbox.keep_alive())

    async def end(self) -> None:
        """Ends the audio before the source does; the remaining events still come."""
        self._start()
        await self._session.end_audio()

    async def aclose(self) -> None:
        """Cancels the call, if it is not over, and closes the source."""
        if self._running is not None:
            self._running.cancel()
            try:
                await asyncio.wait([self._running])
            finally:
                await self._session.close(client_closed())  # if it was cancelled before it began

    async def _send(self, putting: Coroutine[Any, Any, None]) -> None:
        self._start()
        try:
            await putting
        except ConveyorClosed:
            raise StreamEnded("the stream takes no more messages") from None

    def _start(self) -> None:
        if self._running is None:
            self._running = asyncio.create_task(self._session.run(), name="sori-stream")

    async def __aenter__(self) -> Self:
        self._start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def __aiter__(self) -> AsyncGenerator[Event, None]:
        try:
            while (event := await self.receive()) is not None:
                yield event
        finally:
            await self.aclose()
