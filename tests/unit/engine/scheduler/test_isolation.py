"""Bisection of batches whose worker died."""

from __future__ import annotations

import math
from collections import deque

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sori_server.engine.scheduler.isolation import isolate

pytestmark = pytest.mark.unit


def test_a_batch_is_halved() -> None:
    verdict = isolate(("a", "b", "c"), 1)

    assert verdict.retry == (("a",), ("b", "c"))
    assert verdict.quarantined == ()


def test_a_lone_job_gets_a_second_chance_because_workers_also_die_of_other_causes() -> None:
    assert isolate(("a",), 1).retry == (("a",),)


def test_a_job_that_was_alone_at_its_second_crash_is_quarantined() -> None:
    verdict = isolate(("a",), 2)

    assert verdict.retry == ()
    assert verdict.quarantined == ("a",)


def test_nothing_becomes_of_nothing() -> None:
    verdict = isolate((), 1)

    assert verdict.retry == verdict.quarantined == ()


@settings(deadline=None)
@given(size=st.integers(1, 40), data=st.data())
def test_innocents_are_answered_and_killers_found_within_the_bound(
    size: int, data: st.DataObject
) -> None:
    killers = data.draw(st.sets(st.integers(0, size - 1)))
    batches = deque([(tuple(range(size)), 0)])
    answered: list[int] = []
    quarantined: list[int] = []
    crashes = dict.fromkeys(range(size), 0)
    while batches:
        jobs, crashed = batches.popleft()
        if killers.isdisjoint(jobs):
            answered.extend(jobs)
            continue
        for job in jobs:
            crashes[job] += 1
        verdict = isolate(jobs, crashed + 1)
        batches.extend((group, crashed + 1) for group in verdict.retry)
        quarantined.extend(verdict.quarantined)

    assert sorted(answered) == sorted(set(range(size)) - killers)
    assert sorted(quarantined) == sorted(killers)
    assert max(crashes.values()) <= max(2, math.ceil(math.log2(size)) + 1)
