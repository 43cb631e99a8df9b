"""Servers for a benchmark, as child processes."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from sori_server.domain.errors import EngineUnavailable
from sori_server.settings import PREFIX

START_TIMEOUT: Final = 300.0
STOP_TIMEOUT: Final = 20.0
_COMMAND: Final = ("-m", "sori_server", "serve", "--json", "--grpc-port", "0")

ROOM: Final[Mapping[str, str]] = MappingProxyType(
    {
        "SORI_LIMITS_MAX_STREAMS": "2000",
        "SORI_LIMITS_MAX_PENDING_WINDOWS": "80000",
        "SORI_LOG_LEVEL": "warning",
    }
)
"""So that the number of streams is not the bound, and each has the windows it always has."""
NO_ADMISSION: Final[Mapping[str, str]] = MappingProxyType(
    {"SORI_LIMITS_MAX_FINAL_DELAY": "3600", "SORI_LIMITS_MAX_GATEWAY_LOAD": "1000"}
)
"""A search looks for the number where finals come late: admission would refuse it."""


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
        what = " ".join([server.described, *map("=".join, settings.items())])
        yield replace(server, described=what)


@asynccontextmanager
async def started(
    *arguments: str, environ: Mapping[str, str] | None = None
) -> AsyncIterator[BenchServer]:
    """Python with these arguments, a server that says in one line of JSON when it is ready.

    That line holds `grpc_port`, `model` and `device`, as that of `sori serve --json`. It is
    stopped at the end.

    Raises:
        EngineUnavailable: it did not start; its own words are on stderr.
    """
    child = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdout=PIPE, env=environ
    )
    try:
        said = json.loads(await _first_line(child))
        what = f"{said['model']} on {said['device']}"
        yield BenchServer(f"127.0.0.1:{said['grpc_port']}", child.pid, what)
    finally:
        await _stop(child)


async def _first_line(child: Process) -> bytes:
    assert child.stdout is not None  # noqa: S101 - asked for above
    try:
        async with asyncio.timeout(START_TIMEOUT):
            line = await child.stdout.readline()
    except TimeoutError:
        raise EngineUnavailable(f"the server was not ready within {START_TIMEOUT:g} s") from None
    if not line:
        raise EngineUnavailable(f"the server did not start: exit code {await child.wait()}")
    return line


async def _stop(child: Process) -> None:
    with suppress(ProcessLookupError):
        child.terminate()
    try:
        async with asyncio.timeout(STOP_TIMEOUT):
            await child.wait()
    except TimeoutError:
        child.kill()
        await child.wait()
