"""The server's hold on one decoder process: start it, talk to it, see it dead."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE
from contextlib import suppress
from typing import Final

from sori_server.media.sandbox_wire import (
    ANSWER,
    MAX_MESSAGE,
    MAX_SAMPLES,
    RUN,
    Kind,
    Order,
)

_MODULE: Final = "sori_server.media.sandbox_child"
_ENVIRONMENT: Final = {"OPENBLAS_NUM_THREADS": "1"}
"""All the process gets of it: numpy's threads would count as memory."""

_LEAVING_TIME: Final = 1.0
"""Seconds a process may take to leave after it closed its end of the pipe."""


class DecoderProcess:
    """A process that decodes one container. Made by `start`, ended by `end`.

    It leaves by itself when this process dies: its pipes close then.
    """

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        pipes: tuple[asyncio.StreamWriter, asyncio.StreamReader],
        frame_bytes: int,
    ) -> None:
        self._process = process
        self._writer, self._reader = pipes
        self._frame_bytes = frame_bytes
        self._longest = max(MAX_SAMPLES * frame_bytes, MAX_MESSAGE)
        self._leaving = False

    @classmethod
    async def start(cls, order: Order) -> DecoderProcess:
        """A process that was started and may not be ready yet.

        Raises:
            OSError: the system has no room for one.
        """
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-m",
            _MODULE,
            *order.arguments(),
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            env=_ENVIRONMENT,
            cwd="/",
            start_new_session=True,
        )
        if process.stdin is None or process.stdout is None:
            raise OSError("a decoder process has no pipes")
        return cls(process, (process.stdin, process.stdout), 4 * (order.apart or 1))

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    async def send(self, run: bytes) -> None:
        """Send bytes that were asked for; none is the end. A dead process takes them, too."""
        self._writer.write(RUN.pack(len(run)) + run)
        with suppress(ConnectionError):
            await self._writer.drain()

    async def receive(self) -> tuple[Kind, bytes]:
        """The next answer.

        Raises:
            EOFError: the process is dead.
            ValueError: it says what no decoder says.
        """
        try:
            number, size = ANSWER.unpack(await self._reader.readexactly(ANSWER.size))
            kind = Kind(number)
            if size > self._longest or (kind is Kind.AUDIO and size % self._frame_bytes):
                raise ValueError(f"an answer of {size} bytes")
            return kind, await self._reader.readexactly(size)
        except EOFError:
            self._leaving = True
            raise

    def kill(self) -> None:
        """End it now, whatever it does.

        A process that leaves by itself is not signalled: asking whether it is still there
        takes its status from asyncio, which then warns of it.
        """
        if not self._leaving:
            self._leaving = True
            with suppress(ProcessLookupError):
                self._process.kill()

    async def end(self) -> None:
        """End it and wait until nothing is left of it."""
        self.kill()
        self._writer.close()
        leaving = asyncio.ensure_future(self._process.communicate())
        if not (await asyncio.wait({leaving}, timeout=_LEAVING_TIME))[0]:
            self._process.kill()  # it only closed its pipe
        await leaving
