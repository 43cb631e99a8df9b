"""A server is there as a whole or not at all, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import gc
import socket
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from sori_server import app
from sori_server.app import Server, build_engine, resolve_model
from sori_server.domain.config import StreamConfig
from sori_server.domain.errors import (
    AddressUnavailable,
    EngineUnavailable,
    InvalidConfig,
    ServerDraining,
)
from sori_server.domain.limits import Limits
from sori_server.engine.capabilities import Capabilities
from sori_server.engine.dispatcher import BatchingEngine
from sori_server.engine.models import ResolvedModel
from sori_server.engine.tiers import TieredEngine
from sori_server.settings import Settings
from support.in_process import ScriptedDoor, ScriptedEngine, chunks, settle, stream_config
from support.word_audio import assert_heard, speak

pytestmark = pytest.mark.contract

STOCK = ResolvedModel("stock", Path(), "1", Capabilities())
STATUS = health_pb2.HealthCheckResponse


@pytest.fixture(autouse=True)
async def _collected() -> AsyncIterator[None]:
    """Servers of gRPC end on the loop they began on, so they must not outlive it."""
    yield
    gc.collect()
    await asyncio.sleep(0)


def server_for(engine: ScriptedEngine, port: int = 0, **limits: float) -> Server:
    settings = Settings(grpc_port=port, bridge_port=0, limits=Limits(**limits))  # type: ignore[arg-type]
    return Server(settings, engine)


def accepts(port: int) -> bool:
    """Whether anybody listens."""
    with closing(socket.socket()) as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


async def health(server: Server) -> int:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
        answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
        status: int = answer.status
        return status


async def test_a_server_serves_from_the_start_of_its_engine_to_the_end() -> None:
    engine = ScriptedEngine()
    async with server_for(engine) as server:
        assert engine.calls == ["start"]
        ports = server.grpc_port, server.bridge_port
        assert all(map(accepts, ports))
        assert await health(server) == STATUS.SERVING
    assert engine.calls == ["start", "close"]
    assert not any(map(accepts, ports))
    assert server.gateway.draining
    assert len(asyncio.all_tasks()) == 1


class Looked(ScriptedEngine):
    """Looks at the server while it starts."""

    server: Server
    seen = STATUS.UNKNOWN

    async def start(self) -> None:
        assert accepts(self.server.grpc_port)
        assert accepts(self.server.bridge_port)
        self.seen = await health(self.server)
        self.ready = True
        await super().start()


async def test_the_port_is_open_before_the_model_is_warm() -> None:
    engine = Looked()
    engine.ready = False
    engine.server = server_for(engine)
    async with engine.server:
        assert engine.seen == STATUS.NOT_SERVING
        assert await health(engine.server) == STATUS.SERVING


@pytest.mark.parametrize("error", [EngineUnavailable("no model"), asyncio.CancelledError()])
async def test_an_engine_that_does_not_start_closes_everything(error: BaseException) -> None:
    engine = ScriptedEngine()
    engine.start_error = error
    server = server_for(engine)
    with pytest.raises(type(error)):
        await server.__aenter__()
    assert server.grpc_port > 0
    assert not accepts(server.grpc_port)
    assert engine.calls == ["start", "close"]
    assert len(asyncio.all_tasks()) == 1


async def test_a_port_that_is_taken_is_told_before_the_engine_starts() -> None:
    engine = ScriptedEngine()
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(AddressUnavailable) as refusal:
            await server_for(engine, port).__aenter__()
    assert refusal.value.metadata == {"host": "127.0.0.1", "port": str(port)}
    assert engine.calls == ["close"]
    assert len(asyncio.all_tasks()) == 1


async def test_streams_are_flushed_before_the_engine_closes() -> None:
    engine = ScriptedEngine()
    door = ScriptedDoor(*chunks(speak(range(10))))

    async def serve(server: Server) -> None:
        with server.gateway.stream(stream_config()) as runner:
            await runner.run(door)

    async with server_for(engine, drain_grace=0.02) as server:
        serving = asyncio.create_task(serve(server))
        await settle(door)
    with pytest.raises(ServerDraining):
        await serving
    assert_heard(door.texts, range(10))
    assert engine.answered
    assert engine.calls == ["start", "close"]


async def test_who_cannot_wait_for_the_drain_leaves_nothing_either() -> None:
    engine = ScriptedEngine()
    server = server_for(engine, drain_grace=60.0, write_timeout=0.05)
    with server.gateway.stream(stream_config()):

        async def serve() -> None:
            async with server:
                pass

        serving = asyncio.create_task(serve())
        while not server.gateway.draining:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving
    assert not accepts(server.grpc_port)
    assert engine.calls == ["start", "close"]
    assert len(asyncio.all_tasks()) == 1


# ----------------------------------------------------------------------------------- building


def test_an_engine_is_built_of_settings_and_not_started() -> None:
    settings = Settings(model="mini", device="cpu")
    engine = build_engine(settings, resolve_model(settings))
    assert not engine.ready


def test_a_second_model_makes_an_engine_of_two_tiers() -> None:
    settings = Settings(model="mini", interim_model="mini", device="cpu")
    model = resolve_model(settings)
    assert model.interims == resolve_model(Settings(model="mini", device="cpu"))
    assert isinstance(build_engine(settings, model), TieredEngine)
    assert isinstance(build_engine(settings, model.interims), BatchingEngine)


@pytest.mark.parametrize(("setting", "short"), [("auto", True), ("on", True), ("off", False)])
def test_windows_are_as_short_as_the_settings_say(setting: str, short: bool) -> None:
    settings = Settings(model="mini", interim_model="mini", short_windows=setting, device="cpu")
    model = resolve_model(settings)
    assert model.interims is not None
    assert model.capabilities.short_windows is short
    assert model.interims.capabilities.short_windows is short
    assert not model.warning


def test_short_windows_of_a_model_that_may_not_bear_them_are_warned_of(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(app, "resolve", lambda *_, **__: STOCK)
    assert resolve_model(Settings(device="cpu")) == STOCK
    assert resolve_model(Settings(short_windows="off", device="cpu")) == STOCK
    assert not caplog.records
    model = resolve_model(Settings(short_windows="on", device="cpu"))
    assert model.capabilities.short_windows
    assert "63 words of a hundred" in model.warning
    assert "63 words of a hundred" in caplog.text


def test_a_device_there_is_not_is_named() -> None:
    settings = Settings(model="mini", device="abacus")
    with pytest.raises(InvalidConfig, match=r"^device: "):
        resolve_model(settings)
    model = resolve_model(Settings(model="mini", device="cpu"))
    with pytest.raises(InvalidConfig, match=r"^device: "):
        build_engine(settings, model)


async def test_addresses_of_ipv6_are_served() -> None:
    with closing(socket.socket(socket.AF_INET6)) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            pytest.skip("this machine has no IPv6 loopback")
    settings = Settings(host="::1", grpc_port=0, bridge_port=0)
    async with (
        Server(settings, ScriptedEngine()) as server,
        grpc.aio.insecure_channel(f"[::1]:{server.grpc_port}") as channel,
    ):
        answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
        assert answer.status == STATUS.SERVING


@pytest.mark.parametrize(("preset", "usual"), [("", ""), ("voice-command", "small")])
def test_what_auto_stands_for_is_the_preset_s_to_say(
    monkeypatch: pytest.MonkeyPatch, preset: str, usual: str
) -> None:
    wanted: list[object] = []

    def resolve(*names: str, **more: object) -> ResolvedModel:
        wanted.append((names, more))
        return STOCK

    monkeypatch.setattr(app, "resolve", resolve)
    resolve_model(Settings(preset=preset, device="cpu"))
    assert wanted == [(("auto", "cpu"), {"progress": None, "usual": usual})]


def test_a_server_starts_streams_from_its_preset() -> None:
    server = Server(Settings(preset="captions"), ScriptedEngine())
    assert server.gateway.preset.name == "captions"
    assert server_for(ScriptedEngine()).gateway.preset.config == StreamConfig()
