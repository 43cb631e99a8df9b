"""Runs a bridge alone until a signal, and says how to reach it."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import signal
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.text import Text

from sori_server import __version__
from sori_server.cli import logs
from sori_server.cli.addresses import page_url
from sori_server.cli.descriptors import allow_descriptors
from sori_server.cli.exits import ExitCode
from sori_server.cli.interruption import Interruption
from sori_server.domain.errors import InvalidConfig, quoted
from sori_server.settings import Settings, load_settings
from sori_server.transport.bridge.context import BridgeContext
from sori_server.transport.bridge.server import BridgeServer
from sori_server.upstream.backend import UpstreamBackend

_ADDRESS: Final = re.compile(r"[^\s/]+:[0-9]{1,5}")

_log = logging.getLogger(__name__)


def bridge_until_told(
    upstream: str, flags: Mapping[str, object], config_file: Path | None, *, as_json: bool
) -> int:
    """Serve until a signal, drain, and return the exit code.

    Raises:
        InvalidConfig: a setting or the address is wrong.
        AddressUnavailable: the port is taken.
    """
    if not _ADDRESS.fullmatch(upstream):
        raise InvalidConfig("upstream", f"{quoted(upstream)} is not HOST:PORT")
    settings = load_settings(flags, os.environ, config_file)
    logs.configure(settings.log_level)
    allow_descriptors()
    return asyncio.run(_bridge(upstream, settings, as_json=as_json))


async def _bridge(upstream: str, settings: Settings, *, as_json: bool) -> int:
    with Interruption() as interruption:
        async with AsyncExitStack() as stack:
            backend = await stack.enter_async_context(UpstreamBackend(upstream, settings.limits))
            context = BridgeContext(backend, settings.limits)
            server = BridgeServer(context, settings.allowed_origins)
            port = await server.start(settings.host, settings.bridge_port)
            stack.push_async_callback(server.stop)
            stack.push_async_callback(backend.drain)
            stack.callback(server.begin_drain)
            if as_json:
                print_ready_line(port, upstream)
            else:
                print_banner(settings.host, port, upstream)
            await interruption.wait()
            _log.info("leaving: %d streams are open", backend.active_streams)
    told_to_leave = interruption.signal is signal.SIGTERM
    return ExitCode.DONE if told_to_leave else interruption.exit_code


def print_ready_line(port: int, upstream: str) -> None:
    """One line of JSON for the program that started this one."""
    ready = {
        "event": "ready",
        "bridge_port": port,
        "upstream": upstream,
        "version": __version__,
    }
    print(json.dumps(ready), flush=True)


def print_banner(host: str, port: int, upstream: str) -> None:
    """What serves where, and for whom."""
    console = Console(highlight=False, soft_wrap=True)
    console.print(
        Text.assemble(
            "\n  ",
            ("Sori", "bold"),
            f" {__version__}, bridge to ",
            (upstream, "bold"),
            "\n\n  Open ",
            (page_url(host, port), "green"),
            "\n\n  Ctrl-C stops.\n",
        )
    )
