"""The table of a session's life is complete and reachable."""

from __future__ import annotations

import itertools

import pytest
from sori_server.domain.errors import ProtocolViolation
from sori_server.session.state import TRANSITIONS, State, Trigger, next_state

pytestmark = pytest.mark.unit


def test_every_state_has_a_row_and_every_trigger_an_entry() -> None:
    assert set(TRANSITIONS) == set(State)
    assert {trigger for row in TRANSITIONS.values() for trigger in row} == set(Trigger)


def test_every_state_is_reachable_from_open() -> None:
    reached = {State.OPEN}
    for _ in State:
        reached |= {target for state in reached for target in TRANSITIONS[state].values()}
    assert reached == set(State)


@pytest.mark.parametrize(("state", "trigger"), list(itertools.product(State, Trigger)))
def test_what_is_not_in_the_table_is_a_violation(state: State, trigger: Trigger) -> None:
    if trigger in TRANSITIONS[state]:
        assert next_state(state, trigger) is TRANSITIONS[state][trigger]
    else:
        with pytest.raises(ProtocolViolation, match=f"{trigger.value} after .* {state.value}"):
            next_state(state, trigger)


def test_closed_stays_closed() -> None:
    assert set(TRANSITIONS[State.CLOSED].values()) == {State.CLOSED}
