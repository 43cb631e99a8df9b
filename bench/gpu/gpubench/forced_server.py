"""Sori's own server on a model of random weights that works as hard as a trained one."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
from unittest.mock import patch

from sori_server import app
from sori_server.benchmark.server_child import NO_ADMISSION, ROOM
from sori_server.settings import Settings, load_settings

from gpubench.forced import ForcedSpeechModel


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM; one line of JSON on stdout says on which port."""
    with patch.object(app, "WhisperSpeechModel", ForcedSpeechModel):
        engine = app.build_engine(settings, app.resolve_model(settings))
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    async with app.Server(settings, engine) as server:
        print(json.dumps({"port": server.grpc_port, "pid": os.getpid()}), flush=True)
        await told.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--device", required=True)
    parser.add_argument("--short-windows", choices=("on", "off"), required=True)
    asked = parser.parse_args()
    given = {
        "grpc_port": 0,
        "bridge_port": 0,
        "model": asked.folder,
        "device": asked.device,
        "short_windows": asked.short_windows,
    }
    asyncio.run(serve(load_settings(given, {**ROOM, **NO_ADMISSION})))


if __name__ == "__main__":
    main()
