"""Servers as child processes: any program that says in one line of JSON when it is ready."""

from __future__ import annotations

import asyncio
import json
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final

from sori_server.domain.errors import EngineUnavailable

START_TIMEOUT: Final = 120.0
STOP_TIMEOUT: Final = 20.0


@dataclass(frozen=True, slots=True)
class Child:
    """A server that is ready on the loopback interface."""

    port: int
    pid: int

    @property
    def address(self) -> str:
        """What to connect to."""
        return f"127.0.0.1:{self.port}"


@asynccontextmanager
async def started(*command: str) -> AsyncIterator[Child]:
    """Run a program whose first line on stdout holds `grpc_port`; told to leave at the end.

    Raises:
        EngineUnavailable: it did not get ready; its own words are on stderr.
    """
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(START_TIMEOUT):
            line = await process.stdout.readline()
        if not line:
            raise EngineUnavailable(f"the server did not start: exit code {await process.wait()}")
        yield Child(json.loads(line)["grpc_port"], process.pid)
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_TIMEOUT)
        except TimeoutError:
            process.kill()
            await process.wait()
