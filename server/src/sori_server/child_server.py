"""A server as a child process, for those who need one of their own for a while."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final

from sori_server.domain.errors import EngineUnavailable

START_TIMEOUT: Final = 300.0
STOP_TIMEOUT: Final = 20.0


@dataclass(frozen=True, slots=True)
class ReadyServer:
    """What a server said when it was ready."""

    address: str
    pid: int
    model: str
    device: str
    version: str


@asynccontextmanager
async def started(
    *arguments: str, environ: Mapping[str, str] | None = None
) -> AsyncIterator[ReadyServer]:
    """Python with these arguments, a server that says in one line of JSON when it is ready.

    That line holds `grpc_port`, `model` and `device`, as that of `sori serve --json`. It is
    stopped by SIGTERM at the end, and stays in our process group: a Ctrl-C in the terminal
    reaches both.

    Raises:
        EngineUnavailable: it did not start; its own words are on stderr.
    """
    child = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdout=PIPE, env=environ
    )
    try:
        said = json.loads(await _first_line(child))
        yield ReadyServer(
            address=f"127.0.0.1:{said['grpc_port']}",
            pid=child.pid,
            model=said["model"],
            device=said["device"],
            version=said.get("version", ""),
        )
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
    leaving = asyncio.ensure_future(child.wait())
    if not (await asyncio.wait({leaving}, timeout=STOP_TIMEOUT))[0]:
        child.kill()
    await leaving
