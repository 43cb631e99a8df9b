"""The bytes of containers in the order FFmpeg can read them. Runs in the decoder process."""

from __future__ import annotations

import io
import struct
from typing import Final, Protocol

_PAGE: Final = b"OggS"
_PAGE_HEADER: Final = 27
_MAX_PAGE: Final = 65_307


class Refused(Exception):
    """This is not audio that can be read; the message says why."""


class Readable(Protocol):
    """Bytes in order."""

    def read(self, size: int = -1) -> bytes:
        """At least one byte and at most `size`; none at the end."""


def in_reading_order(source: Readable, most: int) -> Readable:
    """An MP4 file that can be read from start to end, or all of it when its index comes last.

    Source: ISO/IEC 14496-12, 4.2 (boxes) and 6.2.3 (their order).

    Raises:
        Refused: the index comes last and there are more than `most` bytes.
    """
    head = bytearray()
    position = 0
    while data := source.read():
        head += data
        position, name = _first_box(head, position)
        if name in {b"moov", b"moof"}:
            return _Joined(bytes(head), source)
        if len(head) > most:
            raise Refused(f"the index of the file is not within its first {most} bytes")
    return io.BytesIO(head)


def _first_box(head: bytearray, position: int) -> tuple[int, bytes]:
    """The first box from `position` on that is the index or has samples, and its place.

    Without a name, the place is that of the first box that is not here yet.
    """
    while len(head) >= position + 16:
        size, name = struct.unpack_from(">I4s", head, position)
        if name in {b"moov", b"moof", b"mdat"} or size == 0:
            return position, name
        if size == 1:
            (size,) = struct.unpack_from(">Q", head, position + 8)
        position += max(size, 8)
    return position, b""


class _Joined:
    """Bytes read already, then the rest."""

    def __init__(self, head: bytes, rest: Readable) -> None:
        self._head = io.BytesIO(head)
        self._rest = rest

    def read(self, size: int = -1) -> bytes:
        return self._head.read(size) or self._rest.read(size)


class PageWatch:
    """Ogg as it is read; FFmpeg does not tell when its last page is cut.

    Source: RFC 3533, 6 (the page format).
    """

    def __init__(self, source: Readable) -> None:
        self._source = source
        self._tail = b""

    @property
    def cut(self) -> bool:
        """Whether what was read so far ends inside a page."""
        page = self._tail[self._tail.rfind(_PAGE) :]
        if not page.startswith(_PAGE):
            return False
        segments = page[_PAGE_HEADER - 1] if len(page) >= _PAGE_HEADER else 0
        table = page[_PAGE_HEADER : _PAGE_HEADER + segments]
        return len(page) < _PAGE_HEADER + segments + sum(table)

    def read(self, size: int = -1) -> bytes:
        """At least one byte and at most `size`; none at the end."""
        data = self._source.read(size)
        self._tail = (self._tail + data)[-_MAX_PAGE:]
        return data
