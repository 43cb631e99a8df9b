"""Runs the server until a signal, and says how to reach it."""

from __future__ import annotations

import asyncio
import functools
import json
import logging
import os
import shutil
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

from rich.console import Console
from rich.text import Text

from sori_server import __version__
from sori_server.app import Server, build_engine
from sori_server.cli import logs
from sori_server.cli.addresses import address_of, page_url
from sori_server.cli.demo.recordings import AUDIO
from sori_server.cli.descriptors import allow_descriptors
from sori_server.cli.exits import ExitCode
from sori_server.cli.interruption import Interruption
from sori_server.cli.local import model_for
from sori_server.cli.options import DEFAULT_ADDRESS
from sori_server.cli.rendering import DIM
from sori_server.engine.models import ResolvedModel
from sori_server.settings import Settings, load_settings

_log = logging.getLogger(__name__)


def serve_until_told(
    flags: Mapping[str, object], config_file: Path | None, *, as_json: bool
) -> int:
    """Serve until a signal or until the engine gives up, drain, and return the exit code.

    Raises:
        InvalidConfig: a setting is wrong.
        ModelNotFound: the model cannot be had.
        AddressUnavailable: the port is taken.
        EngineUnavailable: the model cannot be loaded.
    """
    settings = load_settings(flags, os.environ, config_file)
    logs.configure(settings.log_level)
    allow_descriptors()
    model = model_for(settings)
    announce = print_ready_line if as_json else functools.partial(print_banner, settings)
    return asyncio.run(_serve(settings, model, announce))


async def _serve(
    settings: Settings, model: ResolvedModel, announce: Callable[[Server], None]
) -> int:
    failed = False
    with Interruption() as interruption:
        async with AsyncExitStack() as stack:
            opening = stack.enter_async_context(Server(settings, build_engine(settings, model)))
            server = await interruption.cancels(opening)
            if server is not None:
                announce(server)
                await interruption.cancels(server.gateway.wait_failed())
                failed = server.gateway.failure is not None
                _log.info("leaving: %d streams are open", server.gateway.active_streams)
    if failed:
        return ExitCode.FAILED
    told_to_leave = interruption.signal is signal.SIGTERM
    return ExitCode.DONE if told_to_leave else interruption.exit_code


def print_ready_line(server: Server) -> None:
    """One line of JSON for the program that started this one."""
    ready = {
        "event": "ready",
        "grpc_port": server.grpc_port,
        "bridge_port": server.bridge_port,
        "model": server.gateway.model.name,
        "interim_model": server.gateway.model.interim_model,
        "device": server.gateway.model.device,
        "version": __version__,
    }
    print(json.dumps(ready), flush=True)


def print_banner(settings: Settings, server: Server) -> None:
    """What serves where, and three commands to try."""
    model = server.gateway.model
    interims = f", interims: {model.interim_model}" if model.interim_model else ""
    console = Console(highlight=False, soft_wrap=True)
    console.print(
        Text.assemble(
            "\n  ",
            ("Sori", "bold"),
            f" {__version__} is ready on ",
            (f"{settings.host}:{server.grpc_port}", "bold"),
            (f"   {model.name}{interims}, {model.device}, {model.compute_type}", DIM),
            "\n\n  Speak on ",
            (page_url(settings.host, server.bridge_port), "green"),
            ", or try in another terminal:",
        )
    )
    for command in suggestions(address_of(settings.host, server.grpc_port)):
        console.print(Text(f"    {command}", "green"))
    console.print(Text("\n  Ctrl-C stops.\n", DIM))


def suggestions(address: str) -> list[str]:
    """Three commands that work as they are."""
    sori = _own_name()
    at = "" if address == DEFAULT_ADDRESS else f" --address {address}"
    first, second = (_from_here(AUDIO / name) for name in ("en_dialog.flac", "digits_human.flac"))
    return [
        f"{sori} stream {first} --realtime{at}",
        f"grpcurl -plaintext {address} list",
        f"{sori} mic{at or f' --address {address}'}"
        if _has_microphone()
        else f"{sori} stream {second} --json{at}",
    ]


def _own_name() -> str:
    """What to type to run this program: its bare name where the shell finds it."""
    name = sys.argv[0]
    if not os.access(name, os.X_OK) or not name.endswith("sori"):
        return f"{sys.executable} -m sori_server"
    found = shutil.which("sori")
    return "sori" if found and Path(found).samefile(name) else name


def _from_here(path: Path) -> str:
    """The shorter of the absolute path and the one from the working directory."""
    return min(str(path), os.path.relpath(path), key=len)


def _has_microphone() -> bool:
    try:
        import sounddevice  # noqa: PLC0415 - optional

        return bool(sounddevice.query_devices(kind="input"))
    except Exception:  # not installed, no PortAudio, no device: each its own error
        return False
