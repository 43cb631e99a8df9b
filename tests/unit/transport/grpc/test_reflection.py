"""The v1 name of reflection answers what the v1alpha one does, in the same bytes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from types import SimpleNamespace

import grpc
import pytest
from grpc_health.v1 import health_pb2  # noqa: F401  # so that its descriptors are known
from grpc_reflection.v1alpha import reflection_pb2
from sori.v1 import speech_pb2 as pb
from sori_server.transport.grpc.reflection_v1 import SERVICE_V1, add_reflection_v1

pytestmark = pytest.mark.unit

NAMES = ("sori.v1.SpeechService", "grpc.health.v1.Health")


class Registry:
    """Takes handlers as a server does."""

    def __init__(self) -> None:
        self.handlers: list[grpc.GenericRpcHandler] = []

    def add_generic_rpc_handlers(self, handlers: Sequence[grpc.GenericRpcHandler]) -> None:
        self.handlers += handlers

    def handler(self, method: str) -> grpc.RpcMethodHandler | None:
        (handler,) = self.handlers
        return handler.service(SimpleNamespace(method=method, invocation_metadata=()))


@pytest.fixture
def registry() -> Registry:
    registry = Registry()
    add_reflection_v1(NAMES, registry)  # type: ignore[arg-type]
    return registry


async def answers(registry: Registry, **question: str) -> reflection_pb2.ServerReflectionResponse:
    """The answer to one question, through the bytes of both."""
    handler = registry.handler(f"/{SERVICE_V1}/ServerReflectionInfo")
    assert handler is not None
    asked = reflection_pb2.ServerReflectionRequest(**question)

    async def requests() -> AsyncIterator[object]:
        yield handler.request_deserializer(asked.SerializeToString())

    (answer,) = [
        handler.response_serializer(a) async for a in handler.stream_stream(requests(), None)
    ]
    return reflection_pb2.ServerReflectionResponse.FromString(answer)


def test_it_answers_to_the_v1_name_only(registry: Registry) -> None:
    assert SERVICE_V1 == "grpc.reflection.v1.ServerReflection"
    alpha = SERVICE_V1.replace("v1", "v1alpha")
    assert registry.handler(f"/{alpha}/ServerReflectionInfo") is None
    assert registry.handler(f"/{SERVICE_V1}/Other") is None


async def test_it_lists_the_services_it_was_given(registry: Registry) -> None:
    listed = (await answers(registry, list_services="")).list_services_response.service
    assert sorted(service.name for service in listed) == sorted(NAMES)


async def test_it_describes_the_contract(registry: Registry) -> None:
    answer = await answers(registry, file_containing_symbol="sori.v1.SpeechService")
    assert pb.DESCRIPTOR.serialized_pb in answer.file_descriptor_response.file_descriptor_proto
