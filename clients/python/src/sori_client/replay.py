"""Audio that may have to be sent again. No I/O."""

from __future__ import annotations

from sori_client.errors import ContractBroken, ReplayLimitExceeded


class ReplayBuffer:
    """Bytes by their offset in everything a stream sends, from `start` to `end`.

    It keeps what it is given until it is told to forget; whoever fills it keeps the bound.
    """

    def __init__(self, limit: int) -> None:
        self._data = bytearray()
        self._limit = limit
        self.start = 0

    @property
    def end(self) -> int:
        """Offset of the next byte."""
        return self.start + len(self._data)

    def append(self, data: bytes) -> None:
        """Adds the next bytes."""
        self._data += data

    def read(self, offset: int, size: int) -> bytes:
        """At most `size` bytes from `offset` on."""
        begin = offset - self.start
        return bytes(self._data[begin : begin + size])

    def forget(self, offset: int) -> None:
        """Drops the bytes below `offset`."""
        if offset > self.start:
            gone = min(offset, self.end) - self.start
            del self._data[:gone]
            self.start += gone

    def shrink(self, sent: int) -> None:
        """Drops the oldest bytes beyond the limit, but none that was not sent yet."""
        self.forget(min(self.end - self._limit, sent))

    def check(self, offset: int) -> None:
        """Makes sure that audio can go on at `offset`.

        Raises:
            ReplayLimitExceeded: it was dropped.
            ContractBroken: it was never there.
        """
        if offset < self.start:
            raise ReplayLimitExceeded(self._limit, offset, self.start)
        if offset > self.end:
            raise ContractBroken(f"the server asks for byte {offset} of {self.end}")
