"""`grpc.health.v1.Health`: whether to send streams here.

That of `grpcio-health-checking` 1.81 tells nobody any more who watches a service when one of its
watchers has left (grpc pull request 43403): a bridge would not hear that its server drains.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from typing import Final, NoReturn

import grpc
from google.rpc import code_pb2, status_pb2
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2 import HealthCheckRequest as Request
from grpc_health.v1.health_pb2 import HealthCheckResponse as Answer
from grpc_status import rpc_status

from sori_server.domain.limits import Limits
from sori_server.transport.grpc.operations import end, only_request, write_in_time

SERVICE: Final = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name
_NO_SUCH_SERVICE: Final = rpc_status.to_status(
    status_pb2.Status(code=code_pb2.NOT_FOUND, message="no such service")
)
Context = grpc.aio.ServicerContext[Request, Answer]


class Health:
    """One answer for all services that there are; NOT_SERVING until told."""

    def __init__(self, services: Collection[str], limits: Limits) -> None:
        """`services` by their full names; the empty one is the server itself."""
        self._services = services
        self._limits = limits
        self._serving = False
        self._changed = asyncio.Event()

    def tell(self, *, serving: bool) -> None:
        """Answer so from now on, and tell who watches."""
        if serving != self._serving:
            self._serving = serving
            self._changed.set()
            self._changed = asyncio.Event()

    def add_to(self, server: grpc.aio.Server) -> None:
        """Have `server` answer."""
        reads, writes = Request.FromString, Answer.SerializeToString
        handlers = {
            "Check": grpc.stream_unary_rpc_method_handler(self.check, reads, writes),
            "Watch": grpc.stream_stream_rpc_method_handler(self.watch, reads, writes),
        }
        server.add_registered_method_handlers(SERVICE, handlers)

    async def check(self, requests: AsyncIterator[Request], context: Context) -> Answer:
        """The answer now; NOT_FOUND for a service that is none of these."""
        request = await only_request(requests, self._limits, "config_timeout")
        if request.service not in self._services:
            await end(context, _NO_SUCH_SERVICE, self._limits)
        return self._answer(request)

    async def watch(self, requests: AsyncIterator[Request], context: Context) -> NoReturn:
        """The answer now and each time it changes; SERVICE_UNKNOWN stays."""
        request = await only_request(requests, self._limits, "config_timeout")
        while True:
            changed = self._changed
            await write_in_time(context, self._answer(request), self._limits)
            await changed.wait()

    def _answer(self, request: Request) -> Answer:
        if request.service not in self._services:
            return Answer(status=Answer.SERVICE_UNKNOWN)
        return Answer(status=Answer.SERVING if self._serving else Answer.NOT_SERVING)
