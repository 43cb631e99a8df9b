"""What events say of themselves, and what they do not."""

from __future__ import annotations

import dataclasses
from typing import get_args

import pytest
from sori_server.domain import events
from sori_server.domain.audio import Span
from sori_server.domain.events import Event, NumberedEvent, Result
from sori_server.domain.recognition import Word

pytestmark = pytest.mark.unit


def result(*, is_final: bool = False) -> Result:
    return Result(
        utterance_index=3,
        revision=2,
        span=Span(0, 1600),
        committed_text="secret ",
        tentative_text="hope",
        is_final=is_final,
        language="en",
        words=(Word("secret", 0, 800, 1.0),),
    )


def test_displayed_text_is_both_texts_joined() -> None:
    assert result().text == "secret hope"


@pytest.mark.parametrize(("is_final", "kind"), [(True, "final"), (False, "interim")])
def test_results_do_not_repeat_their_text(is_final: bool, kind: str) -> None:
    told = repr(NumberedEvent(1, result(is_final=is_final)))
    assert "secret" not in told
    assert "hope" not in told
    assert f"Result({kind} 3, Span(start=0, end=1600), 11 characters)" in told


def test_every_event_of_the_module_is_one_a_session_may_send() -> None:
    values = {
        value
        for value in vars(events).values()
        if dataclasses.is_dataclass(value) and value.__module__ == events.__name__
    }
    assert values - {events.Latency, NumberedEvent} == set(get_args(Event))
