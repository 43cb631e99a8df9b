from __future__ import annotations

import pytest
from sori_client import errors
from sori_client.replay import ReplayBuffer

pytestmark = pytest.mark.unit


def test_bytes_are_read_again_by_their_offset_until_they_are_forgotten() -> None:
    buffer = ReplayBuffer(100)
    buffer.append(b"abc")
    buffer.append(b"defg")
    assert (buffer.start, buffer.end) == (0, 7)
    assert buffer.read(0, 100) == b"abcdefg"
    assert buffer.read(2, 3) == b"cde"
    assert buffer.read(7, 3) == b""
    buffer.forget(4)
    assert (buffer.start, buffer.end) == (4, 7)
    assert buffer.read(5, 10) == b"fg"
    buffer.forget(2)
    buffer.forget(100)
    assert (buffer.start, buffer.end) == (7, 7)


def test_it_shrinks_to_its_limit_but_keeps_what_was_not_sent() -> None:
    buffer = ReplayBuffer(4)
    buffer.append(b"abcdefgh")
    buffer.shrink(0)
    assert buffer.start == 0
    buffer.shrink(2)
    assert buffer.start == 2
    buffer.shrink(8)
    assert buffer.start == 4


def test_audio_goes_on_where_it_is_still_there() -> None:
    buffer = ReplayBuffer(4)
    buffer.append(b"abcdefgh")
    buffer.shrink(8)
    buffer.check(4)
    buffer.check(8)
    with pytest.raises(errors.ReplayLimitExceeded, match=r"from byte 3 on.* 4 bytes") as gone:
        buffer.check(3)
    assert (gone.value.limit, gone.value.wanted, gone.value.kept) == (4, 3, 4)
    with pytest.raises(errors.ContractBroken, match="byte 9 of 8"):
        buffer.check(9)
