"""Server reflection under its v1 name.

The grpcio-reflection package serves v1alpha only (grpc issue 38576); the two differ in
nothing but the package name, so one servicer can answer both.
"""

from __future__ import annotations

from collections.abc import Sequence

import grpc
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha._async import ReflectionServicer

SERVICE_V1 = "grpc.reflection.v1.ServerReflection"


def add_reflection_v1(services: Sequence[str], server: grpc.aio.Server) -> None:
    """Answer `grpc.reflection.v1` requests about `services`."""
    servicer = ReflectionServicer(services)
    handler = grpc.stream_stream_rpc_method_handler(
        servicer.ServerReflectionInfo,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    generic = grpc.method_handlers_generic_handler(SERVICE_V1, {"ServerReflectionInfo": handler})
    server.add_generic_rpc_handlers((generic,))
