"""A bounded queue between two tasks that can end, well or with an error."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class ConveyorClosed(Exception):
    """Nothing more is taken; everything that was put has been got."""


class Conveyor(Generic[T]):
    """Hands items over in order; a full one makes `put` wait, and nothing is dropped.

    After `close()`, `put` raises at once and `get` gives what is left, then raises.
    """

    def __init__(self, capacity: int, *items: T) -> None:
        self._capacity = capacity
        self._items = deque(items)
        self._changed = asyncio.Condition()
        self._end: Exception | None = None

    async def put(self, item: T) -> None:
        """Adds `item`, waiting for room; a cancelled `put` has added nothing.

        Raises:
            ConveyorClosed: it is closed, before or while waiting.
        """
        async with self._changed:
            await self._changed.wait_for(lambda: self._end or len(self._items) < self._capacity)
            if self._end:
                raise ConveyorClosed
            self._items.append(item)
            self._changed.notify_all()

    async def get(self) -> T:
        """The oldest item, waiting for one.

        Raises:
            ConveyorClosed: it was closed without an error and is empty.
            Exception: it was closed with this error and is empty.
        """
        async with self._changed:
            await self._changed.wait_for(lambda: self._items or self._end)
            if self._items:
                item = self._items.popleft()
                self._changed.notify_all()
                return item
        raise self._end or ConveyorClosed

    async def close(self, error: Exception | None = None) -> None:
        """Ends it; only the first call counts."""
        async with self._changed:
            self._end = self._end or error or ConveyorClosed()
            self._changed.notify_all()
