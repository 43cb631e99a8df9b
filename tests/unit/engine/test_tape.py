"""The tape keeps what it must, forgets the rest and does not grow with time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sori_server.engine.tape import Tape

pytestmark = pytest.mark.unit


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 400)), max_size=30))
def test_reads_what_was_appended(steps: list[tuple[int, int]]) -> None:
    tape = Tape()
    for size, kept in steps:
        tape.append(np.arange(tape.end, tape.end + size, dtype=np.float32))
        tape.discard(tape.end - kept)
        expected = np.arange(tape.start, tape.end, dtype=np.float32)
        assert np.array_equal(tape.read(tape.start, tape.end), expected)


def test_memory_is_bounded_by_what_is_kept() -> None:
    tape = Tape((3,))
    for _ in range(10_000):
        tape.append(np.zeros((160, 3)))
        tape.discard(tape.end - 1000)
    assert tape.end == 1_600_000
    assert len(tape._rows) <= 4 * 1160


def test_discard_never_goes_back_nor_beyond_the_end() -> None:
    tape = Tape()
    tape.append(np.zeros(10))
    tape.discard(5)
    tape.discard(2)
    assert tape.start == 5
    tape.discard(50)
    assert (tape.start, tape.end) == (10, 10)


def test_restart_moves_to_a_new_position() -> None:
    tape = Tape()
    tape.append(np.zeros(10))
    tape.restart(1000)
    tape.append(np.ones(5))
    assert tape.read(1000, 1005).sum() == 5
    with pytest.raises(ValueError, match="not within"):
        tape.read(0, 10)
