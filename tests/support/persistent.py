"""A client of the contract that never gives up: whatever becomes of its lines, it resumes.

Everything it receives is kept, over all connections, for `verdicts`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

import grpc
from google.protobuf.duration_pb2 import Duration
from sori.v1 import speech_pb2 as pb
from sori.v1 import speech_pb2_grpc as rpc
from sori_client.final_status import FinalStatus
from support.raw_client import CHUNK, config_of, ending_of
from support.resuming import token_of

AGAIN = {
    *("ENGINE_UNAVAILABLE", "MODEL_LOADING", "SERVER_DRAINING", "UPSTREAM_UNAVAILABLE"),
    *("SLOW_READER", "IDLE_TIMEOUT", "STREAM_CAPACITY_EXHAUSTED", ""),
}
"""Reasons after which a client resumes; the line itself has none."""
BACKOFF = (0.02, 0.05, 0.1, 0.2, 0.5)
"""Seconds before the tries after the first one; the last of them again and again."""


class LineLost(Exception):
    """The connection ended before the session did."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(f"{reason} {message}")
        self.reason = reason


class Link(Protocol):
    """One connection."""

    async def send(self, request: pb.StreamingRecognizeRequest) -> None:
        """Send one message.

        Raises:
            LineLost: it cannot be sent.
        """

    async def receive(self) -> pb.StreamingRecognizeResponse | None:
        """The next response; None after a good end.

        Raises:
            LineLost: there is none.
        """


Dial = Callable[[], AbstractAsyncContextManager[Link]]
"""Opens a connection; leaving it takes it down."""


def grpc_dial(address: Callable[[], str] | str) -> Dial:
    """Connections to whatever address there is at the time, each one new."""

    @asynccontextmanager
    async def dial() -> AsyncIterator[Link]:
        target = address if isinstance(address, str) else address()
        options = [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0)]
        async with grpc.aio.insecure_channel(target, options=options) as channel:
            call = rpc.SpeechServiceStub(channel).StreamingRecognize()
            try:
                yield GrpcLink(call)
            finally:
                call.cancel()

    return dial


class GrpcLink:
    """A `StreamingRecognize` call."""

    def __init__(
        self,
        call: grpc.aio.StreamStreamCall[
            pb.StreamingRecognizeRequest, pb.StreamingRecognizeResponse
        ],
    ) -> None:
        self._call = call
        self._status = FinalStatus(call)
        self._writing = asyncio.Lock()

    async def send(self, request: pb.StreamingRecognizeRequest) -> None:
        try:
            async with self._writing:  # gRPC breaks when two tasks write at a time
                await self._call.write(request)
        except (grpc.aio.AioRpcError, grpc.aio.InternalError, asyncio.InvalidStateError):
            raise LineLost("", "not sent") from None

    async def receive(self) -> pb.StreamingRecognizeResponse | None:
        try:
            response = await self._call.read()
        except grpc.aio.AioRpcError as error:
            ending = ending_of(self._status.of(error))
            raise LineLost(ending.info.reason, f"{ending.code.name} {ending.message}") from None
        return response if isinstance(response, pb.StreamingRecognizeResponse) else None


@dataclass
class Manner:
    """How a client speaks. Times are seconds."""

    pace: float = 0.0
    """Between chunks; zero is as fast as the line takes them."""
    chunk: int = CHUNK
    ack_every: int = 1
    """Responses for one acknowledgement."""
    patience: float = 2.0
    """Without any response, or any room to send, after which a line counts as lost."""
    give_up: float = 60.0
    """For all of it."""
    settings: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Resumed:
    """A session that went on."""

    connection: int
    took: float
    """Seconds from noticing the loss of the connection before."""
    refusals: tuple[str, ...]
    """Reasons that servers gave in between."""


