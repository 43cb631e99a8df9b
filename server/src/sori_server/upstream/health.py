"""Whether a remote server would serve a stream, followed without asking for each."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Final

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from sori.v1 import speech_pb2

SERVICE: Final = speech_pb2.DESCRIPTOR.services_by_name["SpeechService"].full_name

_log = logging.getLogger(__name__)


class HealthWatch:
    """The last known health of the server at the other end of a channel."""

    def __init__(self, channel: grpc.aio.Channel, pause: float) -> None:
        self._stub = health_pb2_grpc.HealthStub(channel)
        self._pause = pause
        self._serving = False

    @property
    def serving(self) -> bool:
        """Whether it said last that it serves, and is still connected."""
        return self._serving

    async def run(self) -> None:
        """Follow the server's health until cancelled; ask again `pause` seconds after bad news."""
        while True:
            with suppress(grpc.aio.AioRpcError):
                await self._follow()
            self._note(serving=False)
            await asyncio.sleep(self._pause)

    async def _follow(self) -> None:
        """Return when the server serves no more: one that leaves waits for its watchers."""
        call = self._stub.Watch(health_pb2.HealthCheckRequest(service=SERVICE))
        try:
            async for answer in call:
                if answer.status != health_pb2.HealthCheckResponse.SERVING:
                    return
                self._note(serving=True)
        finally:
            call.cancel()

    def _note(self, *, serving: bool) -> None:
        if serving != self._serving:
            self._serving = serving
            _log.info("the upstream server is %s", "ready" if serving else "not ready")
