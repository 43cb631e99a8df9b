"""A token says what was put into it, to the server and for the client it was made for only."""

from __future__ import annotations

import base64
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sori_server.domain.checkpoint import ChannelPoint, Checkpoint
from sori_server.domain.errors import ResumeTokenInvalid
from sori_server.runtime.origin import Origin, new_session_id
from sori_server.runtime.resume_tokens import (
    LONGEST_TOKEN,
    NONCE_BYTES,
    ResumeTokens,
    Ticket,
    Turn,
    new_secret,
)

pytestmark = pytest.mark.unit

SECRET = b"a secret of the servers, which is long"
POINTS = st.builds(ChannelPoint, st.integers(0, 2**63), st.integers(0, 2**32 - 1))
TICKETS = st.builds(
    Ticket,
    session_id=st.text(st.characters(codec="ascii"), min_size=1, max_size=16),
    turn=st.builds(
        Turn, st.integers(1, 2**32 - 1), st.binary(min_size=NONCE_BYTES, max_size=NONCE_BYTES)
    ),
    expires=st.floats(0, 2e9),
    checkpoint=st.lists(POINTS, min_size=1, max_size=8).map(tuple).map(Checkpoint),
)
TICKET = Ticket(
    new_session_id(), Turn.first(), 1_000.0, Checkpoint((ChannelPoint(48_000, 3), ChannelPoint()))
)


def tokens(secret: bytes = SECRET, now: float = 0.0) -> ResumeTokens:
    return ResumeTokens(secret, lambda: now)


@given(TICKETS, st.text(max_size=20))
def test_what_is_put_in_comes_out(ticket: Ticket, authorization: str) -> None:
    token = tokens().make(ticket, authorization)
    assert len(token) <= LONGEST_TOKEN
    assert tokens().read(token, authorization) == ticket


@given(TICKETS, st.text(max_size=9), st.text(max_size=9))
def test_a_token_is_good_for_its_client_only(ticket: Ticket, mine: str, other: str) -> None:
    token = tokens().make(ticket, mine)
    if mine != other:
        with pytest.raises(ResumeTokenInvalid):
            tokens().read(token, other)


def test_a_token_is_good_for_servers_with_its_secret_only() -> None:
    token = tokens().make(TICKET, "")
    with pytest.raises(ResumeTokenInvalid):
        tokens(new_secret()).read(token, "")


@given(st.data())
def test_a_token_with_a_changed_bit_is_none(data: st.DataObject) -> None:
    token = tokens().make(TICKET, "")
    signed = bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    bit = data.draw(st.integers(0, 8 * len(signed) - 1))
    signed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(ResumeTokenInvalid):
        tokens().read(base64.urlsafe_b64encode(signed).rstrip(b"=").decode(), "")


@given(st.text(max_size=LONGEST_TOKEN + 10) | st.text("AZaz09-_=", max_size=300))
def test_any_text_is_refused_in_the_same_words(text: str) -> None:
    with pytest.raises(ResumeTokenInvalid) as refusal:
        tokens().read(text, "")
    assert str(refusal.value) == str(ResumeTokenInvalid())
    assert refusal.value.metadata == {"field": "config.resume.resume_token"}


@given(st.binary(max_size=120))
def test_bytes_that_are_signed_are_a_ticket_or_refused(payload: bytes) -> None:
    """As of a later version that shares the secret."""
    signed = payload + tokens()._mac(payload, "")
    token = base64.urlsafe_b64encode(signed).rstrip(b"=").decode()
    with suppress(ResumeTokenInvalid):
        assert tokens().read(token, "").checkpoint.channels


def test_the_time_of_a_token_ends() -> None:
    assert not tokens(now=1_000.0).expired(TICKET)
    assert tokens(now=1_000.1).expired(TICKET)
    assert tokens(now=5.0).expiry(30.0) == 35.0


def test_every_turn_has_a_name_of_its_own() -> None:
    turns = [Turn.first(), Turn.first()]
    turns += [turn.next() for turn in turns]
    assert [turn.number for turn in turns] == [1, 1, 2, 2]
    assert len({turn.nonce for turn in turns}) == 4


def test_a_session_that_a_token_brings_goes_on_with_the_next_turn() -> None:
    origin = Origin.told_by(TICKET, 17)
    assert (origin.session_id, origin.checkpoint) == (TICKET.session_id, TICKET.checkpoint)
    assert (origin.last_sequence, origin.spent) == (17, TICKET.turn)
    assert origin.turn.number == TICKET.turn.number + 1
    assert replace(origin, turn=origin.turn) == origin