@dataclass
class PersistentClient:
    """One session over as many connections as it takes.

    Attributes:
        responses: all that were received, each with the number of its connection.
        resumed: how the session went on each time it did. What failed in between counts as
            well, unless `line_failed` says that a line did, which is nobody's slowness.
        losses: why connections were lost.
        failure: why there is no session any more, if there is none.
    """

    dial: Dial
    audio: bytes
    manner: Manner = field(default_factory=Manner)
    responses: list[tuple[int, pb.StreamingRecognizeResponse]] = field(default_factory=list)
    resumed: list[Resumed] = field(default_factory=list)
    losses: list[str] = field(default_factory=list)
    failure: str = ""
    connections: int = 0
    line_failed: Callable[[], bool] = lambda: False

    async def run(self) -> None:
        """Speak until everything was heard, or until `failure` says why not."""
        self._lost_at: float | None = None
        self._refusals: list[str] = []
        try:
            async with asyncio.timeout(self.manner.give_up):
                await self._persist()
        except TimeoutError:
            self.failure = f"not done in {self.manner.give_up:g} s; lost: {self.losses[-3:]}"

    @property
    def complete(self) -> bool:
        """Whether the totals were received."""
        return bool(self.responses) and self.responses[-1][1].HasField("session_summary")

    async def _persist(self) -> None:
        tries = 0
        while not self.complete:
            received = len(self.responses)
            try:
                await self._connect()
            except LineLost as lost:
                if self._lost_at is None or self.line_failed():
                    self._lost_at = asyncio.get_running_loop().time()
                self.losses.append(str(lost))
                self._refusals += [lost.reason] if lost.reason else []
                if lost.reason not in AGAIN:
                    self.failure = str(lost)
                    return
            tries = tries + 1 if len(self.responses) == received else 0
            if tries:
                await asyncio.sleep(BACKOFF[min(tries, len(BACKOFF)) - 1])

    async def _connect(self) -> None:
        self.connections += 1
        self._next: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._unacknowledged = asyncio.Event()
        async with self.dial() as link:
            await link.send(self._config())
            beside = [asyncio.create_task(self._speak(link)), asyncio.create_task(self._ack(link))]
            try:
                while await self._hear(link):
                    pass
            finally:
                for task in beside:
                    task.cancel()
                await asyncio.wait(beside)
        if not self.complete:
            raise LineLost("NO_SUMMARY", "the call ended well without one")

    def _config(self) -> pb.StreamingRecognizeRequest:
        received = [response for _, response in self.responses]
        resume = pb.ResumeOptions(
            enabled=True,
            resume_token=next(filter(None, map(token_of, reversed(received))), ""),
            last_sequence=received[-1].sequence if received else 0,
        )
        settings = {"interim_results": True, "progress_interval": Duration(nanos=500_000_000)}
        config = config_of(resume=resume, **{**settings, **self.manner.settings})
        return pb.StreamingRecognizeRequest(config=config)

    async def _hear(self, link: Link) -> bool:
        """Take one response; whether there may be another one."""
        try:
            async with asyncio.timeout(self.manner.patience):
                response = await link.receive()
        except TimeoutError:
            raise LineLost("", f"silent for {self.manner.patience:g} s") from None
        if response is None:
            return False
        self.responses.append((self.connections, response))
        if response.HasField("session_started"):
            self._start(response.session_started)
        elif len(self.responses) % self.manner.ack_every == 0:
            self._unacknowledged.set()
        return not response.HasField("session_summary")

    def _start(self, started: pb.SessionStarted) -> None:
        if self._lost_at is not None and started.resumed:
            took = asyncio.get_running_loop().time() - self._lost_at
            self.resumed.append(Resumed(self.connections, took, tuple(self._refusals)))
        self._lost_at = None
        self._refusals.clear()
        if not self._next.done():
            self._next.set_result(started.next_byte_offset)

    async def _speak(self, link: Link) -> None:
        start = await self._next
        try:
            for place in range(start, len(self.audio), self.manner.chunk):
                piece = self.audio[place : place + self.manner.chunk]
                chunk = pb.AudioChunk(data=piece, byte_offset=place)
                await link.send(pb.StreamingRecognizeRequest(audio=chunk))
                if self.manner.pace:
                    await asyncio.sleep(self.manner.pace)
            end = pb.EndOfAudio(total_bytes=len(self.audio))
            await link.send(pb.StreamingRecognizeRequest(end_of_audio=end))
        except LineLost:
            return  # who hears knows why

    async def _ack(self, link: Link) -> None:
        while True:
            await self._unacknowledged.wait()
            self._unacknowledged.clear()
            ack = pb.ResponseAck(sequence=self.responses[-1][1].sequence)
            try:
                await link.send(pb.StreamingRecognizeRequest(response_ack=ack))
            except LineLost:
                return
