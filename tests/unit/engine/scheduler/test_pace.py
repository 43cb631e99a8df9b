"""Interims become rarer while windows wait, and come back."""

from __future__ import annotations

import math

import pytest
from sori_server.domain.recognition import WindowKind
from sori_server.engine.scheduler.pace import (
    FALL,
    INTERVALS,
    LAG,
    MEMORY,
    RISE,
    TOLERATED,
    InterimPace,
)

pytestmark = pytest.mark.unit

FINAL, INTERIM = WindowKind.FINAL, WindowKind.INTERIM
DUE = 0.4
TOO_LONG = TOLERATED * DUE


def after(pace: InterimPace, kind: WindowKind, wait: float, seconds: float, start: float) -> float:
    """Ten windows a second waited this long; the time then."""
    for k in range(round(10 * seconds)):
        pace.observe(kind, wait, DUE, start + k / 10)
    return start + seconds


@pytest.mark.parametrize("kind", WindowKind)
def test_interims_become_rarer_step_by_step_while_windows_wait(kind: WindowKind) -> None:
    pace, seen = InterimPace(DUE), []
    for second in range(8):
        after(pace, kind, 2 * TOO_LONG, 1.0, float(second))
        seen.append(pace.interval)

    assert seen[-1] == math.inf
    assert list(dict.fromkeys([0.0, *seen])) == list(INTERVALS)


def test_no_two_steps_up_are_closer_than_what_the_first_one_needs_to_show() -> None:
    pace = InterimPace(DUE)
    after(pace, FINAL, 10.0, RISE - 0.1, 0.0)

    assert pace.interval == INTERVALS[1]


def test_a_single_window_that_waits_changes_nothing() -> None:
    pace = InterimPace(DUE)
    now = after(pace, FINAL, 0.0, 5.0, 0.0)
    pace.observe(FINAL, 4 * TOO_LONG, DUE, now)

    assert pace.interval == 0.0


def test_interims_come_back_one_step_for_each_easy_while() -> None:
    pace = InterimPace(DUE)
    now = after(pace, INTERIM, 1.0, 8.0, 0.0)
    seen = []
    for _ in range(3):
        now = after(pace, FINAL, 0.0, FALL + 0.2, now)
        seen.append(pace.interval)

    assert seen == [2.0, 1.0, 0.0]


def test_interims_come_back_while_there_is_nothing_to_wait() -> None:
    pace = InterimPace(DUE)
    now = after(pace, INTERIM, 1.0, 8.0, 0.0)
    for _ in range(3):
        pace.rest(now + FALL - 0.2)
        now += FALL
        pace.rest(now)

    assert pace.interval == 0.0
    assert pace.eased == now


def test_what_is_neither_easy_nor_hard_keeps_things_as_they_are() -> None:
    pace = InterimPace(DUE)
    now = after(pace, INTERIM, 1.0, 1.5, 0.0)
    level = pace.interval
    after(pace, INTERIM, 0.5 * TOO_LONG, 60.0, now)

    assert pace.interval == level > 0


def test_interims_stay_as_asked_for_where_they_are_not_adapted() -> None:
    pace = InterimPace(DUE, adaptive=False)
    after(pace, FINAL, 10.0, 10.0, 0.0)

    assert pace.interval == 0.0


def test_the_wait_of_finals_is_told_but_for_one_in_twenty_and_forgotten() -> None:
    pace = InterimPace(DUE)
    for k in range(1, 21):
        pace.observe(FINAL, k / 100, DUE, 0.0)
    pace.observe(INTERIM, 9.0, DUE, 0.0)

    assert pace.final_wait(0.0) == pytest.approx(0.19)
    assert pace.final_wait(MEMORY + 0.1) == 0.0


def test_no_final_waits_before_its_utterance_has_ended() -> None:
    pace = InterimPace(DUE)
    pace.observe(FINAL, 0.2, DUE + 0.3, 0.0)
    assert pace.final_wait(0.0) == 0.0
    pace.observe(FINAL, 0.5, DUE + 0.3, 0.0)

    assert pace.final_wait(0.0) == pytest.approx(0.2)


def late_by(lag: float, windows: int) -> InterimPace:
    """After ten calls of so many windows that nobody waited for, each answer seen so late."""
    pace = InterimPace(DUE)
    for k in range(10):
        for _ in range(windows):
            pace.observe(FINAL, 0.0, DUE, k / 5)
        pace.lag(lag, k / 5)
    return pace


@pytest.mark.parametrize("windows", [1, 4, 16])
def test_interims_become_rarer_while_nobody_has_time_for_answers(windows: int) -> None:
    """However many windows share a call: they say nothing of the event loop."""
    assert late_by(1.2 * LAG, windows).interval > 0
    assert late_by(0.95 * LAG, windows).interval == 0


@pytest.mark.parametrize("kind", WindowKind)
def test_answers_that_are_seen_at_once_hide_no_wait(kind: WindowKind) -> None:
    pace = InterimPace(DUE)
    for k in range(10):
        pace.observe(kind, 1.2 * TOO_LONG, DUE, k / 5)
        for _ in range(4):
            pace.lag(0.0, k / 5)

    assert pace.interval > 0
