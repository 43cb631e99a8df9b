"""A server of its own for the demonstration, as a child process."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from sori_server.child_server import ReadyServer, started
from sori_server.settings import PREFIX

_PORTS: Final = ("--grpc-port", "0", "--bridge-port", "0")
_COMMAND: Final = ("-m", "sori_server", "serve", "--json", "--model", "mini", *_PORTS)
_OPTIONS: Final = ("--log-level", "warning", "--device", "cpu")


@asynccontextmanager
async def server_child() -> AsyncIterator[ReadyServer]:
    """The real server with the bundled model on a free port; stopped at the end.

    Settings of the environment do not reach it.

    Raises:
        EngineUnavailable: it did not start; its own words are on stderr.
    """
    environ = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    async with started(*_COMMAND, *_OPTIONS, environ=environ) as server:
        yield server
