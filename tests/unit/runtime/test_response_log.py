"""What a client lacks comes again, once, without a gap; what it has is forgotten."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sori_server.domain.audio import Span
from sori_server.domain.checkpoint import ChannelPoint, Checkpoint
from sori_server.domain.errors import InvalidConfig, ProtocolViolation
from sori_server.domain.events import Progress, Result, SessionStarted
from sori_server.runtime.response_log import ResponseLog

pytestmark = pytest.mark.unit

START = Checkpoint.start(1)
STARTED = SessionStarted("id", resumed=True)
INTERIM = Result(0, 1, Span(0, 1), "", "", is_final=False, language="en")


def at(position: int) -> Checkpoint:
    return Checkpoint((ChannelPoint(position, position),))


def log_with(told: int, *, most: int = 100) -> ResponseLog:
    """One that has told its start and so many responses."""
    log = ResponseLog(most, START)
    for numbered in log.again(0, STARTED):
        log.tell(numbered)
    for position in range(1, told + 1):
        log.tell(log.add(Progress(position, 0), at(position)))
    return log


def test_a_new_session_begins_with_one() -> None:
    log = ResponseLog(10, START)
    (started,) = log.again(0, STARTED)
    assert (started.sequence, started.event, started.checkpoint) == (1, STARTED, START)
    assert log.add(Progress(1, 0)).sequence == 2


def test_what_the_client_lacks_comes_again_under_new_numbers() -> None:
    log = log_with(5)
    again = log.again(4, STARTED)
    assert [numbered.sequence for numbered in again] == [5, 6, 7]
    assert [numbered.event for numbered in again] == [STARTED, Progress(4, 0), Progress(5, 0)]
    assert again[0].checkpoint == at(3)
    assert log.add(Progress(6, 0)).sequence == 8


def test_interims_are_numbered_and_never_come_again() -> None:
    log = log_with(1)
    for _ in range(1_000):
        log.tell(log.add(INTERIM))
    assert len(log) == 1
    assert log.add(Progress(2, 0)).sequence == 1_003
    events = [numbered.event for numbered in log.again(1_002, STARTED)]
    assert events == [STARTED, Progress(2, 0)]


def test_what_was_acknowledged_is_forgotten_and_what_comes_later_is_not() -> None:
    log = log_with(5, most=4)
    assert log.full
    log.acknowledge(4)
    log.acknowledge(2)
    assert len(log) == 2
    assert not log.full
    assert not log.complete
    log.acknowledge(6)
    assert log.complete


@pytest.mark.parametrize("sequence", [7, 2**63 - 1])
def test_the_future_cannot_be_acknowledged(sequence: int) -> None:
    log = log_with(5)
    log.add(Progress(6, 0))  # not told yet
    with pytest.raises(ProtocolViolation) as refusal:
        log.acknowledge(sequence)
    assert refusal.value.metadata == {"field": "response_ack.sequence", "last_sequence": "6"}
    assert len(log) == 6


@pytest.mark.parametrize(("sequence", "known"), [(7, "last_sequence"), (3, "acknowledged")])
def test_a_client_cannot_have_received_that(sequence: int, known: str) -> None:
    log = log_with(5)
    log.acknowledge(4)
    log.add(Progress(6, 0))
    with pytest.raises(InvalidConfig) as refusal:
        log.again(sequence, STARTED)
    assert refusal.value.field == "config.resume.last_sequence"
    assert known in refusal.value.metadata
    assert [each.event for each in log.again(4, STARTED)][1:] == [
        Progress(position, 0) for position in (4, 5, 6)
    ]


def test_the_checkpoint_told_is_that_of_the_newest_response_that_has_one() -> None:
    log = log_with(3)
    assert log.told_checkpoint == at(3)
    log.tell(log.add(Progress(4, 0)))
    log.add(Progress(5, 0), at(5))
    assert log.told_checkpoint == at(3)
    log.again(3, STARTED)
    assert log.told_checkpoint == at(2)


@given(st.data())
def test_every_response_is_received_once_whatever_is_lost(data: st.DataObject) -> None:
    log, received = ResponseLog(1_000, START), []
    flight, said = log.again(0, STARTED), 0
    for numbered in flight:
        log.tell(numbered)
    for step in data.draw(st.lists(st.sampled_from(["say", "say", "arrive", "lose", "ack"]))):
        last = received[-1].sequence if received else 0
        if step == "say":
            said += 1
            numbered = log.add(Progress(said, 0), at(said))
            log.tell(numbered)
            flight.append(numbered)
        elif step == "arrive":
            received += flight
            flight = []
        elif step == "ack":
            log.acknowledge(last)
        else:
            received += flight[: data.draw(st.integers(0, len(flight)))]
            last = received[-1].sequence if received else 0
            flight = log.again(last, STARTED)
            for numbered in flight:
                log.tell(numbered)
    received += flight
    assert [numbered.sequence for numbered in received] == list(range(1, len(received) + 1))
    heard = [each.event for each in received if isinstance(each.event, Progress)]
    assert heard == [Progress(position, 0) for position in range(1, said + 1)]
