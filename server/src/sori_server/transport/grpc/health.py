"""`grpc.health.v1.Health`: whether to send streams here.

That of `grpcio-health-checking` 1.81 tells nobody any more who watches a service when one of its
watchers has left (grpc pull request 43403): a bridge would not hear that its server drains.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import NoReturn

import grpc
from grpc_health.v1.health_pb2 import HealthCheckRequest as Request
from grpc_health.v1.health_pb2 import HealthCheckResponse as Answer

Context = grpc.aio.ServicerContext[Request, Answer]


class Health:
    """One answer for all services that there are; NOT_SERVING until told."""

    def __init__(self, services: Collection[str]) -> None:
        """`services` by their full names; the empty one is the server itself."""
        self._services = services
        self._serving = False
        self._changed = asyncio.Event()

    def tell(self, *, serving: bool) -> None:
        """Answer so from now on, and tell who watches."""
        if serving != self._serving:
            self._serving = serving
            self._changed.set()
            self._changed = asyncio.Event()

    async def Check(self, request: Request, context: Context) -> Answer:
        """The answer now; NOT_FOUND for a service that is none of these."""
        if request.service not in self._services:
            await context.abort(grpc.StatusCode.NOT_FOUND, "no such service")
        return self._answer(request)

    async def Watch(self, request: Request, context: Context) -> NoReturn:
        """The answer now and each time it changes; SERVICE_UNKNOWN stays."""
        while True:
            changed = self._changed
            await context.write(self._answer(request))
            await changed.wait()

    def _answer(self, request: Request) -> Answer:
        if request.service not in self._services:
            return Answer(status=Answer.SERVICE_UNKNOWN)
        return Answer(status=Answer.SERVING if self._serving else Answer.NOT_SERVING)
