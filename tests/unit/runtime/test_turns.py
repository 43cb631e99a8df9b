"""A client that goes on with the newest token it received is let in, whatever was lost or late."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sori_server.runtime.resume_tokens import Turn
from sori_server.runtime.turns import MOST_TRIES, Turns

pytestmark = pytest.mark.unit


def test_a_token_is_good_until_its_successor_has_arrived() -> None:
    first = Turn.first()
    turns = Turns(first)
    assert turns.accept(first)
    turns.begin(first)
    second = turns.newest
    assert turns.accept(first)
    assert turns.accept(second)
    assert not turns.are_older_than(second)
    turns.confirm()
    assert not turns.accept(first)
    assert turns.accept(second)
    assert not turns.are_older_than(second)
    assert turns.are_older_than(second.next())


def test_of_two_tries_the_earlier_may_come_later() -> None:
    first = Turn.first()
    turns = Turns(first)
    turns.begin(first)
    received = turns.newest
    turns.begin(first)
    assert turns.newest != received
    assert turns.accept(received)


def test_a_turn_of_nobody_is_not_accepted() -> None:
    turns = Turns(Turn.first())
    assert not turns.accept(Turn.first())
    assert not turns.are_older_than(Turn.first())


def test_tries_without_an_answer_are_no_reason_to_keep_more_and_more() -> None:
    first = Turn.first()
    turns = Turns(first)
    for _ in range(10 * MOST_TRIES):
        turns.begin(first)
    assert len(turns._good) == MOST_TRIES
    assert turns.accept(first)
    assert turns.accept(turns.newest)


@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["lost", "received", "heard"]))))
def test_the_newest_token_is_good_at_every_server(visits: list[tuple[int, str]]) -> None:
    """A server that refuses it, or takes it for an old one, would lose the session."""
    held = Turn.first()
    servers: dict[int, Turns] = {0: Turns(held)}
    for place, fate in visits:
        here = servers.get(place)
        if here is not None and here.accept(held):
            here.begin(held)
        else:
            assert here is None or here.are_older_than(held)
            here = servers[place] = Turns(held.next(), held)
        if fate != "lost":
            held = here.newest
        if fate == "heard":
            here.confirm()
