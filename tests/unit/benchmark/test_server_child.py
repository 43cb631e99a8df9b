"""What a server of a search is told."""

from __future__ import annotations

import pytest
from sori_server.benchmark.server_child import NO_ADMISSION, ROOM
from sori_server.engine.port import EngineLoad
from sori_server.runtime.admission import Admission, Reading
from sori_server.settings import load_settings

pytestmark = pytest.mark.unit


def test_a_search_refuses_nobody_however_much_work_they_are() -> None:
    """Else it would find what admission lets in, not what is served in time."""
    limits = load_settings({}, {**ROOM, **NO_ADMISSION}).limits
    admission = Admission(limits)
    busy = 0.0
    for streams in range(limits.max_streams):
        now = streams / 100
        busy += streams / 100
        engine = EngineLoad(lanes=2, final_cost=0.3, finals_busy=busy, final_wait=now)
        admission.check(Reading(now, streams, engine, loop_busy=now, gateway_busy=now))
