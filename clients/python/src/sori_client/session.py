"""The life of a stream: one call after the other, as far as its session can be resumed."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import aclosing
from typing import Final

from sori.v1 import speech_pb2 as pb

from sori_client.connections import Connection, Connections
from sori_client.continuity import Continuity
from sori_client.conveyor import Conveyor, ConveyorClosed
from sori_client.errors import SoriClientError, client_closed
from sori_client.exchange import Exchange, Left
from sori_client.outbox import Outbox
from sori_client.reception import Reception
from sori_client.recovery import Recovery, is_loss
from sori_client.resume import Resume
from sori_client.sources.source import Source, split
from sori_client.timeouts import Timeouts
from sori_client.types import (
    Event,
    Finalized,
    GoAway,
    Reconnected,
    Reconnecting,
    Result,
    SessionStarted,
)
from sori_client.wire import requests

_INBOX_CAPACITY: Final = 1024
"""Events waiting to be taken; a full inbox makes the server wait.

Responses are read as they arrive, not as events are taken: what gRPC has received but
nobody has read is lost with the connection.
"""


class Session:
    """Sends the audio of a source and receives events, over as many calls as that takes.

    A response is acknowledged when its event is in the inbox: from there its user gets it,
    whatever happens to the connection.

    Attributes:
        outbox: what to send.
        inbox: events received; closed with what went wrong when the last call ends.
        reception: session, summary and the check of sequence numbers.
    """

    def __init__(
        self,
        connections: Connections,
        source: Source,
        first: pb.StreamingRecognizeRequest,
        resume: Resume | None,
        timeouts: Timeouts,
    ) -> None:
        self.outbox = Outbox(resume.replay_bytes if resume else 0, keeps=resume is not None)
        self.inbox = Conveyor[Event](_INBOX_CAPACITY)
        self.reception = Reception()
        self._resumes = resume is not None
        self._first = requests.resumable_request(first) if resume else first
        self._source = source
        self._timeouts = timeouts
        self._recovery = Recovery(connections, resume, timeouts.connect)
        self._continuity = Continuity()
        self._unacknowledged = 0
        self._audio: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Runs until the last call has ended and the source is closed; failures go to the inbox."""
        ending: Exception | None = client_closed()
        try:
            async with asyncio.TaskGroup() as self._tasks:
                self._audio = self._tasks.create_task(self._send_audio())
                await self._converse()
                self._audio.cancel()
            ending = None
        except ExceptionGroup as failures:
            ending = failures.exceptions[0]
        finally:
            await self.close(ending)

    async def close(self, ending: Exception | None) -> None:
        """Take no more messages and have no more events, because of `ending`; the first counts."""
        await self.outbox.close()
        await self.inbox.close(ending)

    async def end_audio(self) -> None:
        """Reads no more of the source; what was read is sent, then the end of audio."""
        if self._audio is not None:
            self._audio.cancel()
        await self.outbox.complete()

    async def _send_audio(self) -> None:
        with contextlib.suppress(ConveyorClosed):
            async with aclosing(self._source.chunks()) as chunks:
                async for chunk in chunks:
                    for data in split(chunk):
                        await self.outbox.put_audio(data)
        await self.outbox.complete()

    @property
    def _resumable(self) -> bool:
        return self._resumes and bool(self.reception.token)

    # ---------------------------------------------------------------- calls

    async def _converse(self) -> None:
        connection = self._recovery.begin()
        while True:
            try:
                async with connection:
                    await self._call(connection)
                break
            except Left:
                await self._lose(connection, "GO_AWAY", "the server is leaving")
                connection = self._refuge
            except SoriClientError as error:
                if self.reception.summary is not None and is_loss(error):
                    break  # everything had come
                connection = await self._after(error, connection)
        self.reception.complete()

    async def _call(self, connection: Connection) -> None:
        self._connection = connection
        self._scouting: asyncio.Task[None] | None = None
        first, start_within = self._first, self._timeouts.response
        if self.reception.session is None:
            await self.outbox.start()
        else:
            token, sequence = self.reception.token, self.reception.sequence
            first = requests.resumable_request(self._first, token, sequence)
            start_within = min(self._timeouts.resume, start_within)
        call = connection.stream()
        self._exchange = Exchange(
            call, self._receive, self.outbox, start_within, self._timeouts.response
        )
        try:
            await self._exchange.run(first)
        finally:
            if self._scouting is not None:
                self._scouting.cancel()
            await self.outbox.pause()

    async def _after(self, error: SoriClientError, connection: Connection) -> Connection:
        """Where to go on after a call that failed."""
        if self.reception.session is None:
            connected = self._exchange.connected
            return await self._recovery.begin_again(error, connection, connected=connected)
        if not self._resumable or not is_loss(error):
            raise error
        if self._exchange.established:
            await self._lose(connection, error.reason or _code(error), str(error))
        return await self._recovery.go_on(error, connection)

    async def _lose(self, connection: Connection, reason: str, message: str) -> None:
        self._recovery.lost(connection)
        await self.inbox.put(Reconnecting(reason, message))

    async def _move(self, exchange: Exchange, leaving: Connection) -> None:
        """Leaves for a server that stays; not when all that is left to do is to listen."""
        self._refuge = await self._recovery.scout(leaving)
        if not exchange.audio_ended:
            exchange.leave()

    # ---------------------------------------------------------------- responses

    async def _receive(self, response: pb.StreamingRecognizeResponse) -> None:
        resumed = self.reception.session is not None
        committed = self.reception.committed
        event = self.reception.receive(response)
        if self.reception.committed > committed:
            await self.outbox.release(self.reception.committed)
        if isinstance(event, SessionStarted):
            event = await self._start(event, response.session_started, resumed=resumed)
        if event is not None and await self._is_news(event):
            await self.inbox.put(event)
        if self._resumable:
            await self._acknowledge(event)
            self._follow(event, committed)

    async def _start(
        self, event: SessionStarted, message: pb.SessionStarted, *, resumed: bool
    ) -> Event:
        if resumed:
            self._continuity.resumed()
            await self.outbox.start(message.next_byte_offset, again=True)
            downtime = self._recovery.resumed(self._connection)
            return Reconnected(self._connection.address, downtime)
        if not self._resumable:
            await self.outbox.stop_keeping()
        return event

    async def _is_news(self, event: Event) -> bool:
        if isinstance(event, Finalized):
            asked = await self.outbox.answered(event.request_id)
            return asked or not self._continuity.was_resumed
        return self._continuity.passes(event)

    async def _acknowledge(self, event: Event | None) -> None:
        """Lets the server forget finals, and the rest before it has to wait for that."""
        self._unacknowledged += 1
        session = self.reception.session
        most = session.limits.max_unacknowledged_responses if session else 0
        if _is_final(event) or 0 < most <= 4 * self._unacknowledged:
            self._unacknowledged = 0
            await self.outbox.acknowledge(self.reception.sequence)

    def _follow(self, event: Event | None, committed: int) -> None:
        if _is_final(event) or self.reception.committed > committed:
            self._recovery.progressed()
        if isinstance(event, GoAway) and self._scouting is None:
            moving = self._move(self._exchange, self._connection)
            self._scouting = self._tasks.create_task(moving)


def _is_final(event: Event | None) -> bool:
    return isinstance(event, Result) and event.is_final


def _code(error: SoriClientError) -> str:
    return error.code.name if error.code else ""
