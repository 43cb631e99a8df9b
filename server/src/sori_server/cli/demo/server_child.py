"""A server of its own for the demonstration, as a child process."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final

from sori_server.domain.errors import EngineUnavailable
from sori_server.settings import PREFIX

START_TIMEOUT: Final = 60.0
STOP_TIMEOUT: Final = 10.0
_COMMAND: Final = ("-m", "sori_server", "serve", "--json", "--model", "mini", "--grpc-port", "0")


@dataclass(frozen=True, slots=True)
class ReadyServer:
    """What the server said when it was ready."""

    address: str
    model: str
    device: str
    version: str


@asynccontextmanager
async def server_child() -> AsyncIterator[ReadyServer]:
    """The real server with the bundled model on a free port; stopped by SIGTERM at the end.

    Settings of the environment do not reach it. It stays in our process group: a Ctrl-C
    in the terminal reaches both.

    Raises:
        EngineUnavailable: it did not start; its own words are on stderr.
    """
    environ = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    options = ("--log-level", "warning", "--device", "cpu")
    child = await asyncio.create_subprocess_exec(
        sys.executable, *_COMMAND, *options, stdout=PIPE, env=environ
    )
    try:
        yield await _ready(child)
    finally:
        await _stop(child)


async def _ready(child: Process) -> ReadyServer:
    assert child.stdout is not None  # noqa: S101 - asked for above
    try:
        async with asyncio.timeout(START_TIMEOUT):
            line = await child.stdout.readline()
    except TimeoutError:
        raise EngineUnavailable(f"the server was not ready within {START_TIMEOUT:g} s") from None
    if not line:
        raise EngineUnavailable(f"the server did not start: exit code {await child.wait()}")
    said = json.loads(line)
    address = f"127.0.0.1:{said['grpc_port']}"
    return ReadyServer(address, said["model"], said["device"], said["version"])


async def _stop(child: Process) -> None:
    with suppress(ProcessLookupError):
        child.terminate()
    try:
        async with asyncio.timeout(STOP_TIMEOUT):
            await child.wait()
    except TimeoutError:
        child.kill()
        await child.wait()
