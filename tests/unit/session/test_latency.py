"""What a client is told about how long it waited."""

from __future__ import annotations

import pytest
from sori_server.domain.events import Latency
from sori_server.domain.recognition import EngineTiming
from sori_server.session.latency import latency

pytestmark = pytest.mark.unit

TIMING = EngineTiming(queue=0.3, preprocessing=0.1, inference=0.2, batch_size=4)


def test_a_window_asked_for_when_its_text_is_wanted_is_told_as_it_was() -> None:
    assert latency(TIMING, 0.7, waited=8000) == Latency(0.7, 0.3, 0.1, 0.2, 0.5, 4)


@pytest.mark.parametrize(
    ("ahead", "total", "parts"),
    [
        (0.2, 0.5, (0.2, 0.1, 0.2)),
        (0.45, 0.25, (0.0, 0.05, 0.2)),
        (0.6, 0.1, (0.0, 0.0, 0.1)),
        (0.8, 0.0, (0.0, 0.0, 0.0)),
    ],
    ids=["in the queue", "while prepared", "in the model", "before"],
)
def test_only_the_end_of_one_asked_for_ahead_was_waited_for(
    ahead: float, total: float, parts: tuple[float, float, float]
) -> None:
    told = latency(TIMING, 0.7, ahead=round(ahead * 16000))
    assert told.total == pytest.approx(total)
    assert (told.queue, told.preprocessing, told.inference) == pytest.approx(parts)
