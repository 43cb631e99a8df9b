"""`sori.v1.SpeechService` over the gateway."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import suppress
from typing import TypeVar

import grpc
from google.protobuf.message import DecodeError
from sori.v1 import speech_pb2 as pb
from sori.v1 import speech_pb2_grpc as pb_grpc

from sori_server.domain.errors import IdleTimeout, ProtocolViolation, SoriError
from sori_server.runtime.gateway import Gateway
from sori_server.runtime.recording import RecordingDoor
from sori_server.transport.contract import requests, responses
from sori_server.transport.contract.local import LocalBackend
from sori_server.transport.grpc.peers import PeerStreams
from sori_server.transport.grpc.status import grpc_status

Question = TypeVar("Question")
Answer = TypeVar("Answer")
StreamContext = grpc.aio.ServicerContext[
    pb.StreamingRecognizeRequest, pb.StreamingRecognizeResponse
]
RecordingContext = grpc.aio.ServicerContext[pb.RecognizeRequest, pb.RecognizeResponse]


class SpeechService(pb_grpc.SpeechServiceServicer):
    """The four calls; every decision is the gateway's or the session's."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._backend = LocalBackend(gateway)
        self._peers = PeerStreams(gateway.limits)

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
            with self._peers.stream(context.peer()):
                await self._backend.stream(GrpcLink(context), authorization_of(context))
        except SoriError as error:
            # The status waits behind responses the client does not read, or is gone from.
            with suppress(TimeoutError, grpc.aio.InternalError):
                async with asyncio.timeout(self._gateway.limits.write_timeout):
                    await context.abort_with_status(grpc_status(error))

    async def Recognize(  # type: ignore[override]  # see `recognize_handler`
        self,
        request_iterator: AsyncIterator[pb.RecognizeRequest],
        context: RecordingContext,
    ) -> pb.RecognizeResponse:
        """Serve one recording."""
        return await _answered(self._recognize(request_iterator), context)

    async def ListModels(
        self,
        request: pb.ListModelsRequest,
        context: grpc.aio.ServicerContext[pb.ListModelsRequest, pb.ListModelsResponse],
    ) -> pb.ListModelsResponse:
        """List the model this server serves."""
        return await _answered(self._list_models(request), context)

    async def GetServerInfo(
        self,
        request: pb.GetServerInfoRequest,
        context: grpc.aio.ServicerContext[pb.GetServerInfoRequest, pb.GetServerInfoResponse],
    ) -> pb.GetServerInfoResponse:
        """Report version, limits and load."""
        del request, context
        return await self._backend.server_info()

    async def _recognize(
        self, request_iterator: AsyncIterator[pb.RecognizeRequest]
    ) -> pb.RecognizeResponse:
        with self._gateway.receiving():
            request = await self._recording(request_iterator)
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

    async def _recording(
        self, request_iterator: AsyncIterator[pb.RecognizeRequest]
    ) -> pb.RecognizeRequest:
        limit = self._gateway.limits.idle_timeout
        try:
            async with asyncio.timeout(limit):
                request = await anext(request_iterator, None)
        except TimeoutError:
            raise IdleTimeout(
                f"the recording was not received within {limit:g} s",
                metadata={"idle_timeout": f"{limit:g}"},
            ) from None
        if request is None:
            raise ProtocolViolation("request: nothing was sent", metadata={"field": "request"})
        return request

    async def _list_models(self, request: pb.ListModelsRequest) -> pb.ListModelsResponse:
        requests.check_page(request)
        return pb.ListModelsResponse(models=await self._backend.models())


class GrpcLink:
    """One `StreamingRecognize` call as the backend sees it."""

    def __init__(self, context: StreamContext) -> None:
        self._context = context

    async def read(self) -> pb.StreamingRecognizeRequest | None:
        """The next message of the call; None after a half-close, or a lost connection."""
        return await _read(self._context)

    async def write(self, response: pb.StreamingRecognizeResponse) -> None:
        """Write one response. A client that is gone never takes it: gRPC cancels the call then."""
        try:
            await self._context.write(response)
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


def recognize_handler(
    service: SpeechService,
) -> grpc.RpcMethodHandler[pb.RecognizeRequest, pb.RecognizeResponse]:
    """`Recognize` as a call that reads its request itself, which is the same on the wire.

    Room for the recording is taken before its bytes are: a crowd of callers cannot fill the
    memory with recordings that are then refused.
    """
    return grpc.stream_unary_rpc_method_handler(
        service.Recognize,
        request_deserializer=pb.RecognizeRequest.FromString,
        response_serializer=pb.RecognizeResponse.SerializeToString,
    )


async def _read(context: grpc.aio.ServicerContext[Question, Answer]) -> Question | None:
    """The next message of a call; None after the last.

    Raises:
        ProtocolViolation: what came is no message of the contract.
    """
    try:
        message = await context.read()
    except DecodeError:
        raise ProtocolViolation(
            "request: these bytes are no message of the contract", metadata={"field": "request"}
        ) from None
    return None if message is grpc.aio.EOF else message
