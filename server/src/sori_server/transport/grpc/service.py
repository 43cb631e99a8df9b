"""`sori.v1.SpeechService` over the gateway."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from typing import Any, TypeVar

import grpc
from google.protobuf.message import DecodeError, Message
from sori.v1 import speech_pb2 as pb
from sori.v1 import speech_pb2_grpc as pb_grpc

from sori_server.domain.errors import IdleTimeout, ProtocolViolation, SoriError
from sori_server.domain.limits import Limits
from sori_server.runtime.gateway import Gateway
from sori_server.runtime.recording import RecordingDoor
from sori_server.transport.contract import requests, responses
from sori_server.transport.contract.local import LocalBackend
from sori_server.transport.grpc.status import abort, grpc_status

Question = TypeVar("Question")
Answer = TypeVar("Answer")
Result = TypeVar("Result")
StreamContext = grpc.aio.ServicerContext[
    pb.StreamingRecognizeRequest, pb.StreamingRecognizeResponse
]


class SpeechService(pb_grpc.SpeechServiceServicer):
    """The four calls; every decision is the gateway's or the session's.

    Those of one request read it themselves: see `question_handlers`.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._backend = LocalBackend(gateway)

    # The generated stub only knows handlers that yield; this one reads and writes the
    # context, which grpc.aio supports as well.
    async def StreamingRecognize(  # type: ignore[override]
        self,
        request_iterator: AsyncIterator[pb.StreamingRecognizeRequest],
        context: StreamContext,
    ) -> None:
        """Serve one stream."""
        del request_iterator  # one reader: `context.read`
        try:
            await self._backend.stream(GrpcLink(context), authorization_of(context))
        except SoriError as error:
            await abort(context, error, self._gateway.limits.write_timeout)

    async def Recognize(  # type: ignore[override]
        self,
        request_iterator: AsyncIterator[pb.RecognizeRequest],
        context: grpc.aio.ServicerContext[pb.RecognizeRequest, pb.RecognizeResponse],
    ) -> pb.RecognizeResponse:
        """Serve one recording."""
        return await _answered(self._recognize(request_iterator), context)

    async def ListModels(  # type: ignore[override]
        self,
        request_iterator: AsyncIterator[pb.ListModelsRequest],
        context: grpc.aio.ServicerContext[pb.ListModelsRequest, pb.ListModelsResponse],
    ) -> pb.ListModelsResponse:
        """List the model this server serves."""
        return await _answered(self._list_models(request_iterator), context)

    async def GetServerInfo(  # type: ignore[override]
        self,
        request_iterator: AsyncIterator[pb.GetServerInfoRequest],
        context: grpc.aio.ServicerContext[pb.GetServerInfoRequest, pb.GetServerInfoResponse],
    ) -> pb.GetServerInfoResponse:
        """Report version, limits and load."""
        return await _answered(self._server_info(request_iterator), context)

    async def _recognize(
        self, request_iterator: AsyncIterator[pb.RecognizeRequest]
    ) -> pb.RecognizeResponse:
        with self._gateway.receiving():
            request = await _question(request_iterator, self._gateway.limits, "idle_timeout")
            config = requests.recording_config(
                request.config, self._gateway.limits, self._gateway.preset
            )
            door = RecordingDoor(request.audio, self._gateway.limits.max_chunk_bytes)
            with self._gateway.recording(config) as runner:
                await runner.run(door)
        door.check_complete()
        return pb.RecognizeResponse(
            results=[
                responses.recognition_result(result, config, with_latency=False)
                for result in door.results
            ],
            summary=responses.summary(door.summary),
        )

    async def _list_models(
        self, request_iterator: AsyncIterator[pb.ListModelsRequest]
    ) -> pb.ListModelsResponse:
        limits = self._gateway.limits
        requests.check_page(await _question(request_iterator, limits, "config_timeout"))
        return pb.ListModelsResponse(models=await self._backend.models())

    async def _server_info(
        self, request_iterator: AsyncIterator[pb.GetServerInfoRequest]
    ) -> pb.GetServerInfoResponse:
        await _question(request_iterator, self._gateway.limits, "config_timeout")
        return await self._backend.server_info()


