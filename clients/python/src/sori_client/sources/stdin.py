"""Audio from the standard input."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncGenerator

from sori_client.sources.source import MAX_CHUNK_BYTES
from sori_client.types import AudioFormat


class Stdin:
    """What is written to the standard input, as it comes.

    Args:
        format: how to read it; `AudioFormat(AudioEncoding.WAV)` leaves it to the header.
        descriptor: file descriptor to read instead of the standard input.
    """

    def __init__(self, format: AudioFormat | None = None, *, descriptor: int | None = None) -> None:
        self._format = format or AudioFormat()
        self._descriptor = descriptor

    @property
    def format(self) -> AudioFormat:
        """As given."""
        return self._format

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """The bytes until the writer closes its end."""
        descriptor = sys.stdin.fileno() if self._descriptor is None else self._descriptor
        while data := await _read(descriptor):
            yield data


async def _read(descriptor: int) -> bytes:
    """What is there, waiting for something; empty at the end.

    Waits on the event loop, which ends at once when cancelled. Where the loop cannot
    watch the descriptor (regular files; pipes on Windows), reads on a thread.
    """
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    try:
        loop.add_reader(descriptor, readable.set)
    except (NotImplementedError, PermissionError):
        return await asyncio.to_thread(os.read, descriptor, MAX_CHUNK_BYTES)
    try:
        await readable.wait()
    finally:
        loop.remove_reader(descriptor)
    return os.read(descriptor, MAX_CHUNK_BYTES)
