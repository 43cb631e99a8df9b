"""An event loop on a thread of its own, for callers that have none."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from sori_client.errors import client_closed

T = TypeVar("T")


class LoopThread:
    """Runs coroutines for other threads until it is stopped; a daemon."""

    def __init__(self) -> None:
        self._started: concurrent.futures.Future[asyncio.AbstractEventLoop] = (
            concurrent.futures.Future()
        )
        self._stop = asyncio.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve()), name="sori-client", daemon=True
        )
        self._thread.start()
        self._loop = self._started.result()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """The result of `coroutine`; when the wait is interrupted, it is cancelled.

        Raises:
            RuntimeError: the thread was stopped before.
            ConnectionLost: it was stopped meanwhile.
        """
        if not self._thread.is_alive():
            coroutine.close()
            raise RuntimeError("the client is closed")
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            return future.result()
        except concurrent.futures.CancelledError:
            raise client_closed() from None
        except BaseException:
            future.cancel()
            raise

    @property
    def stopped(self) -> bool:
        """Whether `stop()` was called."""
        return not self._thread.is_alive()

    def stop(self) -> None:
        """Cancels what still runs and ends the thread; idempotent."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()

    async def _serve(self) -> None:
        self._started.set_result(asyncio.get_running_loop())
        await self._stop.wait()
