"""Signals as something to wait for: the first one ends the work well, the second at once.

Many who pass a Ctrl-C on (`timeout`, `make`, `uv run`) send a second signal right behind the
terminal's: what comes within a moment counts as one.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Coroutine
from typing import Any, Final, Self, TypeVar

T = TypeVar("T")

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
MOMENT: Final = 0.5
"""Seconds."""

_SHOW_CURSOR: Final = "\x1b[?25h"


class Interruption:
    """The first signal within `with`; a second one ends the process on the spot.

    Belongs to the event loop that runs when it is entered.
    """

    def __init__(self) -> None:
        self._caught = asyncio.Event()
        self._caught_at = 0.0
        self.signal: signal.Signals | None = None

    @property
    def exit_code(self) -> int:
        """As shells have it, 128 and the signal's number; zero when there was none."""
        return 0 if self.signal is None else 128 + self.signal

    async def wait(self) -> None:
        """Return at the first signal."""
        await self._caught.wait()

    async def cancels(self, work: Coroutine[Any, Any, T]) -> T | None:
        """The result of `work`; None when a signal came first and it was cancelled."""
        working = asyncio.create_task(work)
        waiting = asyncio.create_task(self._caught.wait())
        try:
            await asyncio.wait({working, waiting}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            working.cancel()
            waiting.cancel()
            await asyncio.wait({working, waiting})
        return None if working.cancelled() else working.result()

    def _catch(self, number: signal.Signals) -> None:
        now = time.monotonic()
        if self.signal is None:
            self.signal, self._caught_at = number, now
            self._caught.set()
        elif now - self._caught_at >= MOMENT:
            if sys.stderr.isatty():
                os.write(sys.stderr.fileno(), _SHOW_CURSOR.encode())
            os._exit(128 + number)

    def __enter__(self) -> Self:
        for number in SIGNALS:
            if not _outlives_its_terminal(number):
                asyncio.get_running_loop().add_signal_handler(number, self._catch, number)
        return self

    def __exit__(self, *exc_info: object) -> None:
        for number in SIGNALS:
            asyncio.get_running_loop().remove_signal_handler(number)


def _outlives_its_terminal(number: signal.Signals) -> bool:
    """Whether this is the signal that `nohup` has us ignore."""
    return number is signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN
