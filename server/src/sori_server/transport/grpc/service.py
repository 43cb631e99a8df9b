"""`sori.v1.SpeechService` over the gateway."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final

import grpc
from google.protobuf.message import Message
from sori.v1 import speech_pb2 as pb

from sori_server.runtime.gateway import Gateway
from sori_server.runtime.recording import RecordingDoor
from sori_server.transport.contract import responses
from sori_server.transport.contract.local import LocalBackend
from sori_server.transport.contract.requests import check_page, recording_config
from sori_server.transport.grpc.operations import decoded, only_request, to_its_end, write

SERVICE: Final = pb.DESCRIPTOR.services_by_name["SpeechService"].full_name
StreamContext = grpc.aio.ServicerContext[
    pb.StreamingRecognizeRequest, pb.StreamingRecognizeResponse
]


class SpeechService:
    """The four calls; every decision is the gateway's or the session's."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._limits = gateway.limits
        self._backend = LocalBackend(gateway)

    def add_to(self, server: grpc.aio.Server) -> None:
        """Have `server` answer."""
        one, many = grpc.stream_unary_rpc_method_handler, grpc.stream_stream_rpc_method_handler
        handlers = {
            "StreamingRecognize": _handler(many, self.stream, pb.StreamingRecognizeRequest),
            "Recognize": _handler(one, self.recognize, pb.RecognizeRequest),
            "ListModels": _handler(one, self.list_models, pb.ListModelsRequest),
            "GetServerInfo": _handler(one, self.server_info, pb.GetServerInfoRequest),
        }
        server.add_registered_method_handlers(SERVICE, handlers)

    async def stream(self, requests: object, context: StreamContext) -> None:
        """Serve one stream."""
        del requests  # one reader: `context.read`
        await self._backend.stream(GrpcLink(context), authorization_of(context))

    async def recognize(
        self, requests: AsyncIterator[pb.RecognizeRequest], context: object
    ) -> pb.RecognizeResponse:
        """Serve one recording.

        Room for it is taken before its bytes are: a crowd of callers cannot fill the memory with
        recordings that are then refused.
        """
        del context
        with self._gateway.receiving():
            request = await only_request(requests, self._limits, "idle_timeout")
            config = recording_config(request.config, self._limits, self._gateway.preset)
            door = RecordingDoor(request.audio, self._limits.max_chunk_bytes)
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

    async def list_models(
        self, requests: AsyncIterator[pb.ListModelsRequest], context: object
    ) -> pb.ListModelsResponse:
        """List the model this server serves."""
        del context
        check_page(await only_request(requests, self._limits, "config_timeout"))
        return pb.ListModelsResponse(models=await self._backend.models())

    async def server_info(
        self, requests: AsyncIterator[pb.GetServerInfoRequest], context: object
    ) -> pb.GetServerInfoResponse:
        """Report version, limits and load."""
        del context
        await only_request(requests, self._limits, "config_timeout")
        return await self._backend.server_info()


class GrpcLink:
    """One `StreamingRecognize` call as the backend sees it.

    Who reads or writes may be cancelled, what gRPC does for it is not: see `to_its_end`.
    """

    def __init__(self, context: StreamContext) -> None:
        self._context = context
        self._reading: asyncio.Task[object] | None = None

    async def read(self) -> pb.StreamingRecognizeRequest | None:
        """The next message of the call; None after a half-close, or a lost connection.

        Raises:
            ProtocolViolation: what came is no message of the contract.
        """
        if self._reading is None:
            self._reading = to_its_end(decoded(self._context.read()))
        await asyncio.wait((self._reading,))  # who is cancelled here leaves it to the next one
        done, self._reading = self._reading, None
        message = done.result()
        return message if isinstance(message, pb.StreamingRecognizeRequest) else None

    async def write(self, response: pb.StreamingRecognizeResponse) -> None:
        """Write one response; returns when it was, never when the client is gone."""
        await write(self._context, response)


def authorization_of(context: StreamContext) -> str:
    """What the caller has shown of who it is: its `authorization` metadata, or nothing."""
    shown = dict(context.invocation_metadata() or ()).get("authorization", "")
    return shown if isinstance(shown, str) else shown.decode(errors="replace")


def _handler(
    kind: Callable[..., grpc.RpcMethodHandler[Any, Any]],
    behaviour: Callable[[Any, Any], Awaitable[Message | None]],
    request: type[Message],
) -> grpc.RpcMethodHandler[Any, Any]:
    return kind(behaviour, request.FromString, lambda response: response.SerializeToString())
