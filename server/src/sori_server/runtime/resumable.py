"""A stream that outlives its connections, and what it has to say until its client has it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from sori_server.domain.errors import (
    IdleTimeout,
    ProtocolViolation,
    SessionSuperseded,
    SlowReader,
    SoriError,
)
from sori_server.domain.events import NumberedEvent, SessionStarted
from sori_server.domain.limits import Limits
from sori_server.runtime.door import (
    AudioBytes,
    ClientMessage,
    Door,
    EndOfAudio,
    ResponsesReceived,
)
from sori_server.runtime.origin import Origin
from sori_server.runtime.response_log import ResponseLog
from sori_server.runtime.resume_tokens import ResumeTokens, Ticket
from sori_server.runtime.runner import StreamRunner
from sori_server.runtime.turns import Turns

RENEWAL: Final = 0.5
"""Share of the resume window after which a client gets a new token."""
LIFETIME: Final = 1 + RENEWAL
"""Resume windows that a token is good for."""
MESSAGE_BYTES: Final = 128
"""What a message that is held counts besides its audio."""


@dataclass(slots=True, eq=False)
class Connection:
    """One connection of a session: what is to be sent on it, and what came and was not taken."""

    outgoing: deque[NumberedEvent]
    sent: int
    """Number of the last response that was sent on it."""
    held: deque[ClientMessage | SoriError] = field(default_factory=deque)
    held_bytes: int = 0
    """Audio that was not taken yet; other messages count as well, so that they have a bound."""
    audio_ended: bool = False
    over: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when another connection took its place, or the session is gone."""

    def hold(self, message: ClientMessage | SoriError) -> None:
        """Keep a message until the runner takes it."""
        self.held.append(message)
        self.held_bytes += _size(message)

    def release(self) -> None:
        """The oldest message was taken."""
        self.held_bytes -= _size(self.held.popleft())


def _size(message: ClientMessage | SoriError) -> int:
    return MESSAGE_BYTES + (len(message.data) if isinstance(message, AudioBytes) else 0)


