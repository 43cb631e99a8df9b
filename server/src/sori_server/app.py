"""The composition root: builds engine and doors from settings, in order."""

from __future__ import annotations

import functools
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Final

from sori_server.domain.errors import InvalidConfig
from sori_server.domain.presets import Preset, preset_named
from sori_server.engine.dispatcher import BatchingEngine
from sori_server.engine.front_end import WhisperFrontEnd, mel_bands
from sori_server.engine.hub import Progress
from sori_server.engine.models import ResolvedModel, resolve
from sori_server.engine.placement import place
from sori_server.engine.port import EnginePort
from sori_server.engine.stream_audio import WhisperStreamAudio
from sori_server.engine.tiers import TieredAudio, TieredEngine
from sori_server.engine.whisper import WhisperSpeechModel
from sori_server.runtime.gateway import Gateway
from sori_server.settings import Settings
from sori_server.transport.bridge.context import BridgeContext
from sori_server.transport.bridge.server import BridgeServer
from sori_server.transport.contract.local import LocalBackend
from sori_server.transport.grpc.server import GrpcServer

_log = logging.getLogger(__name__)

_SHORT: Final = {"on": True, "off": False}


def resolve_model(settings: Settings, progress: Progress | None = None) -> ResolvedModel:
    """The model of the settings, fetched if it is not on this machine, and that for interims.

    `auto` is the model of the preset, if it has one.

    Raises:
        ModelNotFound: it cannot be had.
        InvalidConfig: there is no such kind of device, or no such preset.
    """
    usual = _preset(settings).model
    device = _device(settings)
    model = _windowed(resolve(settings.model, device, progress=progress, usual=usual), settings)
    if not settings.interim_model:
        return model
    interims = _windowed(resolve(settings.interim_model, device, progress=progress), settings)
    warning = "; ".join(filter(None, (model.warning, interims.warning)))
    return replace(model, interims=interims, warning=warning)


def build_engine(settings: Settings, model: ResolvedModel) -> BatchingEngine | TieredEngine:
    """An engine for `model`, and for its interims if another model is for them; not started.

    Raises:
        InvalidConfig: there is no such kind of device.
    """
    _device(settings)
    finals = _batching(settings, model)
    if model.interims is None:
        return finals
    audio = functools.partial(_audio_of, mel_bands(model.path), mel_bands(model.interims.path))
    return TieredEngine(_batching(settings, model.interims), finals, audio)


@asynccontextmanager
async def open_gateway(settings: Settings, model: ResolvedModel) -> AsyncIterator[Gateway]:
    """A gateway with a warm engine.

    Raises:
        EngineUnavailable: the model cannot be loaded.
    """
    engine = build_engine(settings, model)
    await engine.start()
    try:
        async with _gateway(engine, settings) as gateway:
            yield gateway
    finally:
        await engine.close()


def _batching(settings: Settings, model: ResolvedModel) -> BatchingEngine:
    placement = place(
        settings.device,
        settings.compute_type,
        cpu_threads=settings.cpu_threads,
        parallel_calls=settings.parallel_calls,
    )
    loader = functools.partial(WhisperSpeechModel, model, placement)
    front_end = WhisperFrontEnd(model.path, model.capabilities)
    lanes = placement.parallel_calls
    return BatchingEngine(loader, front_end, settings.limits, lanes=lanes)


def _audio_of(mels: int, interim_mels: int) -> TieredAudio:
    audio = WhisperStreamAudio(mels)
    return TieredAudio(audio, audio.in_bands(interim_mels))


def _windowed(model: ResolvedModel, settings: Settings) -> ResolvedModel:
    """`model` with windows as short as the settings want them."""
    bears = model.capabilities.short_windows
    wanted = _SHORT.get(settings.short_windows, bears)
    warning = model.warning
    if wanted and not bears:
        risk = (
            f"the card of model {model.name!r} does not say that it reads windows shorter than "
            "30 s, and stock Whisper models do not: large-v3-turbo gets 63 words of a hundred "
            "wrong so, not 15"
        )
        _log.warning("short_windows = on: %s", risk)
        warning = "; ".join(filter(None, (warning, risk)))
    capabilities = replace(model.capabilities, short_windows=wanted)
    return replace(model, capabilities=capabilities, warning=warning)


def _gateway(engine: EnginePort, settings: Settings) -> Gateway:
    secret = settings.resume_secret.encode()
    return Gateway(engine, settings.limits, _preset(settings), secret)


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

    Health answers NOT_SERVING from the moment the ports are open until the model is warm,
    while a worker is being replaced, and from the moment the server starts to leave.
    """

    def __init__(self, settings: Settings, engine: EnginePort) -> None:
        self._settings = settings
        self._engine = engine
        self.gateway = _gateway(engine, settings)
        self._grpc = GrpcServer(self.gateway)
        context = BridgeContext(LocalBackend(self.gateway), settings.limits)
        self._bridge = BridgeServer(context, settings.allowed_origins)
        self._opened = AsyncExitStack()
        self.grpc_port = 0
        self.bridge_port = 0

    async def __aenter__(self) -> Server:
        """Open the ports, then warm the model.

        Raises:
            AddressUnavailable: a port cannot be opened.
            EngineUnavailable: the model cannot be loaded.
        """
        async with AsyncExitStack() as opened:
            opened.push_async_callback(self._engine.close)
            await opened.enter_async_context(self.gateway)
            self.grpc_port = await self._grpc.start(self._settings.host, self._settings.grpc_port)
            opened.push_async_callback(self._grpc.stop)
            opened.push_async_callback(self._bridge.stop)
            self.bridge_port = await self._bridge.start(
                self._settings.host, self._settings.bridge_port
            )
            await self._engine.start()
            self._grpc.tell_health()
            opened.push_async_callback(self._drain)
            self._opened = opened.pop_all()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        """Drain, then stop; who cannot wait for the drain still has everything stopped."""
        await self._opened.aclose()

    async def _drain(self) -> None:
        """Refuse new streams, and flush the finals of open ones."""
        self._grpc.begin_drain()
        self._bridge.begin_drain()
        await self.gateway.drain()
