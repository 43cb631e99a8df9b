"""Windows that killed the worker are known again, for ten minutes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sori_server.domain.audio import Span
from sori_server.domain.recognition import DecodingOptions
from sori_server.engine.model import WindowTask
from sori_server.engine.quarantine import DURATION, MOST, Quarantine

pytestmark = pytest.mark.unit


def task(word: int, start: int = 0) -> WindowTask:
    features = np.full((80, 30), word, np.float32)
    return WindowTask(features, Span(start, start + 1_600), (1, 2), DecodingOptions(beam_size=5))


def test_a_window_is_known_by_what_the_model_gets() -> None:
    quarantine = Quarantine()
    quarantine.add(task(1), now=0.0)

    assert quarantine.holds(task(1), now=1.0)
    assert quarantine.holds(task(1, start=9_600), now=1.0), "wherever it lies"
    assert not quarantine.holds(task(2), now=1.0)
    assert not quarantine.holds(replace(task(1), prompt=(1, 3)), now=1.0)


def test_it_ends_after_ten_minutes_and_is_bounded() -> None:
    quarantine = Quarantine()
    for word in range(MOST + 1):
        quarantine.add(task(word), now=0.0)

    assert DURATION == 600.0
    assert not quarantine.holds(task(0), now=1.0)
    assert quarantine.holds(task(1), now=599.0)
    assert not quarantine.holds(task(1), now=600.0)
