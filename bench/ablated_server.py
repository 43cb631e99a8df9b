"""Sori with one thing turned off, to be measured by `bench/ablations.py` or by hand.

    python bench/ablated_server.py --variant fifo --model mini --grpc-port 0

Nobody is refused for load, so that what is turned off shows in what is served. One line of JSON
on stdout says that it is ready, SIGTERM ends it.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import math
from dataclasses import replace

from ablation.ungated import UngatedEngine
from ablation.variants import AS_BUILT, VARIANTS, Variant
from baseline.serving import serve
from sori_server.app import resolve_model
from sori_server.domain.limits import Limits
from sori_server.engine.dispatcher import BatchingEngine
from sori_server.engine.front_end import WhisperFrontEnd
from sori_server.engine.placement import place
from sori_server.engine.whisper import WhisperSpeechModel
from sori_server.settings import Settings

PENDING_WINDOWS = 40
"""For each stream, as there are by default."""
UNBOUNDED = math.inf
"""Whatever is predicted, nobody is refused."""
MOST_STREAMS = 2000


def settings_for(variant: Variant, model: str, grpc_port: int) -> Settings:
    """The settings of a variant."""
    room = MOST_STREAMS * PENDING_WINDOWS
    limits = Limits(
        max_streams=MOST_STREAMS,
        max_calls_per_peer=MOST_STREAMS,
        max_pending_windows=room,
        max_final_delay=UNBOUNDED,
        max_gateway_load=UNBOUNDED,
    )
    settings = Settings(model=model, grpc_port=grpc_port, bridge_port=0, log_level="warning")
    return replace(
        settings,
        limits=replace(limits, **variant.limits),  # type: ignore[arg-type]
        **variant.settings,  # type: ignore[arg-type]
    )


def engine_for(variant: Variant, settings: Settings) -> BatchingEngine:
    """The engine of a variant, not started."""
    model = resolve_model(settings)
    model = replace(
        model,
        capabilities=replace(model.capabilities, **variant.capabilities),  # type: ignore[arg-type]
    )
    placement = place(
        settings.device,
        settings.compute_type,
        cpu_threads=settings.cpu_threads,
        parallel_calls=settings.parallel_calls,
    )
    kind = BatchingEngine if variant.gated else UngatedEngine
    return kind(
        functools.partial(WhisperSpeechModel, model, placement),
        WhisperFrontEnd(model.path, model.capabilities),
        settings.limits,
        lanes=placement.parallel_calls,
        policy=variant.policy,
    )


async def _serve(variant: Variant, settings: Settings) -> None:
    await serve(settings, engine_for(variant, settings), variant.stream)


def main() -> None:
    """Read the flags, and serve."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--variant", choices=VARIANTS, default=AS_BUILT)
    parser.add_argument("--model", default="mini")
    parser.add_argument("--grpc-port", type=int, default=50051)
    given = parser.parse_args()
    variant = VARIANTS[given.variant]
    settings = settings_for(variant, given.model, given.grpc_port)
    asyncio.run(_serve(variant, settings))


if __name__ == "__main__":
    main()
