"""Blocking iterables, iterated without blocking the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import queue
import threading
from collections.abc import AsyncGenerator, Callable, Iterable
from typing import Any, Final, TypeVar

T = TypeVar("T")

LEAVING_TIME: Final = 0.25
"""Seconds the end of an iteration waits for its thread; only an iterator that blocks takes them."""


async def from_thread(iterable: Iterable[T]) -> AsyncGenerator[T, None]:
    """The items of `iterable`, each taken when it is wanted, on a thread of its own.

    Closing this generator closes the iterator on that thread and ends it, before it returns
    or as soon as the iterator gives back control; a daemon, it never keeps the process alive.
    """
    loop = asyncio.get_running_loop()
    wanted: queue.SimpleQueue[asyncio.Future[list[T]] | None] = queue.SimpleQueue()
    left: asyncio.Future[None] = loop.create_future()
    threading.Thread(
        target=_iterate, args=(iterable, wanted, left, loop), name="sori-source", daemon=True
    ).start()
    try:
        while True:
            future: asyncio.Future[list[T]] = loop.create_future()
            wanted.put(future)
            if not (answer := await future):
                return
            yield answer[0]
    finally:
        wanted.put(None)
        # A process that ends while native code runs on a daemon thread may abort.
        await asyncio.wait([left], timeout=LEAVING_TIME)


def _iterate(
    iterable: Iterable[T],
    wanted: queue.SimpleQueue[asyncio.Future[list[T]] | None],
    left: asyncio.Future[None],
    loop: asyncio.AbstractEventLoop,
) -> None:
    """Answers each future with a list of the next item, empty at the end; `left` at last."""
    iterator = iter(iterable)
    while (future := wanted.get()) is not None:
        try:
            answer = list(itertools.islice(iterator, 1))
        except Exception as error:
            _tell(loop, future, future.set_exception, error)
        else:
            _tell(loop, future, future.set_result, answer)
    try:
        if close := getattr(iterator, "close", None):
            close()
    finally:
        _tell(loop, left, left.set_result, None)


def _tell(
    loop: asyncio.AbstractEventLoop,
    future: asyncio.Future[Any],
    settle: Callable[[Any], None],
    value: object,
) -> None:
    def deliver() -> None:
        if not future.done():
            settle(value)

    with contextlib.suppress(RuntimeError):  # the loop was closed while the iterator blocked
        loop.call_soon_threadsafe(deliver)
