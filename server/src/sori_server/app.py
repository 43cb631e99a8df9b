"""The composition root: builds the server from settings, starts and drains it in order."""

from __future__ import annotations

import asyncio
import logging

from sori_server.engine.port import EnginePort
from sori_server.runtime.gateway import Gateway
from sori_server.settings import Settings
from sori_server.transport.grpc.server import GrpcServer

logger = logging.getLogger(__name__)


class Server:
    """One gateway process: an engine and the doors to it.

    Health answers NOT_SERVING from the moment the port is open until the model is warm,
    and again from the moment the server starts to leave.
    """

    def __init__(self, settings: Settings, engine: EnginePort) -> None:
        self._settings = settings
        self._engine = engine
        self._gateway = Gateway(engine, settings.limits)
        self._grpc = GrpcServer(self._gateway)
        self.grpc_port = 0

    async def __aenter__(self) -> Server:
        """Open the port, then warm the model.

        Raises:
            AddressUnavailable: the port cannot be opened.
            EngineUnavailable: the model cannot be loaded.
        """
        self.grpc_port = await self._grpc.start(self._settings.host, self._settings.grpc_port)
        try:
            await self._engine.start()
        except BaseException:
            await self._grpc.stop()
            await self._engine.close()
            raise
        await self._grpc.set_serving(serving=True)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        """Drain: refuse new streams, flush the finals of open ones, then stop."""
        await self._grpc.begin_drain()
        await self._gateway.drain()
        await self._grpc.stop()
        await self._engine.close()


async def serve_until(stop: asyncio.Event, server: Server) -> None:
    """Serve until `stop` is set, then drain."""
    async with server:
        logger.info("serving on port %d", server.grpc_port)
        await stop.wait()
