"""Threads for files alone: a slow disk keeps no thread from whoever listens to live streams."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

Outcome = TypeVar("Outcome")

_THREADS: Final = 4


class Disk:
    """Reads and writes beside the event loop."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, "sori-files")

    async def do(self, work: Callable[..., Outcome], *arguments: object) -> Outcome:
        """What `work` returns or raises."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)

    async def close(self) -> None:
        """End the threads, after what they are at."""
        await asyncio.to_thread(self._threads.shutdown)