class ResumableStream:
    """Implements `Door` for the runner of a session whose client may be away for a while.

    `serve` carries one connection at a time. While there is none, responses are kept and
    interim results are not. Deadlines for the client are those of its connection: the runner
    needs none.
    """

    def __init__(
        self,
        runner: StreamRunner,
        limits: Limits,
        origin: Origin,
        tokens: ResumeTokens,
        authorization: str,
    ) -> None:
        """Only who has this `authorization` can resume it."""
        self.runner = runner
        self._tokens = tokens
        self._authorization = authorization
        self.window = runner.config.resume.window or limits.resume_window
        self._limits = limits
        self._log = ResponseLog(limits.max_unacknowledged, runner.checkpoint, origin.last_sequence)
        self._turns = Turns(origin.turn, origin.spent)
        self._connection: Connection | None = None
        self._wanted: asyncio.Future[ClientMessage | None] | None = None
        self._over = False
        self._error: SoriError | None = None
        self._changed = asyncio.Event()

    # ------------------------------------------------------------------ state

    @property
    def attached(self) -> bool:
        """Whether there is a connection."""
        return self._connection is not None

    @property
    def over(self) -> bool:
        """Whether the session has said everything it will."""
        return self._over

    @property
    def complete(self) -> bool:
        """Whether the client is known to have received everything."""
        return self._over and self._log.complete

    @property
    def turns(self) -> Turns:
        """Whose turn it is."""
        return self._turns

    def committed_bytes(self, numbered: NumberedEvent) -> int:
        """The first byte that anybody may ask for again once the client has this response."""
        checkpoint = numbered.checkpoint or self._log.told_checkpoint
        return self.runner.resume_point(checkpoint).byte

    def token(self, numbered: NumberedEvent) -> str:
        """The token that is sent with this response."""
        expires = self._tokens.expiry(self.window * LIFETIME)
        checkpoint = numbered.checkpoint or self._log.told_checkpoint
        ticket = Ticket(self.runner.session_id, self._turns.newest, expires, checkpoint)
        return self._tokens.make(ticket, self._authorization)

    # -------------------------------------------------- as its registry sees it

    def attach(self, last_sequence: int, *, resumed: bool) -> Connection:
        """A connection whose client has responses up to this one; an older one ends.

        Raises:
            InvalidConfig: the client cannot have them, or has more.
        """
        started = SessionStarted(self.runner.session_id, resumed)
        outgoing = deque(self._log.again(last_sequence, started))
        self._let_go()
        self._connection = Connection(outgoing, last_sequence)
        self._change()
        return self._connection

    def drop(self) -> None:
        """There is no session any more that a connection could be of."""
        self._let_go()
        self._change()

    def end(self, error: SoriError | None) -> None:
        """The runner has said everything; the session ended with `error`, if any."""
        self._over, self._error = True, error
        self._change()

    # --------------------------------------------------- as the runner sees it

    async def receive(self) -> ClientMessage | None:
        """The next message, from whatever connection it comes.

        Raises:
            ClientError: a message is malformed, or the client was silent for too long.
        """
        self._wanted = asyncio.get_running_loop().create_future()
        self._hand_over()
        self._change()
        try:
            return await self._wanted
        finally:
            self._wanted = None

    async def send(self, event: NumberedEvent) -> None:
        """Keep one event; returns when it was sent, or at once while there is no connection."""
        if isinstance(event.event, SessionStarted):
            return  # each connection begins with its own
        connection = self._connection
        if connection is None and event.is_interim:
            return
        numbered = self._log.add(event.event, event.checkpoint)
        if connection is None:
            return
        connection.outgoing.append(numbered)
        self._change()
        await self._until(
            lambda: connection is not self._connection or connection.sent >= numbered.sequence
        )

    # ------------------------------------------------ as the connection sees it

    async def serve(self, connection: Connection, door: Door) -> None:
        """Carry messages and responses until all were sent, or until the connection is lost.

        Raises:
            SessionSuperseded: another connection took over.
            SlowReader: the client does not take responses, or does not acknowledge them.
            ProtocolViolation: the client sends no more, and the audio has not ended.
            SoriError: why the session ended early; the words before it were sent.
        """
        try:
            async with asyncio.TaskGroup() as tasks:
                beside = [
                    tasks.create_task(self._listen(connection, door)),
                    tasks.create_task(self._await_room()),
                    tasks.create_task(self._renew_tokens()),
                    tasks.create_task(self._await_successor(connection)),
                ]
                await self._speak(connection, door)
                for task in beside:
                    task.cancel()
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None
        finally:
            if self._connection is connection:
                self._connection = None
                self._change()
        if self._error is not None:
            error = self._error
            raise type(error).restored(str(error), error.metadata, error.retry_after)

    async def _speak(self, connection: Connection, door: Door) -> None:
        """Send what is to be sent until the session is over."""
        while True:
            while connection.outgoing:
                await self._tell(connection, door)
            if self._over:
                return
            await self._until(lambda: connection.outgoing or self._over)

    async def _tell(self, connection: Connection, door: Door) -> None:
        numbered, timeout = connection.outgoing.popleft(), self._limits.write_timeout
        self._log.tell(numbered)
        if isinstance(numbered.event, SessionStarted):  # only now: a message may be on its way
            started = replace(numbered.event, next_byte_offset=self.runner.next_byte_offset)
            numbered = replace(numbered, event=started)
        try:
            async with asyncio.timeout(timeout):
                await door.send(numbered)
        except TimeoutError:
            raise SlowReader(
                f"a response was not accepted for {timeout:g} s; the session can be resumed"
            ) from None
        connection.sent = numbered.sequence
        self._change()

    async def _listen(self, connection: Connection, door: Door) -> None:
        """Take messages while the runner wants some, or while acknowledgements are looked for.

        After the end of audio only acknowledgements are, until the client sends no more.
        """
        while True:
            await self._until(lambda: self._reads(connection))
            message = await self._message(door)
            if message is None:
                return await self._mind_the_end(connection)
            if connection is self._connection:
                self._turns.confirm()
                self._sort(connection, message)

    def _reads(self, connection: Connection) -> bool:
        if connection.audio_ended or not self.runner.listening:
            return True
        if self._log.full:
            return connection.held_bytes < self._limits.max_chunk_bytes
        return self._wanted is not None and not self._wanted.done()

    async def _message(self, door: Door) -> ClientMessage | SoriError | None:
        idle_timeout = self._limits.idle_timeout
        try:
            async with asyncio.timeout(idle_timeout if self.runner.listening else None):
                return await door.receive()
        except TimeoutError:
            metadata = {"idle_timeout": f"{idle_timeout:g}"}
            return IdleTimeout(f"no message for {idle_timeout:g} s", metadata=metadata)
        except SoriError as error:
            return error

    async def _mind_the_end(self, connection: Connection) -> None:
        """The client sends no more: it is gone unless it said that this would be the end."""
        if connection.audio_ended or not self.runner.listening:
            return
        await asyncio.sleep(self._limits.half_close_grace)
        raise ProtocolViolation(
            "request: a session that can be resumed ends with end_of_audio; without it the"
            " connection counts as lost",
            metadata={"field": "end_of_audio"},
        )

    def _sort(self, connection: Connection, message: ClientMessage | SoriError) -> None:
        """Carry out an acknowledgement; hold anything else for the runner, if it still listens."""
        if isinstance(message, ResponsesReceived):
            try:
                self._log.acknowledge(message.sequence)
            except ProtocolViolation as error:
                message = error
        listening = self.runner.listening and not connection.audio_ended
        if listening and not isinstance(message, ResponsesReceived):
            connection.audio_ended = isinstance(message, EndOfAudio)
            connection.hold(message)
        self._hand_over()
        self._change()

    def _hand_over(self) -> None:
        """Give the runner what it waits for, if that is here and there is room for its text."""
        connection, wanted = self._connection, self._wanted
        if connection is None or wanted is None or wanted.done() or not connection.held:
            return
        message = connection.held[0]
        if isinstance(message, SoriError):
            wanted.set_exception(message)
        elif not self._log.full:
            wanted.set_result(message)
        else:
            return
        connection.release()

    async def _await_room(self) -> None:
        """Raise `SlowReader` when the log is full for too long."""
        most, timeout = self._limits.max_unacknowledged, self._limits.write_timeout
        while True:
            await self._until(lambda: self._log.full)
            try:
                async with asyncio.timeout(timeout):
                    await self._until(lambda: not self._log.full)
            except TimeoutError:
                raise SlowReader(
                    f"{most} responses were not acknowledged for {timeout:g} s; the session can"
                    " be resumed",
                    metadata={"max_unacknowledged_responses": str(most)},
                ) from None

    async def _renew_tokens(self) -> None:
        """Have the client hold a token at any time that is good for a whole window more."""
        while True:
            await asyncio.sleep(self.window * RENEWAL)
            self.runner.report_progress()

    async def _await_successor(self, connection: Connection) -> None:
        await connection.over.wait()
        raise SessionSuperseded("another connection has resumed the session")

    # ---------------------------------------------------------------- changes

    def _let_go(self) -> None:
        """The connection, if there is one, is the session's no more."""
        if self._connection is not None:
            self._connection.over.set()
            self._connection = None

    def _change(self) -> None:
        """Wake all who wait for something."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def _until(self, holds: Callable[[], object]) -> None:
        while not holds():
            await self._changed.wait()
