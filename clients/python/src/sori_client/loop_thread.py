"""An event loop on a thread of its own, for callers that have none."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
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
        self._stopping = False
        self._lock = threading.Lock()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve()), name="sori-client", daemon=True
        )
        self._thread.start()
        self._loop = self._started.result()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """The result of `coroutine`; when the wait is interrupted, it is cancelled.

        Raises:
            ConnectionLost: the thread was stopped, before or meanwhile.
        """
        future = self._submit(coroutine)
        if future is None:
            raise client_closed()
        try:
            return future.result()
        except concurrent.futures.CancelledError:
            raise client_closed() from None
        except BaseException:
            future.cancel()
            raise

    def run_unless_stopped(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """As `run`, for what a stop does too: nothing is raised when it comes first."""
        future = self._submit(coroutine)
        if future is not None:
            with contextlib.suppress(concurrent.futures.CancelledError):
                future.result()

    def stop(self) -> None:
        """Cancels what still runs and ends the thread; idempotent."""
        with self._lock:
            if not self._stopping:
                self._stopping = True
                self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _submit(self, coroutine: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T] | None:
        # The lock orders every coroutine before the stop that cancels it: what reached the
        # loop after its last turn would be waited for forever.
        with self._lock:
            if not self._stopping:
                return asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        coroutine.close()
        return None

    async def _serve(self) -> None:
        self._started.set_result(asyncio.get_running_loop())
        await self._stop.wait()
