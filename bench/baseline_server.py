"""The server everybody writes first, to be measured like Sori: one model behind a lock.

    python bench/baseline_server.py --model mini --grpc-port 0

One faster-whisper `WhisperModel`, first come first served, every utterance decoded again as a
whole after each second of it. Doors, speech detection, endpointing and sessions are Sori's own,
so that only the engine differs: point `sori bench sori://HOST:PORT` at it. Interims come every
second whatever a client asks for; nothing is batched, coalesced, ordered or refused, other than
by the number of streams. Final windows are asked for when the silence after an utterance is
over; `--early-finals` asks for them while it is waited for, as Sori does. One line of JSON on
stdout says that it is ready, SIGTERM ends it.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from baseline.engine import LockedEngine
from sori_server.app import resolve_model
from sori_server.cli.interruption import Interruption
from sori_server.domain.config import StreamConfig
from sori_server.domain.limits import Limits
from sori_server.engine.placement import place
from sori_server.engine.port import EnginePort
from sori_server.runtime.gateway import Gateway
from sori_server.runtime.runner import StreamRunner
from sori_server.settings import Settings
from sori_server.transport.grpc.server import GrpcServer

INTERVAL = 1.0
"""Seconds of audio after which an utterance is decoded again."""


class EverySecond(Gateway):
    """A gateway whose streams all have interims every `INTERVAL`."""

    def __init__(self, engine: EnginePort, limits: Limits, *, early_finals: bool = False) -> None:
        super().__init__(engine, limits)
        self._early_finals = early_finals

    @contextmanager
    def stream(self, config: StreamConfig) -> Iterator[StreamRunner]:
        """A runner for a new stream, counted until the context ends."""
        config = dataclasses.replace(
            config, interim_interval=INTERVAL, early_finals=self._early_finals
        )
        with super().stream(config) as runner:
            yield runner


@asynccontextmanager
async def serving(settings: Settings, gateway: Gateway, engine: EnginePort) -> AsyncIterator[int]:
    """The port of a server that is ready; it drains at the end."""
    grpc = GrpcServer(gateway)
    await engine.start()
    port = await grpc.start(settings.host, settings.grpc_port)
    try:
        yield port
    finally:
        await grpc.begin_drain()
        await gateway.drain()
        await grpc.stop()
        await engine.close()


def engine_for(settings: Settings) -> LockedEngine:
    """One model, and one call at a time on it."""
    placement = place(
        settings.device,
        settings.compute_type,
        cpu_threads=settings.cpu_threads,
        parallel_calls=1,
    )
    return LockedEngine(resolve_model(settings), placement)


async def serve(settings: Settings, *, early_finals: bool) -> None:
    """Serve until a signal."""
    with Interruption() as interruption:
        engine = engine_for(settings)
        gateway = EverySecond(engine, settings.limits, early_finals=early_finals)
        async with serving(settings, gateway, engine) as port:
            ready = {"event": "ready", "grpc_port": port, "model": engine.model.name}
            print(json.dumps(ready), flush=True)
            await interruption.wait()


def main() -> None:
    """Read the flags, and serve."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", default="mini")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--grpc-port", type=int, default=50051)
    parser.add_argument("--cpu-threads", type=int, default=0, help="0: all cores")
    parser.add_argument("--max-streams", type=int, default=Limits().max_streams)
    parser.add_argument("--early-finals", action="store_true")
    given = parser.parse_args()
    settings = Settings(
        host=given.host,
        grpc_port=given.grpc_port,
        model=given.model,
        cpu_threads=given.cpu_threads,
        limits=Limits(max_streams=given.max_streams),
    )
    asyncio.run(serve(settings, early_finals=given.early_finals))


if __name__ == "__main__":
    main()
