"""Audio at the speed at which it would be spoken."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Protocol


class Clock(Protocol):
    """Time in seconds from some start."""

    def now(self) -> float:
        """The time."""
        ...

    async def sleep(self, duration: float) -> None:
        """Waits for `duration` seconds."""
        ...


class MonotonicClock:
    """The clock of the machine."""

    def now(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()

    async def sleep(self, duration: float) -> None:
        """Waits without blocking the event loop."""
        await asyncio.sleep(duration)


async def paced(
    chunks: AsyncGenerator[bytes, None], bytes_per_second: int, clock: Clock
) -> AsyncGenerator[bytes, None]:
    """Each chunk when its last sample would have been spoken, counted from the first call.

    The schedule is absolute: a late chunk delays none after it, so the pace never drifts.
    """
    start = clock.now()
    sent = 0
    async with aclosing(chunks):
        async for chunk in chunks:
            sent += len(chunk)
            early = start + sent / bytes_per_second - clock.now()
            if early > 0:
                await clock.sleep(early)
            yield chunk
