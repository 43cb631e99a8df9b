"""The server everybody writes first, to be measured like Sori: one model behind a lock.

    python bench/baseline_server.py --model mini --grpc-port 0

One faster-whisper `WhisperModel`, first come first served, every utterance decoded again as a
whole after each second of it. Doors, speech detection, endpointing and sessions are Sori's own,
so that only the engine differs: point `sori bench --target sori://HOST:PORT` at it. Interims
come every second whatever a client asks for; nothing is batched, coalesced, ordered or refused,
other than by the number of streams. Final windows are asked for when the silence after an
utterance is over; `--early-finals` asks for them while it is waited for, as Sori does. One line
of JSON on stdout says that it is ready, SIGTERM ends it.
"""

from __future__ import annotations

import argparse
import asyncio
import math
from collections.abc import Mapping

from baseline.engine import LockedEngine
from baseline.serving import serve
from sori_server.app import resolve_model
from sori_server.domain.limits import Limits
from sori_server.engine.placement import place
from sori_server.settings import Settings

INTERVAL = 1.0
"""Seconds of audio after which an utterance is decoded again."""


def engine_for(settings: Settings) -> LockedEngine:
    """One model, and one call at a time on it."""
    placement = place(
        settings.device,
        settings.compute_type,
        cpu_threads=settings.cpu_threads,
        parallel_calls=1,
    )
    return LockedEngine(resolve_model(settings), placement)


async def _serve(settings: Settings, imposed: Mapping[str, object]) -> None:
    await serve(settings, engine_for(settings), imposed)


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
        limits=Limits(
            max_streams=given.max_streams,
            max_calls_per_peer=given.max_streams,
            max_final_delay=math.inf,
            max_gateway_load=math.inf,
        ),
    )
    imposed = {"interim_interval": INTERVAL, "early_finals": given.early_finals}
    asyncio.run(_serve(settings, imposed))


if __name__ == "__main__":
    main()
