"""A peer that misbehaves on command: a gRPC server that plays one script per stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2 as details
from google.rpc import status_pb2
from sori.v1 import speech_pb2 as pb
from sori.v1 import speech_pb2_grpc as rpc

Context = grpc.aio.ServicerContext[pb.StreamingRecognizeRequest, pb.StreamingRecognizeResponse]


class ScriptedCall:
    """One stream, as its script sees it; keeps everything the client sent."""

    def __init__(
        self, requests: AsyncIterator[pb.StreamingRecognizeRequest], context: Context
    ) -> None:
        self._requests = requests
        self.context = context
        self.received: list[pb.StreamingRecognizeRequest] = []
        self.sequence = 0

    async def read(self) -> pb.StreamingRecognizeRequest | None:
        """The next request; None after the last."""
        request = await anext(self._requests, None)
        if request is not None:
            self.received.append(request)
        return request

    async def read_all(self) -> None:
        """Everything until the audio ends, or the client's side of the call."""
        while (request := await self.read()) is not None:
            if request.HasField("end_of_audio"):
                return

    async def send(self, sequence: int | None = None, **response: Message) -> None:
        """Sends one response, with the next number or a wrong one."""
        self.sequence += 1
        number = self.sequence if sequence is None else sequence
        await self.context.write(
            pb.StreamingRecognizeResponse(sequence=number, **response)  # type: ignore[arg-type]
        )

    async def read_audio(self, size: int) -> None:
        """Takes requests until so many bytes of audio have come."""
        while sum(len(request.audio.data) for request in self.received) < size:
            assert await self.read() is not None

    async def start(self, token: str = "") -> None:
        """Takes the configuration and says that the session has started."""
        await self.read()
        await self.send(
            session_started=pb.SessionStarted(session_id="scripted", resume_token=token)
        )

    async def resume(self, offset: int, token: str) -> pb.ResumeOptions:
        """Takes the configuration and says that the session goes on; what was asked for."""
        request = await self.read()
        assert request is not None
        self.sequence = request.config.resume.last_sequence
        await self.send(
            session_started=pb.SessionStarted(
                session_id="scripted", resume_token=token, resumed=True, next_byte_offset=offset
            )
        )
        return request.config.resume

    async def say(self, *texts: str, token: str = "") -> None:
        """Sends one final result for each text."""
        for text in texts:
            reading = pb.RecognitionAlternative(committed_text=text)
            await self.send(
                result=pb.RecognitionResult(
                    alternatives=[reading], is_final=True, resume_token=token
                )
            )

    async def finish(self) -> None:
        """Takes the rest of the audio and ends the stream well."""
        await self.read_all()
        await self.send(session_summary=pb.SessionSummary())

    async def abort(self, code: grpc.StatusCode, message: str, *details: Message) -> None:
        """Ends the call with a rich status."""
        await abort(self.context, code, message, *details)


Script = Callable[[ScriptedCall], Awaitable[None]]


async def abort(context: Context, code: grpc.StatusCode, message: str, *details: Message) -> None:
    """Ends a call with a status whose details are `details`."""
    status = status_pb2.Status(code=code.value[0], message=message)
    for detail in details:
        packed = AnyMessage()
        packed.Pack(detail)
        status.details.append(packed)
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    await context.abort(code, message)


class ScriptedService(rpc.SpeechServiceServicer):
    """Plays `script` for every stream.

    Attributes:
        calls: the streams there were.
        over: set when the first of them has ended, however it did.
        metadata: what the last call of any kind brought.
        draining: whether it says that it is leaving.
    """

    def __init__(self, script: Script | None = None) -> None:
        self._script = script
        self.calls: list[ScriptedCall] = []
        self.over = asyncio.Event()
        self.metadata: dict[str, str | bytes] = {}
        self.draining = False

    async def StreamingRecognize(  # type: ignore[override]
        self, requests: AsyncIterator[pb.StreamingRecognizeRequest], context: Context
    ) -> None:
        """Plays the script."""
        self.metadata = dict(context.invocation_metadata() or ())
        call = ScriptedCall(requests, context)
        self.calls.append(call)
        try:
            assert self._script is not None
            await self._script(call)
        finally:
            self.over.set()

    async def GetServerInfo(
        self, request: pb.GetServerInfoRequest, context: Context
    ) -> pb.GetServerInfoResponse:
        """Says whether it is leaving."""
        return pb.GetServerInfoResponse(draining=self.draining)


def acts(*scripts: Script) -> Script:
    """Another script for each stream; the last one for all after it."""
    remaining = list(scripts)

    async def play(call: ScriptedCall) -> None:
        await (remaining.pop(0) if len(remaining) > 1 else remaining[0])(call)

    return play


@asynccontextmanager
async def serve(
    service: rpc.SpeechServiceServicer,
    *,
    credentials: grpc.ServerCredentials | None = None,
    options: tuple[tuple[str, int], ...] = (),
) -> AsyncIterator[int]:
    """Serves on a free port of the loopback interface."""
    server = grpc.aio.server(options=options)
    rpc.add_SpeechServiceServicer_to_server(service, server)
    if credentials is None:
        port = server.add_insecure_port("127.0.0.1:0")
    else:
        port = server.add_secure_port("127.0.0.1:0", credentials)
    await server.start()
    try:
        yield port
    finally:
        await server.stop(None)


def info(reason: str, **metadata: str) -> details.ErrorInfo:
    """Why, for programs."""
    return details.ErrorInfo(reason=reason, domain="sori.v1", metadata=metadata)


def retry(seconds: float) -> details.RetryInfo:
    """When to try again."""
    delay = Duration()
    delay.FromNanoseconds(round(seconds * 1e9))
    return details.RetryInfo(retry_delay=delay)
