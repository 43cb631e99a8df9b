from __future__ import annotations

import pytest
from sori_client import Resume
from sori_client.resume import SETTLED, Outage

pytestmark = pytest.mark.unit

POLICY = Resume(patience=30.0, first_pause=0.1, longest_pause=3.0)


def test_pauses_lie_between_nothing_and_a_bound_that_doubles_up_to_its_limit() -> None:
    longest = Outage(POLICY, 0.0, chance=lambda: 1.0)
    pauses = [longest.pause(0.0) for _ in range(8)]
    assert pauses == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 3.0, 3.0, 3.0])
    shortest = Outage(POLICY, 0.0, chance=lambda: 0.0)
    assert [shortest.pause(0.0) for _ in range(8)] == [0.0] * 8


def test_the_advice_of_the_server_is_waited_at_least() -> None:
    outage = Outage(POLICY, 0.0, chance=lambda: 0.5)
    assert outage.pause(0.0, advice=2.0) == 2.0
    assert outage.pause(0.0, advice=0.01) == pytest.approx(0.1)


def test_the_patience_ends_and_the_last_pause_does_not_outlast_it() -> None:
    outage = Outage(POLICY, 100.0, chance=lambda: 1.0)
    assert outage.pause(129.9, advice=60.0) == pytest.approx(0.1)
    assert outage.pause(130.0) is None
    assert outage.attempts == 1


def test_a_loss_after_something_new_is_another_outage() -> None:
    outage = Outage(POLICY, 0.0)
    assert outage.connected(2.0) == 2.0
    outage.progressed()
    assert not outage.lost_again(2.1)


def test_a_connection_that_brought_nothing_and_broke_soon_goes_on_with_the_outage() -> None:
    outage = Outage(POLICY, 0.0, chance=lambda: 1.0)
    assert outage.pause(0.0) == pytest.approx(0.1)
    outage.connected(20.0)
    assert outage.lost_again(25.0)
    assert outage.pause(34.0) == pytest.approx(0.2), "the five seconds with a connection count not"
    assert outage.pause(35.0) is None
    assert outage.connected(36.0) == 11.0


def test_a_quiet_connection_that_held_ends_the_outage() -> None:
    outage = Outage(POLICY, 0.0)
    outage.connected(1.0)
    assert not outage.lost_again(1.0 + SETTLED)
