"""One stream of an embedded recognizer, as the threads of its user see it."""

from __future__ import annotations

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, suppress
from types import TracebackType
from typing import Final, Self

from sori_client import Event, Result, StreamConfig
from sori_client.conveyor import Conveyor, ConveyorClosed
from sori_client.sources.threads import from_thread
from sori_client.wire.requests import finalize_request

from sori_server.domain.errors import ProtocolViolation, RequestCancelled, SlowReader
from sori_server.domain.events import NumberedEvent
from sori_server.embedding.blocks import BlockEncoder, BlockReader
from sori_server.embedding.service import Deliver, LocalService
from sori_server.runtime.door import AudioBytes, ClientMessage, EndOfAudio
from sori_server.transport.contract.requests import client_message
from sori_server.transport.pipe.door import PipeDoor

MAX_EVENTS: Final = 4096
"""Events waiting to be taken: the results of an hour or two."""
MAX_MESSAGES: Final = 64
"""Pieces of audio waiting to be recognized, above which `write` waits."""
PATIENCE: Final = 10.0
"""Seconds a full stream of events waits for its reader when audio is written to it."""


class EventStream(ABC):
    """Events of one stream, for `for`; iterated once.

    An error is raised after all events that came before it. Leaving `with`, or breaking
    out of the loop, ends the stream at once. Every method may be called from any thread.
    """

    def __init__(self, owner: object, service: LocalService, config: StreamConfig) -> None:
        self._owner = owner  # closes the service when nothing refers to it any more
        self._service = service
        self._config = config
        self._events: Conveyor[Event] = Conveyor(MAX_EVENTS)
        self._running = service.start(self._run)

    def receive(self) -> Event | None:
        """The next event, waiting for one; None after the last.

        Raises:
            SoriError: why the stream ended early; other errors are those of its audio.
        """
        with suppress(ConveyorClosed):
            return self._service.run(self._events.get())
        return None

    def events(self) -> list[Event]:
        """The events there are now; the last of all is a `Summary`.

        Raises:
            SoriError: why the stream ended early, when there are no events before it.
        """
        return self._service.run(self._waiting())

    def results(self) -> Iterator[Result]:
        """Those of the events that are text, for `for`."""
        for event in self:
            if isinstance(event, Result):
                yield event

    def close(self) -> None:
        """End the stream, if it has not ended: no more text comes. Idempotent."""
        self._service.stop(self._running)

    async def _waiting(self) -> list[Event]:
        events: list[Event] = []
        try:
            while True:
                async with asyncio.timeout(0) as wait:  # what is there is got without any
                    events.append(await self._events.get())
        except ConveyorClosed:
            pass
        except Exception:
            if not (wait.expired() or events):
                raise
        return events

    async def _run(self) -> None:
        try:
            await self._serve()
        except asyncio.CancelledError:
            await self._events.close(RequestCancelled("the stream was closed"))
            raise
        except Exception as error:
            await self._events.close(error)
        else:
            await self._events.close()

    @abstractmethod
    async def _serve(self) -> None:
        """Recognize everything; raises why it could not."""

    def __iter__(self) -> Iterator[Event]:
        try:
            while (event := self.receive()) is not None:
                yield event
        finally:
            self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class ReadStream(EventStream):
    """A stream whose blocks are read, each when there is room for it, on another thread.

    When reading raises, what was read is recognized first.
    """

    def __init__(
        self, owner: object, service: LocalService, config: StreamConfig, reader: BlockReader
    ) -> None:
        self._reader = reader
        self._failure: Exception | None = None
        super().__init__(owner, service, config)

    async def _serve(self) -> None:
        async with aclosing(self._pieces()) as pieces:
            await anext(pieces, None)  # an empty one: the format is known then
            await self._service.serve(
                self._config,
                self._reader.format,
                lambda deliver: PipeDoor(pieces, deliver),
                self._events.put,
            )
        if self._failure is not None:
            raise self._failure

    async def _pieces(self) -> AsyncGenerator[bytes, None]:
        async with aclosing(from_thread(self._reader.pieces())) as pieces:
            try:
                async for piece in pieces:
                    yield piece
            except Exception as error:
                self._failure = error


class WrittenStream(EventStream):
    """A stream its user writes to.

    The threads that write and those that read events may be the same: events wait. When
    `MAX_EVENTS` have waited for `PATIENCE` seconds, the stream ends with `SlowReader`.
    """

    def __init__(
        self, owner: object, service: LocalService, config: StreamConfig, encoder: BlockEncoder
    ) -> None:
        self._encoder = encoder
        self._messages: Conveyor[ClientMessage] = Conveyor(MAX_MESSAGES)
        self._writing = threading.Lock()
        self._ended = False
        self._reason: Exception | None = None
        super().__init__(owner, service, config)

    def write(self, block: object) -> None:
        """Recognize a block, [samples] or [samples, channels]; waits while there is no room.

        Raises:
            InvalidAudio: it is no such array.
            ProtocolViolation: the audio was ended, or the stream is over.
        """
        with self._writing:
            for piece in self._encoder.pieces(block):
                self._put(AudioBytes(piece))

    def finalize(self, request_id: str = "") -> None:
        """End the current utterance after what was written.

        `Finalized` with this id follows the final results it causes.

        Raises:
            ProtocolViolation: the audio was ended, or the stream is over.
        """
        with self._writing:
            self._put(client_message(finalize_request(request_id), self._service.limits))

    def end(self) -> None:
        """Nothing more is written; the remaining events still come. Idempotent."""
        with self._writing:
            if self._ended:
                return
            with suppress(ProtocolViolation):
                for piece in self._encoder.close():
                    self._put(AudioBytes(piece))
                self._put(EndOfAudio())
            self._ended = True

    def _put(self, message: ClientMessage) -> None:
        if self._ended:
            raise ProtocolViolation("the audio of this stream has ended")
        try:
            self._service.run(self._messages.put(message))
        except ConveyorClosed:
            reason = self._reason or "it takes no more audio"
            raise ProtocolViolation(f"this stream is over: {reason}") from self._reason

    async def _serve(self) -> None:
        try:
            await self._service.serve(
                self._config,
                self._encoder.format,
                lambda deliver: _WrittenDoor(self._messages, deliver),
                self._events.put,
            )
        except Exception as error:
            self._reason = error
            raise
        finally:
            await self._messages.close()


class _WrittenDoor:
    """What was written, as the runtime sees it."""

    def __init__(self, messages: Conveyor[ClientMessage], deliver: Deliver) -> None:
        self._messages = messages
        self._deliver = deliver

    async def receive(self) -> ClientMessage:
        """The next message."""
        return await self._messages.get()

    async def send(self, event: NumberedEvent) -> None:
        """Deliver one event.

        Raises:
            SlowReader: there is no room for it, and nobody makes any.
        """
        try:
            async with asyncio.timeout(PATIENCE):
                await self._deliver(event)
        except TimeoutError:
            raise SlowReader(
                f"{MAX_EVENTS} events of the stream were not taken for {PATIENCE:g} s"
            ) from None
