"""Whatever is lost of a session, each of its words is delivered once."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support.random_sessions import history

pytestmark = pytest.mark.unit

PARTS = 5
EXAMPLES = 200
"""In each part, so that none takes long."""


@pytest.mark.parametrize("part", range(PARTS))
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32))
def test_every_word_is_delivered_once_whatever_is_lost(part: int, seed: int) -> None:
    played = history(PARTS * seed + part)
    played.run()
    played.check()


@settings(max_examples=EXAMPLES // 2, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32), channels=st.integers(2, 3))
@example(seed=195, channels=2)
@example(seed=1965, channels=3)
def test_each_channel_goes_on_from_its_own_place(seed: int, channels: int) -> None:
    played = history(seed, channels)
    played.run()
    played.check()
