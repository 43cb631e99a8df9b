"""The scheduler and its cost model under the load of many conversations, in virtual time."""

from __future__ import annotations

from dataclasses import replace

import pytest
from simulation.gpu import TURBO_30
from simulation.streams import Outcome, Setting, Simulation
from sori_server.engine.cost import CallLoad, Phase
from sori_server.engine.scheduler.policy import Order, Policy

pytestmark = pytest.mark.unit

SECONDS = 40.0
FEW = Setting(TURBO_30, 60, seconds=SECONDS)
MANY = replace(FEW, streams=400)
DEADLINE = 1.0


def ran(setting: Setting) -> tuple[Simulation, Outcome]:
    simulation = Simulation(setting)
    return simulation, simulation.run()


def interims(outcome: Outcome) -> float:
    return outcome.interims / len(outcome.latencies)


@pytest.fixture(scope="module")
def few() -> Outcome:
    return ran(FEW)[1]


@pytest.fixture(scope="module")
def many() -> tuple[Simulation, Outcome]:
    return ran(MANY)


def test_few_get_all_their_text_in_time(few: Outcome) -> None:
    assert few.p95() <= DEADLINE
    assert interims(few) > 3


def test_a_load_is_served_the_same_way_each_time(few: Outcome) -> None:
    assert ran(FEW)[1] == few


def test_many_get_finals_in_time_and_few_interims(
    few: Outcome, many: tuple[Simulation, Outcome]
) -> None:
    _, outcome = many
    assert outcome.p95() <= DEADLINE
    assert 0 < interims(outcome) < interims(few) / 3


def test_nothing_is_left_when_everybody_is_silent(many: tuple[Simulation, Outcome]) -> None:
    """Every window was answered, withdrawn or replaced, also those that were encoded apart."""
    simulation, outcome = many
    assert outcome.rows[Phase.DECODE]
    assert (simulation.scheduler.waiting, simulation.scheduler.active) == (0, 0)


def test_many_are_decoded_together_that_were_encoded_a_few_at_a_time(
    many: tuple[Simulation, Outcome],
) -> None:
    _, outcome = many
    assert max(outcome.rows[Phase.ENCODE]) <= MANY.limits.max_batch
    assert max(outcome.rows[Phase.DECODE]) > MANY.limits.max_batch


def test_first_come_first_served_finals_of_many_are_late() -> None:
    fifo = replace(MANY, policy=Policy(order=Order.FIFO), seconds=30.0)
    assert ran(fifo)[1].p95() > DEADLINE


def test_a_gpu_that_is_slower_than_at_the_warm_up_is_learnt() -> None:
    """Predictions follow what calls take; who believed the warm-up would be wrong by a half."""
    slower = replace(TURBO_30, encode_row=1.5 * TURBO_30.encode_row, step=1.5 * TURBO_30.step)
    simulation, _ = ran(replace(FEW, streams=20, roofline=slower, believed=TURBO_30, lanes=1))
    call = CallLoad(TURBO_30.frames, 1, 6, 5, Phase.RECOGNIZE)
    took = slower.encoding(call) + slower.decoding(call)

    assert simulation.cost.predict(call) == pytest.approx(took, rel=0.1)
    assert TURBO_30.fitted().predict(call) < 0.75 * took
