"""Reflection answers under both of its names, for as long as it is asked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
import pytest
from grpc_health.v1 import health_pb2  # noqa: F401  # so that its descriptors are known
from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionRequest, ServerReflectionResponse
from sori.v1 import speech_pb2 as pb
from sori_server.domain.limits import Limits
from sori_server.transport.grpc.gatekeeper import Gatekeeper
from sori_server.transport.grpc.peers import PeerCalls
from sori_server.transport.grpc.reflection import V1, Reflection
from support.raw_client import failure_of

pytestmark = pytest.mark.unit

NAMES = ("sori.v1.SpeechService", "grpc.health.v1.Health")
Call = grpc.aio.StreamStreamCall[ServerReflectionRequest, ServerReflectionResponse]


@asynccontextmanager
async def asking(name: str, limits: Limits) -> AsyncIterator[Call]:
    """A call to a server that has nothing but reflection."""
    server = grpc.aio.server(interceptors=[Gatekeeper(limits, PeerCalls(limits))])
    Reflection(NAMES, limits).add_to(server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield channel.stream_stream(
            f"/{name}/ServerReflectionInfo",
            request_serializer=ServerReflectionRequest.SerializeToString,
            response_deserializer=ServerReflectionResponse.FromString,
        )()
    await server.stop(None)


@pytest.mark.parametrize(
    "name", ["grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"]
)
async def test_questions_under_either_name(name: str) -> None:
    async with asking(name, Limits()) as call:
        await call.write(ServerReflectionRequest(list_services=""))
        listed = (await call.read()).list_services_response.service
        asked = ServerReflectionRequest(file_containing_symbol="sori.v1.SpeechService")
        await call.write(asked)
        described = (await call.read()).file_descriptor_response.file_descriptor_proto
        await call.done_writing()
        assert await call.read() is grpc.aio.EOF
    assert sorted(service.name for service in listed) == sorted(NAMES)
    assert pb.DESCRIPTOR.serialized_pb in described


async def test_who_asks_nothing_more_is_not_waited_for_without_end() -> None:
    async with asking(V1, Limits(idle_timeout=1.0)) as call:
        await call.write(ServerReflectionRequest(list_services=""))
        await call.read()
        ending = await failure_of(call.read())
    assert ending.summary == ("ABORTED", "IDLE_TIMEOUT")
