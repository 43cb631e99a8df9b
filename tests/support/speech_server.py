"""A real server with the fake model, on a free port of the loopback interface."""

from __future__ import annotations

import asyncio
import math
import multiprocessing
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

import grpc
from sori.v1 import speech_pb2 as pb
from sori.v1 import speech_pb2_grpc as rpc
from sori_server.app import Server, build_engine, resolve_model
from sori_server.domain.limits import Limits
from sori_server.engine.dispatcher import BatchingEngine
from sori_server.engine.fake import FakeBehaviour, FakeFrontEnd, FakeStreamAudio, fake_loader
from sori_server.engine.port import EnginePort
from sori_server.engine.scheduler.policy import Policy
from sori_server.engine.tiers import TieredAudio, TieredEngine
from sori_server.runtime.gateway import Gateway
from sori_server.settings import Settings
from support.raw_client import PATIENCE, Stream, config_of
from support.word_audio import assert_heard, conversation, linear16


@dataclass(frozen=True)
class Served:
    """A server that runs."""

    server: Server
    engine: EnginePort
    others: frozenset[int] = frozenset()
    """Child processes that were there before."""

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server.grpc_port}"

    @property
    def gateway(self) -> Gateway:
        return self.server.gateway

    @property
    def worker_pid(self) -> int:
        """Process id of the engine's worker."""
        (pid,) = child_pids() - self.others
        return pid

    def channel(self, **options: int) -> grpc.aio.Channel:
        """A connection of its own; `max_receive_message_length=1` is an option."""
        named = [(f"grpc.{name}", value) for name, value in options.items()]
        return grpc.aio.insecure_channel(
            self.address, options=[("grpc.use_local_subchannel_pool", 1), *named]
        )

    def silent_stream(self, *, reads: bool = True) -> Stream:
        """A stream on a connection of its own that has not sent anything yet."""
        return Stream(self.channel(), reads=reads)

    @asynccontextmanager
    async def stream(
        self, config: pb.StreamingConfig | None = None, **settings: object
    ) -> AsyncIterator[Stream]:
        """A stream on a connection of its own whose config, `config_of(settings)`, was sent."""
        async with self.silent_stream() as stream:
            await stream.send(config=config or config_of(**settings))
            yield stream

    @asynccontextmanager
    async def stub(self) -> AsyncIterator[rpc.SpeechServiceStub]:
        """The calls that are no streams."""
        async with self.channel() as channel:
            yield rpc.SpeechServiceStub(channel)

    async def until_streams(self, count: int) -> None:
        """Wait until so many streams are open."""
        async with asyncio.timeout(PATIENCE):
            while self.gateway.active_streams != count:  # noqa: ASYNC110
                await asyncio.sleep(0.005)


def child_pids() -> frozenset[int]:
    """Process ids of all workers of this process."""
    return frozenset(child.pid or 0 for child in multiprocessing.active_children())


def fake_engine(
    behaviour: FakeBehaviour | None = None, limits: Limits | None = None
) -> BatchingEngine:
    """An engine with the fake model, not started.

    Spawned processes run the main module again, and that of pytest takes longer than a
    model: it is put out of their sight.
    """
    sys.modules["__main__"] = ModuleType("__main__")
    policy = Policy(adaptive_interims=False)  # a busy machine would thin them
    return BatchingEngine(fake_loader(behaviour), FakeFrontEnd(), limits or Limits(), policy=policy)


def tiered_fake_engine(interims: FakeBehaviour | None = None) -> TieredEngine:
    """An engine with two fake models, not started."""

    def audio() -> TieredAudio:
        both = FakeStreamAudio()
        return TieredAudio(both, both)

    return TieredEngine(fake_engine(interims), fake_engine(), audio)


def server_for(engine: EnginePort, limits: Limits | None = None, secret: str = "") -> Server:
    """A server on a free port, not started."""
    limits = limits or Limits()
    settings = Settings(grpc_port=0, bridge_port=0, limits=limits, resume_secret=secret)
    return Server(settings, engine)


def admitting(limits: Limits) -> Limits:
    """The same for a server that refuses no stream because the machine is busy."""
    return replace(limits, max_final_delay=math.inf, max_gateway_load=math.inf)


@asynccontextmanager
async def serving(
    behaviour: FakeBehaviour | None = None, limits: Limits | None = None, secret: str = ""
) -> AsyncIterator[Served]:
    """A server whose model is warm, with `admitting` limits; it drains at the end."""
    limits = admitting(limits or Limits())
    engine, others = fake_engine(behaviour, limits), child_pids()
    async with server_for(engine, limits, secret) as server:
        yield Served(server, engine, others)


@asynccontextmanager
async def client_process(
    served: Served, mode: str, ping_seconds: float | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A client of `stream_process`, connected; killed at the end."""
    tests = Path(__file__).parents[1]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "support.stream_process", served.address, mode),
        *([] if ping_seconds is None else [str(ping_seconds)]),
        cwd=tests,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        await until_line(process, "ready")
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def until_line(process: asyncio.subprocess.Process, text: str) -> None:
    """Wait until the process has printed this."""
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE):
        while (line := await process.stdout.readline()).strip() != text.encode():
            assert line, "the process has ended"


@asynccontextmanager
async def undisturbed(served: Served, words: Sequence[int] = range(40)) -> AsyncIterator[None]:
    """Another stream is open meanwhile, and gets every word it speaks."""
    half = len(words) // 2
    async with served.stream(interim_results=True) as stream:
        await stream.audio(linear16(conversation([words[:half]])))
        await stream.until(lambda response: response.result.is_final)
        async with _kept_alive(stream):
            yield
        await stream.audio(linear16(conversation([words[half:]])))
        await stream.end_of_audio()
        await stream.summary()
        assert_heard(stream.texts, words)


@asynccontextmanager
async def _kept_alive(stream: Stream) -> AsyncIterator[None]:
    """The stream never gets idle meanwhile."""
    over = asyncio.Event()

    async def beat() -> None:
        while not over.is_set():
            await stream.send(keep_alive=pb.KeepAlive())
            with suppress(TimeoutError):
                async with asyncio.timeout(0.1):
                    await over.wait()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(beat())
        try:
            yield
        finally:
            over.set()


@asynccontextmanager
async def serving_mini(limits: Limits | None = None) -> AsyncIterator[Served]:
    """A server with the bundled model, on this machine's processor."""
    limits = limits or Limits()
    settings = Settings(model="mini", device="cpu", grpc_port=0, bridge_port=0, limits=limits)
    sys.modules["__main__"] = ModuleType("__main__")
    engine = build_engine(settings, resolve_model(settings))
    async with Server(settings, engine) as server:
        yield Served(server, engine)
