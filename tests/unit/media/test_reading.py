"""MP4 in reading order or whole, and Ogg that ends inside a page."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sori_server.media.reading import PageWatch, Refused, in_reading_order

pytestmark = pytest.mark.unit


class Trickle:
    """Bytes, so many at a time."""

    def __init__(self, data: bytes, step: int) -> None:
        self._data = data
        self._step = step
        self.taken = 0

    def read(self, size: int = -1) -> bytes:
        step = self._step if size < 0 else min(size, self._step)
        data = self._data[self.taken : self.taken + step]
        self.taken += len(data)
        return data


def box(name: bytes, body: bytes, *, large: bool = False) -> bytes:
    if large:
        return struct.pack(">I4sQ", 1, name, 16 + len(body)) + body
    return struct.pack(">I4s", 8 + len(body), name) + body


HEAD = box(b"ftyp", b"M4A " * 3)
INDEX = box(b"moov", bytes(200))
SOUND = box(b"mdat", bytes(range(256)) * 10)
LARGE_SOUND = box(b"mdat", bytes(range(256)) * 10, large=True)
SPACE = box(b"free", bytes(50))
LARGE_SPACE = box(b"free", bytes(50), large=True)


def read_all(data: bytes, step: int, most: int = 10_000) -> tuple[bytes, int]:
    """All bytes, and how many of them were taken before the first was given."""
    source = Trickle(data, step)
    readable = in_reading_order(source, most)
    taken = source.taken
    parts = []
    while part := readable.read(100):
        assert len(part) <= 100
        parts.append(part)
    return b"".join(parts), taken


@pytest.mark.parametrize("before", [b"", SPACE, LARGE_SPACE, SPACE + LARGE_SPACE])
@given(step=st.integers(1, 500))
def test_an_index_that_comes_first_is_not_waited_beyond(before: bytes, step: int) -> None:
    data = HEAD + before + INDEX + SOUND
    everything, taken = read_all(data, step)
    assert everything == data
    assert taken <= len(HEAD + before) + 16 + step


@pytest.mark.parametrize("sound", [SOUND, LARGE_SOUND])
@given(step=st.integers(1, 500))
def test_an_index_that_comes_last_is_waited_for(sound: bytes, step: int) -> None:
    data = HEAD + SPACE + sound + INDEX
    assert read_all(data, step) == (data, len(data))


def test_waiting_has_a_bound() -> None:
    data = HEAD + SOUND + INDEX
    assert read_all(data, 100, most=len(data)) == (data, len(data))
    with pytest.raises(Refused, match="not within its first 2000 bytes"):
        read_all(data, 100, most=2_000)


@given(st.binary(max_size=400), st.integers(1, 60))
def test_any_bytes_come_through(data: bytes, step: int) -> None:
    assert read_all(data, step)[0] == data


def page(*segments: int) -> bytes:
    return b"OggS" + bytes(22) + bytes([len(segments), *segments]) + b"x" * sum(segments)


@pytest.mark.parametrize("step", [1, 7, 100_000])
@pytest.mark.parametrize("last", [page(), page(10), page(255, 255, 3), page(*[255] * 255)])
def test_a_page_is_whole_or_cut(last: bytes, step: int) -> None:
    data = page(19) + page(255, 200) + last

    def cut(length: int) -> bool:
        watch = PageWatch(Trickle(data[:length], step))
        while watch.read(300):
            pass
        return watch.cut

    assert not cut(len(data))
    assert not cut(0)
    assert not cut(len(data) - len(last))
    for missing in (1, len(last) // 2, len(last) - 5):
        assert cut(len(data) - missing)
