"""Server reflection under both of its names.

The grpcio-reflection package serves v1alpha only (grpc issue 38576); the two differ in
nothing but the package name, so one servicer can answer both.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Final

import grpc
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha._async import ReflectionServicer
from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionRequest as Request
from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionResponse as Answer

from sori_server.domain.limits import Limits
from sori_server.transport.grpc.operations import next_request, write_in_time

V1ALPHA: Final = reflection_pb2.DESCRIPTOR.services_by_name["ServerReflection"].full_name
V1: Final = V1ALPHA.replace("v1alpha", "v1")
Context = grpc.aio.ServicerContext[Request, Answer]


class Reflection:
    """Answers questions about services, while they come."""

    def __init__(self, services: Sequence[str], limits: Limits) -> None:
        self._servicer = ReflectionServicer(services)
        self._limits = limits

    def add_to(self, server: grpc.aio.Server) -> None:
        """Have `server` answer."""
        reads, writes = Request.FromString, Answer.SerializeToString
        handler = grpc.stream_stream_rpc_method_handler(self.answer, reads, writes)
        for name in (V1ALPHA, V1):
            server.add_registered_method_handlers(name, {"ServerReflectionInfo": handler})

    async def answer(self, requests: AsyncIterator[Request], context: Context) -> None:
        """Answer every question of a call."""
        async for response in self._servicer.ServerReflectionInfo(self._in_time(requests), context):
            await write_in_time(context, response, self._limits)

    async def _in_time(self, requests: AsyncIterator[Request]) -> AsyncIterator[Request]:
        while (request := await next_request(requests, self._limits, "idle_timeout")) is not None:
            yield request
