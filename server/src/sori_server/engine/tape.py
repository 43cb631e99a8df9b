"""A growing recording of rows of which only the recent part is kept."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float32]

_FIRST_CAPACITY = 64


class Tape:
    """Rows of numbers addressed by absolute position; old rows can be forgotten.

    Appending costs O(1) per row on average. Memory stays within a small multiple of the
    largest number of rows kept at a time. `row_shape` is () for samples, (n,) for frames.
    """

    def __init__(self, row_shape: tuple[int, ...] = ()) -> None:
        self._rows: Rows = np.empty((_FIRST_CAPACITY, *row_shape), np.float32)
        self._origin = 0
        self.start = 0
        self.end = 0

    def append(self, rows: NDArray[np.floating[Any]]) -> None:
        """Add `rows` at the end."""
        if self.end - self._origin + len(rows) > len(self._rows):
            self._make_room(len(rows))
        offset = self.end - self._origin
        self._rows[offset : offset + len(rows)] = rows
        self.end += len(rows)

    def discard(self, before: int) -> None:
        """Forget the rows before position `before`."""
        self.start = max(self.start, min(before, self.end))

    def restart(self, position: int) -> None:
        """Forget all rows; the next appended row has this position."""
        self._origin = self.start = self.end = position

    def read(self, start: int, end: int) -> Rows:
        """The rows [start, end), a view valid until the next append.

        Raises:
            ValueError: part of them was discarded or not yet appended.
        """
        if not self.start <= start <= end <= self.end:
            raise ValueError(f"{start}..{end} is not within what is kept, {self.start}..{self.end}")
        return self._rows[start - self._origin : end - self._origin]

    def _make_room(self, extra: int) -> None:
        kept = self.read(self.start, self.end)
        if 2 * (len(kept) + extra) > len(self._rows):
            rows = np.empty((2 * (len(kept) + extra), *self._rows.shape[1:]), np.float32)
        else:
            rows = self._rows
        rows[: len(kept)] = kept  # numpy copes with overlapping slices
        self._rows, self._origin = rows, self.start
