"""Serves an engine like `sori serve`, whatever its streams ask for."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager

from sori_server.cli.interruption import Interruption
from sori_server.domain.config import StreamConfig
from sori_server.domain.limits import Limits
from sori_server.engine.port import EnginePort
from sori_server.runtime.gateway import Gateway
from sori_server.runtime.runner import StreamRunner
from sori_server.settings import Settings
from sori_server.transport.grpc.server import GrpcServer


class ImposingGateway(Gateway):
    """A gateway that gives all streams some settings of its own.

    `imposed` are fields of `StreamConfig`.
    """

    def __init__(self, engine: EnginePort, limits: Limits, imposed: Mapping[str, object]) -> None:
        super().__init__(engine, limits)
        self._imposed = imposed

    @contextmanager
    def stream(self, config: StreamConfig) -> Iterator[StreamRunner]:
        """A runner for a new stream, counted until the context ends."""
        imposed = dataclasses.replace(config, **self._imposed)  # type: ignore[arg-type]
        with super().stream(imposed) as runner:
            yield runner


async def serve(settings: Settings, engine: EnginePort, imposed: Mapping[str, object]) -> None:
    """Serve until a signal; one line of JSON on stdout says that it is ready."""
    gateway = ImposingGateway(engine, settings.limits, imposed)
    with Interruption() as interruption:
        async with _serving(settings, gateway, engine) as port:
            model = engine.model
            ready = {"grpc_port": port, "model": model.name, "device": model.device}
            print(json.dumps({"event": "ready", **ready}), flush=True)
            await interruption.wait()


@asynccontextmanager
async def _serving(settings: Settings, gateway: Gateway, engine: EnginePort) -> AsyncIterator[int]:
    """The port of a server that is ready; it drains at the end."""
    grpc = GrpcServer(gateway)
    await engine.start()
    port = await grpc.start(settings.host, settings.grpc_port)
    try:
        yield port
    finally:
        grpc.begin_drain()
        await gateway.drain()
        await grpc.stop()
        await engine.close()
