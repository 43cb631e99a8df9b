"""The tasks of a running stream: audio out, responses in."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Final

import grpc
from sori.v1 import speech_pb2 as pb

from sori_client.conveyor import Conveyor, ConveyorClosed
from sori_client.errors import CallStatus, DeadlineExceeded, client_closed
from sori_client.final_status import FinalStatus
from sori_client.reception import Reception
from sori_client.sources.source import Source, split
from sori_client.types import Event
from sori_client.wire import requests
from sori_client.wire.status import error_from

StreamCall = grpc.aio.StreamStreamCall[pb.StreamingRecognizeRequest, pb.StreamingRecognizeResponse]

_OUTBOX_CAPACITY: Final = 8
"""Messages waiting to be sent; a full outbox makes the source wait."""
_INBOX_CAPACITY: Final = 1024
"""Events waiting to be taken; a full inbox makes the server wait.

Responses are read as they arrive, not as events are taken: what gRPC has received but
nobody has read is lost with the connection.
"""


class Exchange:
    """Sends a first message, then audio, and receives events meanwhile, until the call ends.

    Attributes:
        outbox: messages to send, in order; closed after the end of audio.
        inbox: events received; closed with what went wrong when the call ends.
        reception: session, summary and the check of sequence numbers.
    """

    def __init__(
        self, first: pb.StreamingRecognizeRequest, source: Source, patience: float
    ) -> None:
        self.outbox = Conveyor(_OUTBOX_CAPACITY, first)
        self.inbox = Conveyor[Event](_INBOX_CAPACITY)
        self.reception = Reception()
        self._source = source
        self._patience = patience
        self._audio_bytes = 0
        self._audio: asyncio.Task[None] | None = None
        self._reading: asyncio.Timeout | None = None
        self._half_closed = False

    async def run(self, call: StreamCall) -> None:
        """Runs until the call has ended and the source is closed; failures go to the inbox."""
        ending: Exception | None = client_closed()
        try:
            async with asyncio.TaskGroup() as tasks:
                self._audio = tasks.create_task(self._send_audio())
                writing = tasks.create_task(self._write(call))
                await self._receive(call)
                self._audio.cancel()
                writing.cancel()
            ending = None
        except ExceptionGroup as failures:
            ending = failures.exceptions[0]
        finally:
            call.cancel()
            await self.outbox.close()
            await self.inbox.close(ending)

    async def end_audio(self) -> None:
        """Reads no more of the source; what was read is sent, then the end of audio."""
        if self._audio is not None:
            self._audio.cancel()
        await self._put_end_of_audio()

    async def _send_audio(self) -> None:
        with contextlib.suppress(ConveyorClosed):
            async with aclosing(self._source.chunks()) as chunks:
                async for chunk in chunks:
                    for data in split(chunk):
                        await self.outbox.put(requests.audio_request(data))
                        self._audio_bytes += len(data)
        await self._put_end_of_audio()

    async def _put_end_of_audio(self) -> None:
        with contextlib.suppress(ConveyorClosed):
            await self.outbox.put(requests.end_of_audio_request(self._audio_bytes))
        await self.outbox.close()

    async def _write(self, call: StreamCall) -> None:
        try:
            with contextlib.suppress(ConveyorClosed):
                while True:
                    await call.write(await self.outbox.get())
            await call.done_writing()
        except (grpc.aio.AioRpcError, grpc.aio.InternalError, asyncio.InvalidStateError):
            return  # the call has ended; receiving says why
        self._half_closed = True
        self._limit_wait()

    async def _receive(self, call: StreamCall) -> None:
        status = FinalStatus(call)
        responses = aiter(call)  # not `call.read()`, which drops what came before a failure
        try:
            while (response := await self._next(responses)) is not None:
                event = self.reception.receive(response)
                if event is not None:
                    await self.inbox.put(event)
        except grpc.aio.AioRpcError as failure:
            ended = status.of(failure)
            if ended.code() is not grpc.StatusCode.OK:  # else the server had heard enough
                established = self.reception.session is not None
                raise error_from(ended, established=established) from failure
        self.reception.complete()

    async def _next(
        self, responses: AsyncIterator[pb.StreamingRecognizeResponse]
    ) -> pb.StreamingRecognizeResponse | None:
        try:
            async with asyncio.timeout(None) as self._reading:
                self._limit_wait()
                return await anext(responses, None)
        except TimeoutError:
            message = f"no response within {self._patience:g} s"
            status = CallStatus(grpc.StatusCode.DEADLINE_EXCEEDED, message)
            raise DeadlineExceeded(status) from None
        finally:
            self._reading = None

    def _limit_wait(self) -> None:
        """A server may be silent while it hears audio, not before or after."""
        hears_audio = self.reception.session is not None and not self._half_closed
        if self._reading is not None and not hears_audio:
            self._reading.reschedule(asyncio.get_running_loop().time() + self._patience)
