"""Servers for a benchmark, as child processes."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from sori_server.child_server import started
from sori_server.settings import PREFIX

_PORTS: Final = ("--grpc-port", "0", "--bridge-port", "0")
_COMMAND: Final = ("-m", "sori_server", "serve", "--json", *_PORTS)

ROOM: Final[Mapping[str, str]] = MappingProxyType(
    {
        "SORI_LIMITS_MAX_STREAMS": "2000",
        "SORI_LIMITS_MAX_CALLS_PER_PEER": "2000",
        "SORI_LIMITS_MAX_CONNECTIONS": "2000",
        "SORI_LIMITS_MAX_CONNECTIONS_PER_PEER": "2000",
        "SORI_LIMITS_MAX_PENDING_WINDOWS": "80000",
        "SORI_LOG_LEVEL": "warning",
    }
)
"""So that the number of streams is not the bound, and each has the windows it always has."""
NO_ADMISSION: Final[Mapping[str, str]] = MappingProxyType(
    {"SORI_LIMITS_MAX_FINAL_DELAY": "inf", "SORI_LIMITS_MAX_GATEWAY_LOAD": "inf"}
)
"""A search looks for the number where finals come late: admission would refuse it. Any finite
delay would, too, since that of more work than the machine can do is predicted to be infinite."""


@dataclass(frozen=True, slots=True)
class BenchServer:
    """A server on this machine that is ready."""

    address: str
    pid: int
    described: str


@asynccontextmanager
async def bench_server(
    settings: Mapping[str, str], *, admission: bool
) -> AsyncIterator[BenchServer]:
    """`sori serve` on a free port with these settings, by name; stopped at the end.

    `SORI_*` variables of the environment reach it, and win over the room it is given.

    Raises:
        EngineUnavailable: it did not start; its own words are on stderr.
    """
    given = {f"{PREFIX}{name.upper()}": value for name, value in settings.items()}
    environ = {**ROOM, **({} if admission else NO_ADMISSION), **os.environ, **given}
    async with started(*_COMMAND, environ=environ) as server:
        what = " ".join([f"{server.model} on {server.device}", *map("=".join, settings.items())])
        yield BenchServer(server.address, server.pid, what)
