"""A client that does just what a test says, on the generated stubs, and keeps all it gets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar

import grpc
from google.protobuf.message import Message
from google.rpc import error_details_pb2 as details
from grpc_status import rpc_status
from sori.v1 import speech_pb2 as pb
from sori.v1 import speech_pb2_grpc as rpc
from sori_client.final_status import FinalStatus

PATIENCE = 25.0
"""Seconds after which something that was to come counts as missing."""
CHUNK = 3_200
"""Bytes of 100 ms of LINEAR16: one word."""

_GONE = (grpc.aio.AioRpcError, grpc.aio.InternalError, asyncio.InvalidStateError)
_T = TypeVar("_T")


def config_of(**settings: object) -> pb.StreamingConfig:
    """A config for what `word_audio.linear16` makes.

    `settings` are fields of it, or of its `recognition`.
    """
    own = pb.StreamingConfig.DESCRIPTOR.fields_by_name
    inner = {name: value for name, value in settings.items() if name not in own}
    outer = {name: value for name, value in settings.items() if name in own}
    inner.setdefault("audio_format", LINEAR16)
    outer.setdefault("recognition", pb.RecognitionConfig(**inner))  # type: ignore[arg-type]
    return pb.StreamingConfig(**outer)  # type: ignore[arg-type]


LINEAR16 = pb.AudioFormat(encoding=pb.AUDIO_ENCODING_LINEAR16, sample_rate_hertz=16_000)


@dataclass
class Ending:
    """How a call ended: status and its `google.rpc` details."""

    code: grpc.StatusCode
    message: str = ""
    info: details.ErrorInfo = field(default_factory=details.ErrorInfo)
    violations: dict[str, str] = field(default_factory=dict)
    resource: details.ResourceInfo | None = None
    retry_delay: float | None = None

    @property
    def summary(self) -> tuple[str, str]:
        """Names of the status code and of the reason."""
        return self.code.name, self.info.reason

    @property
    def metadata(self) -> dict[str, str]:
        return dict(self.info.metadata)


def ending_of(error: grpc.aio.AioRpcError) -> Ending:
    """The status a call failed with, taken apart."""
    ending = Ending(error.code(), error.details() or "")
    try:
        status = rpc_status.from_call(error)
    except ValueError:  # gRPC replaced the status, and left the details of the other
        return ending
    for packed in status.details if status else ():
        _unpack(packed, ending)
    return ending


def _unpack(packed: Message, ending: Ending) -> None:
    bad, resource, retry = details.BadRequest(), details.ResourceInfo(), details.RetryInfo()
    packed.Unpack(ending.info)  # type: ignore[attr-defined]
    if packed.Unpack(bad):  # type: ignore[attr-defined]
        ending.violations = {v.field: v.description for v in bad.field_violations}
    elif packed.Unpack(resource):  # type: ignore[attr-defined]
        ending.resource = resource
    elif packed.Unpack(retry):  # type: ignore[attr-defined]
        ending.retry_delay = retry.retry_delay.ToTimedelta().total_seconds()


async def failure_of(call: grpc.aio.UnaryUnaryCall[object, object]) -> Ending:
    """How a call of one answer failed; it must."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return ending_of(error)
    raise AssertionError("the call succeeded")


class Stream:
    """One `StreamingRecognize` call: sends what it is told, keeps all that comes.

    The context ends with the connection. `ending` is there once the call has ended; then
    sending does nothing.
    """

    def __init__(
        self,
        channel: grpc.aio.Channel,
        *,
        reads: bool = True,
        metadata: tuple[tuple[str, str], ...] = (),
    ) -> None:
        self._channel = channel
        self._metadata = metadata
        self._reads = reads
        self._changed = asyncio.Condition()
        self._writing = asyncio.Lock()
        self._reading: asyncio.Task[None] | None = None
        self.responses: list[pb.StreamingRecognizeResponse] = []
        self.ending: Ending | None = None

    async def __aenter__(self) -> Stream:
        self.call = rpc.SpeechServiceStub(self._channel).StreamingRecognize(metadata=self._metadata)
        if self._reads:
            self.start_reading()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self.call.cancel()
        if self._reading is not None:
            await self._reading
        await self._channel.close()

    # ---------------------------------------------------------------- sending

    async def send(self, **request: object) -> None:
        """Send one message."""
        await self.write(pb.StreamingRecognizeRequest(**request))  # type: ignore[arg-type]

    async def write(self, request: pb.StreamingRecognizeRequest) -> None:
        """Send one message."""
        with suppress(*_GONE):
            async with self._writing:  # gRPC breaks when two tasks write at a time
                await self.call.write(request)

    async def audio(self, data: bytes, chunk: int = CHUNK) -> None:
        """Send audio in chunks."""
        for start in range(0, len(data), chunk):
            await self.send(audio=pb.AudioChunk(data=data[start : start + chunk]))

    async def finalize(self, request_id: str = "") -> None:
        await self.send(finalize=pb.Finalize(request_id=request_id))

    async def end_of_audio(self, total_bytes: int | None = None) -> None:
        """Say that the audio is complete, and half-close."""
        await self.send(end_of_audio=pb.EndOfAudio(total_bytes=total_bytes))
        await self.half_close()

    async def half_close(self) -> None:
        with suppress(*_GONE):
            await self.call.done_writing()

    # -------------------------------------------------------------- receiving

    async def until(
        self, wanted: Callable[[pb.StreamingRecognizeResponse], object]
    ) -> pb.StreamingRecognizeResponse:
        """The first response, past or coming, that is wanted."""
        return await self._wait(lambda: next(filter(wanted, self.responses), None))

    async def until_kind(self, kind: str) -> pb.StreamingRecognizeResponse:
        """The first response of a kind, past or coming."""
        return await self.until(lambda response: response.WhichOneof("response") == kind)

    async def ended(self) -> Ending:
        """How the call ended."""
        return await self._wait(lambda: self.ending)

    async def summary(self) -> pb.SessionSummary:
        """The totals of a stream that ends well."""
        ending = await self.ended()
        assert ending.code is grpc.StatusCode.OK, ending
        assert self.kinds[-1] == "session_summary"
        return self.responses[-1].session_summary

    @property
    def kinds(self) -> list[str]:
        """The kinds of all responses so far."""
        return [response.WhichOneof("response") or "" for response in self.responses]

    @property
    def results(self) -> list[pb.RecognitionResult]:
        return [r.result for r in self.responses if r.HasField("result")]

    @property
    def finals(self) -> list[pb.RecognitionResult]:
        return [result for result in self.results if result.is_final]

    @property
    def texts(self) -> list[str]:
        """The texts of the finals."""
        return [result.alternatives[0].committed_text for result in self.finals]

    def start_reading(self) -> None:
        """Take responses as they come."""
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        ending, status = Ending(grpc.StatusCode.OK), FinalStatus(self.call)
        try:
            async for response in self.call:
                self.responses.append(response)
                await self._tell()
        except grpc.aio.AioRpcError as error:
            ending = ending_of(status.of(error))
        except asyncio.CancelledError:
            ending = Ending(grpc.StatusCode.CANCELLED)
        self.ending = ending
        await self._tell()

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _wait(self, found: Callable[[], _T | None]) -> _T:
        """What `found` gives, as soon as it gives something."""
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(lambda: found() is not None or self.ending is not None)
        result = found()
        assert result is not None, f"it never came; the call ended with {self.ending}"
        return result
