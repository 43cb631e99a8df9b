"""One stream carried to a remote server and back."""

from __future__ import annotations

import asyncio
from typing import Final

import grpc
from sori.v1 import speech_pb2 as pb
from sori_client.final_status import FinalStatus

from sori_server.domain.errors import ServerDraining, SlowReader, SoriError
from sori_server.domain.limits import Limits
from sori_server.transport.contract.backend import MessageLink
from sori_server.transport.contract.durations import duration
from sori_server.upstream.status import error_from, unavailable

Call = grpc.aio.StreamStreamCall[pb.StreamingRecognizeRequest, pb.StreamingRecognizeResponse]

LEAVING: Final = "the server is shutting down"

_OVER: Final = (grpc.aio.AioRpcError, grpc.aio.InternalError, asyncio.InvalidStateError)


class Relay:
    """Carries the messages of one call; nothing waits in it but the message being carried.

    As with a `StreamRunner`, whatever ends the stream early, the words received until then are
    delivered before the error is raised, and the totals are not. Only a lost or unreading client
    gets nothing more.
    """

    def __init__(self, call: Call, link: MessageLink, limits: Limits) -> None:
        self._call = call
        self._link = link
        self._limits = limits
        self._status = FinalStatus(call)
        self._reading: asyncio.Timeout | None = None
        self._stopped = False
        self._error: SoriError | None = None
        self._asked = asyncio.Event()
        self._answered = asyncio.Event()
        self._going_away = asyncio.Event()
        self._left = asyncio.Event()
        self._resumable = False
        self._writing = asyncio.Lock()
        self._open = False
        self._last = 0
        self._inserted = 0

    async def run(self) -> None:
        """Carry the stream until everything was delivered.

        Raises:
            SoriError: why the stream ended early; the words before it were delivered.
        """
        try:
            async with asyncio.TaskGroup() as tasks:
                waiting = (self._send(), self._expect_answer(), self._announce(), self._leave())
                beside = [tasks.create_task(each) for each in waiting]
                await self._receive()
                for task in beside:
                    task.cancel()
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None
        finally:
            self._call.cancel()
        if self._error is not None:
            raise self._error

    def go_away(self) -> None:
        """Tell the client that this server leaves in `drain_grace`.

        A client that can resume its session does so elsewhere, at once: a response of ours would
        take a number that only this relay knows.
        """
        if self._resumable:
            self._left.set()
        else:
            self._going_away.set()

    def flush(self) -> None:
        """End the audio for the client; what was sent becomes final, then the stream ends."""
        self._fail(draining(self._limits))
        self._stopped = True
        if self._reading is not None and not self._reading.expired():
            self._reading.reschedule(asyncio.get_running_loop().time())

    # ---------------------------------------------------------------- to the server

    async def _send(self) -> None:
        """Send the client's messages until its last one, until one is bad or until `flush`."""
        try:
            while (message := await self._next_message()) is not None:
                self._asked.set()
                self._resumable |= message.config.resume != pb.ResumeOptions()
                await self._call.write(message)
            self._asked.set()
            await self._call.done_writing()
        except _OVER:
            return  # `_receive` knows why

    async def _expect_answer(self) -> None:
        """Give up a server that has nothing to say to a config."""
        await self._asked.wait()
        try:
            async with asyncio.timeout(self._limits.upstream_timeout):
                await self._answered.wait()
        except TimeoutError:
            raise self._error or unavailable(self._limits.retry_delay) from None

    async def _next_message(self) -> pb.StreamingRecognizeRequest | None:
        if self._stopped:
            return None
        try:
            async with asyncio.timeout(None) as self._reading:
                return await self._link.read()
        except SoriError as error:
            self._fail(error)
        except TimeoutError:
            if not self._stopped:
                raise
        finally:
            self._reading = None
        return None

    # ---------------------------------------------------------------- to the client

    async def _receive(self) -> None:
        try:
            async for response in self._call:  # `read()` drops what came before a failure
                self._answered.set()
                await self._deliver(response)
        except grpc.aio.AioRpcError as failure:
            status = self._status.of(failure)
            if status.code() is not grpc.StatusCode.OK:  # else the server had heard enough
                self._fail(error_from(status, self._limits.retry_delay))
        except asyncio.CancelledError:
            if (task := asyncio.current_task()) and task.cancelling():
                raise
            self._fail(draining(self._limits))  # the channel was closed

    async def _deliver(self, response: pb.StreamingRecognizeResponse) -> None:
        async with self._writing:
            if self._error is not None and response.HasField("session_summary"):
                return
            self._open = not response.HasField("session_summary")
            response.sequence += self._inserted
            await self._write(response)

    async def _announce(self) -> None:
        """Tell the client of `go_away` in a response of ours; those after it count on."""
        await self._going_away.wait()
        async with self._writing:
            if not self._open:
                return
            self._inserted += 1
            left = duration(self._limits.drain_grace)
            leaving = pb.GoAway(time_left=left, message=LEAVING)
            await self._write(
                pb.StreamingRecognizeResponse(sequence=self._last + 1, go_away=leaving)
            )

    async def _leave(self) -> None:
        """End the call, but not the session: that is the server's."""
        await self._left.wait()
        raise draining(self._limits)

    async def _write(self, response: pb.StreamingRecognizeResponse) -> None:
        timeout = self._limits.write_timeout
        try:
            async with asyncio.timeout(timeout):
                await self._link.write(response)
        except TimeoutError:
            raise SlowReader(f"a response was not accepted for {timeout:g} s") from None
        self._last = response.sequence

    def _fail(self, error: SoriError) -> None:
        """Remember the first error: it is raised when the stream's words are delivered."""
        if self._error is None:
            self._error = error


def draining(limits: Limits) -> ServerDraining:
    """What ends streams of a server that leaves."""
    return ServerDraining(LEAVING, retry_after=limits.retry_delay)