class GrpcLink:
    """One `StreamingRecognize` call as the backend sees it.

    Who reads or writes may be cancelled, what gRPC does for it is not: see `_to_its_end`.
    """

    def __init__(self, context: StreamContext) -> None:
        self._context = context
        self._reading: asyncio.Task[pb.StreamingRecognizeRequest | None] | None = None

    async def read(self) -> pb.StreamingRecognizeRequest | None:
        """The next message of the call; None after a half-close, or a lost connection."""
        if self._reading is None:
            self._reading = _to_its_end(_read(self._context))
        await asyncio.wait((self._reading,))  # who is cancelled here leaves it to the next one
        done, self._reading = self._reading, None
        return done.result()

    async def write(self, response: pb.StreamingRecognizeResponse) -> None:
        """Write one response. A client that is gone never takes it: gRPC cancels the call then."""
        writing = _to_its_end(self._context.write(response))
        await asyncio.wait((writing,))
        try:
            writing.result()
        except grpc.aio.InternalError:
            await asyncio.get_running_loop().create_future()


def authorization_of(context: StreamContext) -> str:
    """What the caller has shown of who it is: its `authorization` metadata, or nothing."""
    shown = dict(context.invocation_metadata() or ()).get("authorization", "")
    return shown if isinstance(shown, str) else shown.decode(errors="replace")


async def _answered(
    answer: Awaitable[Answer], context: grpc.aio.ServicerContext[Question, Answer]
) -> Answer:
    """What `answer` gives; ends the call with a status if that is an error."""
    try:
        return await answer
    except SoriError as error:
        await context.abort_with_status(grpc_status(error))
        raise


def question_handlers(
    service: SpeechService,
) -> Mapping[str, grpc.RpcMethodHandler[Any, Any]]:
    """Calls of one request as calls that read it themselves, which is the same on the wire.

    Room for a recording is taken before its bytes are: a crowd of callers cannot fill the
    memory with recordings that are then refused. Of bytes that are no message gRPC would tell
    as of an error of the server's.
    """
    calls: Mapping[str, tuple[Callable[..., Awaitable[Message]], type[Message]]] = {
        "Recognize": (service.Recognize, pb.RecognizeRequest),
        "ListModels": (service.ListModels, pb.ListModelsRequest),
        "GetServerInfo": (service.GetServerInfo, pb.GetServerInfoRequest),
    }
    return {
        name: grpc.stream_unary_rpc_method_handler(
            behavior,
            request_deserializer=request.FromString,
            response_serializer=lambda answer: answer.SerializeToString(),
        )
        for name, (behavior, request) in calls.items()
    }


def _to_its_end(operation: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
    """Have gRPC do it, whether somebody waits for it or not.

    It frees a message, and the buffers of the connection that it lies in, only for those who wait
    until the end.
    """
    task = asyncio.create_task(operation)
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    return task


async def _question(
    request_iterator: AsyncIterator[Question], limits: Limits, deadline: str
) -> Question:
    """The one request of a call; `deadline` is the limit that it has to keep.

    Raises:
        IdleTimeout: it was not there in time.
        ProtocolViolation: what came is no message of the contract, or nothing came.
    """
    limit: float = getattr(limits, deadline)
    reading = _to_its_end(_next(request_iterator))
    if not (await asyncio.wait((reading,), timeout=limit))[0]:
        raise IdleTimeout(
            f"the request was not received within {limit:g} s",
            metadata={deadline: f"{limit:g}"},
        )
    if (request := reading.result()) is None:
        raise ProtocolViolation("request: nothing was sent", metadata={"field": "request"})
    return request


async def _next(request_iterator: AsyncIterator[Question]) -> Question | None:
    try:
        return await anext(request_iterator, None)
    except DecodeError:
        raise _no_message() from None


async def _read(context: StreamContext) -> pb.StreamingRecognizeRequest | None:
    """The next message of a call; None after the last.

    Raises:
        ProtocolViolation: what came is no message of the contract.
    """
    try:
        message = await context.read()
    except DecodeError:
        raise _no_message() from None
    return message if isinstance(message, pb.StreamingRecognizeRequest) else None


def _no_message() -> ProtocolViolation:
    return ProtocolViolation(
        "request: these bytes are no message of the contract", metadata={"field": "request"}
    )
