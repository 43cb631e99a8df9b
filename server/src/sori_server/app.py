"""The composition root: builds engine and doors from settings, in order."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from sori_server.domain.errors import InvalidConfig
from sori_server.domain.presets import Preset, preset_named
from sori_server.engine.dispatcher import BatchingEngine
from sori_server.engine.front_end import WhisperFrontEnd
from sori_server.engine.hub import Progress
from sori_server.engine.models import ResolvedModel, resolve
from sori_server.engine.placement import place
from sori_server.engine.port import EnginePort
from sori_server.engine.whisper import WhisperSpeechModel
from sori_server.runtime.gateway import Gateway
from sori_server.settings import Settings
from sori_server.transport.grpc.server import GrpcServer


def resolve_model(settings: Settings, progress: Progress | None = None) -> ResolvedModel:
    """The model of the settings, fetched if it is not on this machine.

    `auto` is the model of the preset, if it has one.

    Raises:
        ModelNotFound: it cannot be had.
        InvalidConfig: there is no such kind of device, or no such preset.
    """
    usual = _preset(settings).model
    return resolve(settings.model, _device(settings), progress=progress, usual=usual)


def build_engine(settings: Settings, model: ResolvedModel) -> BatchingEngine:
    """An engine for `model`, not started.

    Raises:
        InvalidConfig: there is no such kind of device.
    """
    _device(settings)
    placement = place(
        settings.device,
        settings.compute_type,
        cpu_threads=settings.cpu_threads,
        parallel_calls=settings.parallel_calls,
    )
    loader = functools.partial(WhisperSpeechModel, model, placement)
    front_end = WhisperFrontEnd(model.path, model.capabilities)
    return BatchingEngine(loader, front_end, settings.limits)


@asynccontextmanager
async def open_gateway(settings: Settings, model: ResolvedModel) -> AsyncIterator[Gateway]:
    """A gateway with a warm engine.

    Raises:
        EngineUnavailable: the model cannot be loaded.
    """
    engine = build_engine(settings, model)
    await engine.start()
    try:
        yield Gateway(engine, settings.limits, _preset(settings))
    finally:
        await engine.close()


def _preset(settings: Settings) -> Preset:
    return preset_named(settings.preset, "preset")


def _device(settings: Settings) -> str:
    try:
        place(settings.device)
    except ValueError as error:
        raise InvalidConfig("device", str(error)) from None
    return settings.device


class Server:
    """One gateway process: an engine and the doors to it, as an async context.

    Health answers NOT_SERVING from the moment the port is open until the model is warm,
    while a worker is being replaced, and from the moment the server starts to leave.
    """

    def __init__(self, settings: Settings, engine: EnginePort) -> None:
        self._settings = settings
        self._engine = engine
        self.gateway = Gateway(engine, settings.limits, _preset(settings))
        self._grpc = GrpcServer(self.gateway)
        self._opened = AsyncExitStack()
        self.grpc_port = 0

    async def __aenter__(self) -> Server:
        """Open the port, then warm the model.

        Raises:
            AddressUnavailable: the port cannot be opened.
            EngineUnavailable: the model cannot be loaded.
        """
        async with AsyncExitStack() as opened:
            opened.push_async_callback(self._engine.close)
            self.grpc_port = await self._grpc.start(self._settings.host, self._settings.grpc_port)
            opened.push_async_callback(self._grpc.stop)
            await self._engine.start()
            await self._grpc.tell_health()
            opened.push_async_callback(self._drain)
            self._opened = opened.pop_all()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        """Drain, then stop; who cannot wait for the drain still has everything stopped."""
        await self._opened.aclose()

    async def _drain(self) -> None:
        """Refuse new streams, and flush the finals of open ones."""
        await self._grpc.begin_drain()
        await self.gateway.drain()
