"""One call of a stream: messages out, responses in."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import grpc
from sori.v1 import speech_pb2 as pb

from sori_client.connections import StreamCall
from sori_client.conveyor import ConveyorClosed
from sori_client.errors import CallStatus, DeadlineExceeded
from sori_client.final_status import FinalStatus
from sori_client.outbox import Outbox
from sori_client.wire.status import error_from


class Left(Exception):
    """The call was left on purpose."""


class Exchange:
    """Sends a first message, then what the outbox hands out, and receives, until the call ends.

    Args:
        call: the call, not used before.
        receive: takes each response, in order.
        outbox: what to send; whoever starts it decides when.
        start_within: seconds to wait for the first response.
        end_within: seconds to wait for each response after the end of audio.

    Attributes:
        connected: there was a connection.
        established: the server has answered.
        audio_ended: the end of audio was sent.
    """

    def __init__(
        self,
        call: StreamCall,
        receive: Callable[[pb.StreamingRecognizeResponse], Awaitable[None]],
        outbox: Outbox,
        start_within: float,
        end_within: float,
    ) -> None:
        self._call = call
        self._receive_response = receive
        self._outbox = outbox
        self._start_within = start_within
        self._end_within = end_within
        self._reading: asyncio.Timeout | None = None
        self._leaving = False
        self.connected = False
        self.established = False
        self.audio_ended = False

    async def run(self, first: pb.StreamingRecognizeRequest) -> None:
        """Runs until the server has ended the call well.

        Raises:
            SoriClientError: why it ended otherwise.
            Left: `leave` was called.
        """
        try:
            async with asyncio.TaskGroup() as tasks:
                writing = tasks.create_task(self._write(first))
                await self._receive()
                writing.cancel()
        except ExceptionGroup as failures:
            if _cancelled_from_outside():  # while it failed; a TaskGroup may forget that
                raise asyncio.CancelledError from None
            raise failures.exceptions[0] from failures.exceptions[0].__cause__
        finally:
            self._call.cancel()

    def leave(self) -> None:
        """Ends the call between two responses; what comes after them is left unread."""
        self._leaving = True
        self._call.cancel()

    async def _write(self, first: pb.StreamingRecognizeRequest) -> None:
        try:
            await self._call.write(first)
            self.connected = True
            with contextlib.suppress(ConveyorClosed):
                while True:
                    await self._write_next()
            await self._call.done_writing()
        except (grpc.aio.AioRpcError, grpc.aio.InternalError, asyncio.InvalidStateError):
            return  # the call has ended; receiving says why

    async def _write_next(self) -> None:
        request = await self._outbox.next()
        await self._call.write(request)
        if request.HasField("end_of_audio"):
            self.audio_ended = True
            self._limit_wait()

    async def _receive(self) -> None:
        status = FinalStatus(self._call)
        responses = aiter(self._call)  # not `call.read()`, which drops what came before a failure
        try:
            while (response := await self._next(responses)) is not None:
                self.established = True
                await self._receive_response(response)
        except grpc.aio.AioRpcError as failure:
            ended = status.of(failure)
            if ended.code() is not grpc.StatusCode.OK:  # else the server had heard enough
                raise error_from(ended, established=self.established) from failure

    async def _next(
        self, responses: AsyncIterator[pb.StreamingRecognizeResponse]
    ) -> pb.StreamingRecognizeResponse | None:
        try:
            async with asyncio.timeout(None) as self._reading:
                self._limit_wait()
                return await anext(responses, None)
        except TimeoutError:
            message = f"no response within {self._patience():g} s"
            status = CallStatus(grpc.StatusCode.DEADLINE_EXCEEDED, message)
            raise DeadlineExceeded(status) from None
        except asyncio.CancelledError:
            if self._leaving and not _cancelled_from_outside():
                raise Left from None
            raise
        finally:
            self._reading = None

    def _limit_wait(self) -> None:
        """A server may be silent while it hears audio, not before or after."""
        hears_audio = self.established and not self.audio_ended
        reading = self._reading
        if reading is not None and not reading.expired() and not hears_audio:
            reading.reschedule(asyncio.get_running_loop().time() + self._patience())

    def _patience(self) -> float:
        return self._end_within if self.established else self._start_within


def _cancelled_from_outside() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
