"""Who is let in, by how late finals would be: the formula, the estimate, and a busy service."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from sori_server.domain.errors import CapacityExhausted
from sori_server.domain.limits import Limits
from sori_server.engine.port import EngineLoad
from sori_server.runtime.admission import Admission, Reading, late_wait, waiting_share
from support.simulated_service import SimulatedService, Traffic

pytestmark = pytest.mark.unit

LIMITS = Limits(max_streams=1000, retry_delay=1.0)
TENTH = EngineLoad(lanes=2, final_cost=0.1)
"""By the prior, 60 streams that speak without a pause fill it."""


class Told:
    """An admission, and a server whose streams and work are told."""

    def __init__(self, engine: EngineLoad = TENTH, limits: Limits = LIMITS) -> None:
        self.admission = Admission(limits)
        self.at = Reading(1000.0, 0, engine, 5.0)
        self.admission.observe(self.at)

    def pass_by(
        self,
        seconds: float,
        finals: float = 0.0,
        loop: float = 0.0,
        wait: float = 0.0,
        gateway: float = 0.0,
    ) -> None:
        """Time passes; `finals`, `loop` and `gateway` are per second of an open stream."""
        done = seconds * self.at.streams
        busy = self.at.engine.finals_busy + finals * done
        engine = replace(self.at.engine, finals_busy=busy, final_wait=wait)
        loop_busy = self.at.loop_busy + loop * done
        self.at = replace(
            self.at,
            now=self.at.now + seconds,
            engine=engine,
            loop_busy=loop_busy,
            gateway_busy=self.at.gateway_busy + gateway * done,
        )

    def come(self, most: int = 1) -> int:
        """Up to `most` streams come at once; how many are let in."""
        for came in range(most):
            try:
                self.admission.check(self.at)
            except CapacityExhausted:
                return came
            self.at = replace(self.at, streams=self.at.streams + 1)
        return most

    def leave(self, count: int) -> None:
        self.admission.observe(self.at)
        self.at = replace(self.at, streams=self.at.streams - count)

    def refusal(self) -> CapacityExhausted:
        with pytest.raises(CapacityExhausted) as refused:
            self.admission.check(self.at)
        return refused.value


# ------------------------------------------------------------------------------- the formula


@pytest.mark.parametrize(
    ("load", "lanes", "share"),
    [(0.0, 1, 0.0), (0.3, 1, 0.3), (0.8, 1, 0.8), (1.0, 2, 1 / 3), (3.0, 4, 0.5094)],
)
def test_the_share_that_waits_is_erlangs(load: float, lanes: int, share: float) -> None:
    assert waiting_share(load, lanes) == pytest.approx(share, abs=1e-4)


def test_late_waits_grow_with_load_and_shrink_with_lanes() -> None:
    waits = [late_wait(load / 10, 2, 0.1) for load in range(21)]
    assert waits == sorted(waits)
    assert (waits[0], waits[20], late_wait(3.0, 2, 0.1)) == (0.0, math.inf, math.inf)
    assert late_wait(1.6, 4, 0.1) < late_wait(0.8, 2, 0.1) < late_wait(0.4, 1, 0.1)


# ------------------------------------------------------------------------------ the estimate


def test_those_that_come_at_once_to_an_idle_server_are_judged_by_continuous_speech() -> None:
    told = Told()
    assert 40 <= told.come(100) < 60


def test_the_refusal_says_why_and_when_to_come_again() -> None:
    told = Told()
    streams = told.come(100)
    error = told.refusal()
    assert error.reason == "STREAM_CAPACITY_EXHAUSTED"
    assert error.metadata["active_streams"] == str(streams)
    assert error.metadata["max_final_delay"] == "0.500"
    assert float(error.metadata["predicted_delay"]) > 0.5
    assert error.retry_after == 15.0
    for _ in range(20):
        told.leave(5)
        told.pass_by(1.0, finals=0.04)
        told.come(10)
    assert told.refusal().retry_after == 1.0


def test_streams_that_prove_lighter_make_room_for_more() -> None:
    told = Told()
    first = told.come(100)
    for _ in range(12):
        told.pass_by(5.0, finals=0.1 / 6)
        told.come(100)
    assert 1.5 * first < told.at.streams < 120


def test_streams_that_prove_heavier_leave_less_room() -> None:
    told = Told()
    told.come(20)
    told.pass_by(60.0, finals=0.08)
    assert told.come(100) <= 5


def test_many_new_ones_are_not_believed_to_be_like_a_few_known() -> None:
    told = Told()
    told.come(2)
    told.pass_by(60.0, finals=0.0)
    assert 38 <= told.come(500) < 90


def test_what_streams_needed_long_ago_is_forgotten() -> None:
    told = Told()
    told.come(20)
    told.pass_by(3600.0, finals=0.09)
    assert told.come(100) == 0
    for _ in range(30):
        told.pass_by(5.0, finals=0.01)
        told.admission.observe(told.at)
    assert told.come(100) > 40


def test_what_an_idle_server_does_is_no_streams_work() -> None:
    told, fresh = Told(), Told()
    busy = replace(told.at.engine, finals_busy=500.0)
    told.at = replace(told.at, now=told.at.now + 600.0, engine=busy, loop_busy=900.0)
    assert told.come(100) == fresh.come(100)


def test_a_server_that_has_just_started_does_not_count_its_start() -> None:
    admission = Admission(LIMITS)
    warm = EngineLoad(2, finals_busy=100.0, final_cost=0.1)
    for streams in range(30):
        admission.check(Reading(5.0, streams, warm, 100.0))


def test_interims_do_not_count_but_one_may_be_in_front() -> None:
    none = Told(replace(TENTH, interim_interval=math.inf)).come(100)
    many = Told(replace(TENTH, interims_busy=10_000.0, interim_interval=2.0)).come(100)
    assert 0.9 * none < many < none


def test_the_event_loop_has_one_core() -> None:
    told = Told(EngineLoad(lanes=64, final_cost=0.001))
    told.come(50)
    told.pass_by(120.0, loop=0.01)
    assert 20 <= told.come(1000) < 50


def test_finals_that_wait_now_keep_others_out_until_that_is_over() -> None:
    told = Told()
    told.come(5)
    told.pass_by(5.0, finals=0.01, wait=0.6)
    assert told.come() == 0
    told.pass_by(5.0)
    told.admission.observe(told.at)
    assert told.come() == 0
    told.pass_by(20.0, wait=0.6)
    assert told.come() == 1, "there were no finals since"
    told.pass_by(1.0, finals=0.01, wait=0.6)
    told.pass_by(1.0, finals=0.01, wait=0.0)
    assert told.come() == 1


def test_one_stream_is_always_let_in() -> None:
    told = Told(EngineLoad(lanes=1, final_cost=30.0, final_wait=100.0))
    assert told.come(2) == 1
    assert told.refusal().metadata["predicted_delay"] == "inf"


def test_a_slow_model_is_judged_by_its_own_time() -> None:
    told = Told(EngineLoad(lanes=4, final_cost=0.6, interim_interval=math.inf))
    assert 2 <= told.come(100) <= 15
    assert told.refusal().metadata["max_final_delay"] == "1.800"


def test_who_sets_no_limit_gets_none() -> None:
    unlimited = replace(
        LIMITS, max_final_delay=math.inf, max_gateway_load=math.inf, max_streams=300
    )
    told = Told(EngineLoad(final_cost=9.0, final_wait=math.inf), unlimited)
    assert told.come(500) == 300
    assert told.refusal().metadata == {"active_streams": "300", "max_streams": "300"}


# ---------------------------------------------------------------------------- a busy service


def fitting(traffic: Traffic, allowed: float) -> int:
    """The most streams at which 95 % of finals are in time, found by trying."""
    fits, too_many = 1, int(traffic.lanes * traffic.pause / traffic.cost)
    while too_many - fits > max(0.02 * too_many, 1):
        most = (fits + too_many) // 2
        full = replace(traffic, arrivals=10 * most / traffic.duration)
        if SimulatedService(full, Admission(LIMITS), most=most).run(900).late(200) <= allowed:
            fits = most
        else:
            too_many = most
    return fits


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(
    ("traffic", "least"),
    [
        (Traffic(1.0), 0.85),
        (Traffic(1.0, cost=0.05, pause=3.0), 0.85),
        (Traffic(1.0, cost=0.1, pause=12.0), 0.8),
        (Traffic(1.0, cost=0.1, lanes=4), 0.85),
        (Traffic(1.0, cost=0.2), 0.7),
        (Traffic(1.0, cost=0.1, lanes=1), 0.6),
    ],
)
def test_at_twice_the_capacity_finals_are_in_time_and_few_are_sent_away_for_nothing(
    traffic: Traffic, least: float, seed: int
) -> None:
    """`least` is of the streams that would have fitted, had one known their number."""
    allowed = max(LIMITS.max_final_delay, 3 * traffic.cost)
    fits = fitting(traffic, allowed)
    twice = replace(traffic, arrivals=2 * fits / traffic.duration)
    service = SimulatedService(twice, Admission(LIMITS), seed).run(1500)
    assert service.late(200) <= allowed
    assert least * fits <= service.mean_streams(200) <= fits
    assert service.refusals > 100


def test_nobody_is_refused_at_half_the_capacity() -> None:
    service = SimulatedService(Traffic(arrivals=50 / 90), Admission(LIMITS)).run(1500)
    assert service.refusals == 0


def test_streams_are_refused_that_would_need_too_much_of_the_gateway() -> None:
    told = Told(EngineLoad(lanes=2, final_cost=0.001))
    assert told.come(20) == 20
    for _ in range(20):
        told.pass_by(5.0, gateway=0.025)
    assert 11 <= told.come(20) <= 16, "0.85 of a core is 34 such streams"
    error = told.refusal()

    assert error.reason == "STREAM_CAPACITY_EXHAUSTED"
    assert float(error.metadata["predicted_gateway_load"]) > 0.85
    assert error.metadata["max_gateway_load"] == "0.850"
    assert error.metadata["active_streams"] == str(told.at.streams)


def test_a_recording_that_comes_fast_keeps_nobody_out() -> None:
    told = Told(EngineLoad(lanes=2, final_cost=0.001))
    told.come(2)
    for _ in range(20):
        told.pass_by(5.0, gateway=0.4)
        told.at = replace(told.at, audio=told.at.audio + 5.0 * 2 * 50)
    assert told.come(20) == 20


def test_one_stream_is_let_in_however_busy_the_gateway_is() -> None:
    told = Told(EngineLoad(lanes=2, final_cost=0.001))
    told.come(1)
    for _ in range(20):
        told.pass_by(5.0, gateway=2.0)
    told.refusal()
    told.leave(1)
    assert told.come(1) == 1


def test_a_file_at_full_speed_keeps_no_live_stream_out() -> None:
    """What the gateway does for it is divided by its audio, not put down to those who speak."""
    told = Told(EngineLoad(lanes=8, final_cost=0.01))
    told.come(4)
    told.pass_by(120.0, finals=0.01, loop=0.003, gateway=0.008)
    alone = told.come(1000)
    told.leave(alone)
    seconds = 120.0
    told.at = replace(
        told.at,
        now=told.at.now + seconds,
        loop_busy=told.at.loop_busy + 0.7 * seconds,
        gateway_busy=told.at.gateway_busy + 0.9 * seconds,
        audio=told.at.audio + 200 * seconds,
    )
    assert told.come(1000) >= 0.8 * alone
