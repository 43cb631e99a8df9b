"""What a stream has to send, in order, over one connection or several."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sori.v1 import speech_pb2 as pb

from sori_client.conveyor import ConveyorClosed
from sori_client.replay import ReplayBuffer
from sori_client.sources.source import MAX_CHUNK_BYTES
from sori_client.wire import requests

READ_AHEAD: Final = 8 * MAX_CHUNK_BYTES
"""Bytes read from the source before they can be sent, while there is a connection."""
MAX_MARKS: Final = 1024
"""`finalize` messages without an answer; more of them wait."""


@dataclass(frozen=True, slots=True)
class _Mark:
    """A `finalize` after so many bytes of audio."""

    offset: int
    request_id: str


class Outbox:
    """Takes audio and messages, hands them out once for each connection.

    A full one makes `put_audio` wait, and nothing is dropped: with a connection it is full a
    little ahead of what is sent, without one when the replay limit is reached. What was handed
    out is kept, to be sent again, until the server says that nobody will ask for it.

    Args:
        limit: bytes kept of what was sent.
        keeps: whether anything is; else what was sent is forgotten.
    """

    def __init__(self, limit: int, *, keeps: bool) -> None:
        self._audio = ReplayBuffer(limit)
        self._limit = limit
        self._keeps = keeps
        self._changed = asyncio.Condition()
        self._marks: list[_Mark] = []
        self._sent = 0
        self._sent_marks = 0
        self._sending = False
        self._at_offset = False
        self._alive = False
        self._acknowledged = 0
        self._committed = 0
        self._complete = False
        self._end_sent = False
        self._closed = False

    # ---------------------------------------------------------------- from the source and user

    async def put_audio(self, data: bytes) -> None:
        """Adds audio, waiting for room; a cancelled call has added nothing.

        Raises:
            ConveyorClosed: the audio is complete, or the stream over.
        """
        async with self._changed:
            await self._open_when(self._has_room)
            self._audio.append(data)
            if self._sending:
                self._forget_sent()
            self._changed.notify_all()

    async def finalize(self, request_id: str) -> None:
        """Adds the end of an utterance, after the audio put so far.

        Raises:
            ConveyorClosed: the audio is complete, or the stream over.
        """
        async with self._changed:
            await self._open_when(lambda: len(self._marks) < MAX_MARKS)
            self._marks.append(_Mark(self._audio.end, request_id))
            self._changed.notify_all()

    async def keep_alive(self) -> None:
        """Sends a sign of life with the next messages.

        Raises:
            ConveyorClosed: the audio is complete, or the stream over.
        """
        async with self._changed:
            await self._open_when(lambda: True)
            self._alive = True
            self._changed.notify_all()

    async def complete(self) -> None:
        """No more audio follows what was put; idempotent."""
        async with self._changed:
            self._complete = True
            self._changed.notify_all()

    async def close(self) -> None:
        """Nothing more is sent or taken."""
        async with self._changed:
            self._closed = True
            self._changed.notify_all()

    # ---------------------------------------------------------------- to one connection

    async def start(self, offset: int = 0, *, again: bool = False) -> None:
        """Hands out from `offset` on, for a new connection.

        Args:
            offset: where the server wants audio to go on.
            again: this connection goes on with what another one began.

        Raises:
            ReplayLimitExceeded: what is wanted was dropped.
            ContractBroken: what is wanted was never there.
        """
        async with self._changed:
            self._audio.check(offset)
            self._sent, self._sent_marks = offset, self._passed(offset)
            self._at_offset = again
            self._acknowledged, self._end_sent = 0, False
            self._sending = True
            self._changed.notify_all()

    async def pause(self) -> None:
        """There is no connection: audio is kept as far as the limit goes."""
        async with self._changed:
            self._sending = False
            self._changed.notify_all()

    async def next(self) -> pb.StreamingRecognizeRequest:
        """The next message, waiting for one; after the end of audio only acknowledgements come.

        Raises:
            ConveyorClosed: nothing more will come.
        """
        async with self._changed:
            while True:
                if self._closed or (self._sending and self._end_sent and not self._keeps):
                    raise ConveyorClosed
                if self._sending and (request := self._take()) is not None:
                    self._changed.notify_all()
                    return request
                await self._changed.wait()

    # ---------------------------------------------------------------- from the server

    async def release(self, offset: int) -> None:
        """No server asks for bytes below `offset` again."""
        async with self._changed:
            self._committed = max(self._committed, offset)
            self._audio.forget(min(offset, self._sent))
            self._changed.notify_all()

    async def stop_keeping(self) -> None:
        """The session cannot be resumed: what was sent is forgotten from now on."""
        async with self._changed:
            self._keeps = False
            self._forget_sent()
            self._changed.notify_all()

    async def acknowledge(self, sequence: int) -> None:
        """Tells the server that responses up to `sequence` are kept here."""
        async with self._changed:
            self._acknowledged = sequence
            self._changed.notify_all()

    async def answered(self, request_id: str) -> bool:
        """Whether a `finalize` with this id was waiting for its answer; it no longer is."""
        async with self._changed:
            for index, mark in enumerate(self._marks[: self._sent_marks]):
                if mark.request_id == request_id:
                    del self._marks[index]
                    self._sent_marks -= 1
                    self._changed.notify_all()
                    return True
        return False

    # ---------------------------------------------------------------- inside

    async def _open_when(self, ready: Callable[[], bool]) -> None:
        await self._changed.wait_for(lambda: self._complete or self._closed or ready())
        if self._complete or self._closed:
            raise ConveyorClosed

    def _has_room(self) -> bool:
        if self._sending:
            return self._audio.end - self._sent < READ_AHEAD
        return self._audio.end - self._audio.start < max(self._limit, READ_AHEAD)

    def _passed(self, offset: int) -> int:
        """How many marks need not be sent again when audio goes on at `offset`.

        Where it goes on behind the bytes that any server may ask for, the server received all
        before, and the marks among them. Where it goes on at the first of those, it may be one
        that starts anew: there an utterance that nobody hears is ended twice at worst.
        """
        if offset <= self._committed:
            return 0
        return sum(mark.offset < offset for mark in self._marks)

    def _take(self) -> pb.StreamingRecognizeRequest | None:
        if self._acknowledged:
            sequence, self._acknowledged = self._acknowledged, 0
            return requests.response_ack_request(sequence)
        if self._alive:
            self._alive = False
            return requests.keep_alive_request()
        mark = self._marks[self._sent_marks] if self._sent_marks < len(self._marks) else None
        if mark is not None and mark.offset <= self._sent:
            return self._take_mark(mark)
        if self._sent < self._audio.end:
            return self._take_audio(mark.offset if mark else self._audio.end)
        if self._complete and not self._end_sent:
            self._end_sent = True
            return requests.end_of_audio_request(self._audio.end)
        return None

    def _take_mark(self, mark: _Mark) -> pb.StreamingRecognizeRequest:
        self._sent_marks += 1
        self._forget_sent()
        return requests.finalize_request(mark.request_id)

    def _take_audio(self, end: int) -> pb.StreamingRecognizeRequest:
        data = self._audio.read(self._sent, min(end - self._sent, MAX_CHUNK_BYTES))
        offset = self._sent if self._at_offset else None
        self._at_offset = False
        self._sent += len(data)
        self._forget_sent()
        return requests.audio_request(data, offset)

    def _forget_sent(self) -> None:
        """Forgets what was sent: the oldest of it, to make room, or all, if nobody asks for it."""
        if self._keeps:
            self._audio.shrink(self._sent)
        else:
            self._audio.forget(self._sent)
            del self._marks[: self._sent_marks]
            self._sent_marks = 0
