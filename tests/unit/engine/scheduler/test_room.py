"""Calls get smaller when memory runs out, and larger again in time."""

from __future__ import annotations

import pytest
from sori_server.domain.limits import Limits
from sori_server.engine.cost import Phase
from sori_server.engine.scheduler.room import RECOVERY, Room

pytestmark = pytest.mark.unit

LIMITS = Limits(max_batch=16, max_decode_batch=48)


def test_there_is_room_for_what_the_limits_allow() -> None:
    room = Room(LIMITS)

    assert [room.rows(phase) for phase in Phase] == [
        48 if phase is Phase.DECODE else 16 for phase in Phase
    ]


def test_all_calls_shrink_and_double_once_a_while() -> None:
    room, found = Room(LIMITS), []
    room.shrink(5, now=100.0)
    for now in (100.0, 159.0, 160.0, 219.0, 220.0, 280.0, 340.0):
        room.recover(now)
        found.append((room.rows(Phase.ENCODE), room.rows(Phase.DECODE)))

    assert RECOVERY == 60.0
    assert found == [(5, 5), (5, 5), (10, 10), (10, 10), (16, 20), (16, 40), (16, 48)]


def test_what_fits_less_well_again_starts_the_time_anew() -> None:
    room = Room(LIMITS)
    room.shrink(8, now=0.0)
    room.shrink(9, now=50.0)
    room.recover(100.0)
    assert room.rows(Phase.RECOGNIZE) == 8
    room.shrink(0, now=100.0)

    assert room.rows(Phase.RECOGNIZE) == 1
