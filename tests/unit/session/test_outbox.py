"""Order, numbers and replacement of waiting events."""

from __future__ import annotations

import pytest
from sori_server.domain.audio import Span
from sori_server.domain.events import Event, Progress, Result, SpeechStarted
from sori_server.session.outbox import Outbox

pytestmark = pytest.mark.unit


def result(index: int, revision: int, *, final: bool = False) -> Result:
    return Result(index, revision, Span(0, 1), "", "", is_final=final, language="en")


def taken(outbox: Outbox) -> list[tuple[int, Event]]:
    events = []
    while (numbered := outbox.take()) is not None:
        events.append((numbered.sequence, numbered.event))
    return events


def test_events_are_numbered_in_the_order_they_were_put() -> None:
    outbox = Outbox()
    for position in (5, 6):
        outbox.put(SpeechStarted(position))
    assert len(outbox) == 2
    assert taken(outbox) == [(1, SpeechStarted(5)), (2, SpeechStarted(6))]
    outbox.put(SpeechStarted(7))
    assert taken(outbox) == [(3, SpeechStarted(7))]
    assert len(outbox) == 0


def test_a_newer_interim_takes_the_place_of_a_waiting_one_without_a_gap() -> None:
    outbox = Outbox()
    outbox.put(result(0, 1))
    outbox.put(Progress(10, 0))
    outbox.put(result(0, 2))
    assert taken(outbox) == [(1, Progress(10, 0)), (2, result(0, 2))]


def test_a_final_removes_the_interim_but_no_other_final() -> None:
    outbox = Outbox()
    outbox.put(result(0, 2, final=True))
    outbox.put(result(1, 1))
    outbox.put(result(1, 2, final=True))
    outbox.put(result(2, 1, final=True))
    finals = [result(0, 2, final=True), result(1, 2, final=True), result(2, 1, final=True)]
    assert taken(outbox) == list(enumerate(finals, start=1))


def test_an_interim_that_was_taken_is_not_replaced() -> None:
    outbox = Outbox()
    outbox.put(result(0, 1))
    assert taken(outbox) == [(1, result(0, 1))]
    outbox.put(result(0, 2))
    assert taken(outbox) == [(2, result(0, 2))]
