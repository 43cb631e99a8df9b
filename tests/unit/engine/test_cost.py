"""What the cost model learns, how fast, and what it never says."""

from __future__ import annotations

import math
import pickle
from collections.abc import Iterator
from dataclasses import replace
from random import Random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sori_server.engine.cost import MOST_ROWS, CallLoad, CostModel, Phase, Sample

pytestmark = pytest.mark.unit

FRAMES = (400, 800, 1200, 1600, 2400, 3000)
A_CALL = CallLoad(frames=800, rows=4, steps=20, beam_size=5, phase=Phase.RECOGNIZE)

loads = st.builds(
    CallLoad,
    frames=st.integers(1, 3000),
    rows=st.integers(1, 64),
    steps=st.integers(0, 224),
    beam_size=st.integers(1, 10),
    phase=st.sampled_from(Phase),
)
seconds = st.floats(1e-7, 1e4)
corrections = st.lists(st.tuples(loads, seconds), max_size=12)
coefficients = st.tuples(
    st.floats(0, 0.01), st.floats(1e-6, 1e-4), st.floats(0, 1e-8), st.floats(0, 0.01),
    st.floats(1e-5, 1e-3), st.floats(0, 1e-6),
)  # fmt: skip


def truth(load: CallLoad, cost: tuple[float, ...]) -> float:
    """A machine that does what the documentation of the module says."""
    fixed, linear, quadratic, step, beam, beam_frame = cost
    encoding = fixed + load.rows * (linear * load.frames + quadratic * load.frames**2)
    beams = load.rows * load.beam_size
    decoding = load.steps * (step + beams * (beam + beam_frame * load.frames))
    return encoding * (load.phase is not Phase.DECODE) + decoding * (load.phase is not Phase.ENCODE)


def start_up() -> Iterator[CallLoad]:
    """Calls that might be made at start-up."""
    for frames in FRAMES:
        for rows in (1, 4, 16):
            yield CallLoad(frames, rows, 0, 1, Phase.ENCODE)
            for steps, beam in ((4, 1), (24, 5)):
                yield CallLoad(frames, rows, steps, beam, Phase.DECODE)


MACHINE = (0.002, 1e-5, 2e-9, 0.001, 1e-4, 1e-7)


def fitted(cost: tuple[float, ...] = MACHINE, noise: float = 0.0) -> CostModel:
    chance = Random(1)  # noqa: S311
    model = CostModel()
    model.fit(
        [
            Sample(load, truth(load, cost) * (1 + noise * chance.uniform(-1, 1)))
            for load in start_up()
        ]
    )
    return model


# ------------------------------------------------------------------------------------- fitting


@settings(max_examples=25, deadline=None)
@given(cost=coefficients, load=loads)
def test_a_machine_of_this_form_is_recovered(cost: tuple[float, ...], load: CallLoad) -> None:
    assume(truth(load, cost) > 1e-5)
    assert fitted(cost).predict(load) == pytest.approx(truth(load, cost), rel=0.03)


@pytest.mark.parametrize("load", [A_CALL, *list(start_up())[::7]])
def test_noise_is_not_made_larger(load: CallLoad) -> None:
    assert fitted(noise=0.1).predict(load) == pytest.approx(truth(load, MACHINE), rel=0.1)


def test_a_sample_that_was_held_up_does_not_spoil_the_fit() -> None:
    samples = [Sample(load, truth(load, MACHINE)) for load in start_up()]
    samples[5] = replace(samples[5], seconds=100 * samples[5].seconds)
    model = CostModel()
    model.fit(samples)
    for load in start_up():
        assert model.predict(load) == pytest.approx(truth(load, MACHINE), rel=0.2)


def test_samples_of_whole_calls_suffice() -> None:
    calls = [
        CallLoad(frames, rows, steps, beam, Phase.RECOGNIZE)
        for frames in FRAMES
        for rows in (1, 8)
        for steps, beam in ((5, 1), (40, 1), (20, 5))
    ]
    model = CostModel()
    model.fit([Sample(load, truth(load, MACHINE)) for load in calls])
    assert model.predict(A_CALL) == pytest.approx(truth(A_CALL, MACHINE), rel=0.02)
    encoding = replace(A_CALL, phase=Phase.ENCODE)
    assert model.predict(encoding) == pytest.approx(truth(encoding, MACHINE), rel=0.1)


def test_of_equal_explanations_the_simplest_is_taken() -> None:
    call = CallLoad(100, 1, 1, 1, Phase.RECOGNIZE)
    model = CostModel()
    model.fit([Sample(replace(call, rows=rows), 0.25) for rows in (1, 2)])
    assert model.predict(A_CALL) == pytest.approx(0.25)
    assert model.most_rows(A_CALL, 0.3) == MOST_ROWS


def test_a_phase_without_samples_stays_as_it_was() -> None:
    model, encoding = CostModel(), [load for load in start_up() if load.phase is Phase.ENCODE]
    before = model.predict(replace(A_CALL, phase=Phase.DECODE))
    model.fit([Sample(load, truth(load, MACHINE)) for load in encoding])
    assert model.predict(encoding[3]) == pytest.approx(truth(encoding[3], MACHINE), rel=0.01)
    assert model.predict(replace(A_CALL, phase=Phase.DECODE)) == before


def test_before_a_fit_a_slow_machine_is_assumed() -> None:
    model = CostModel()
    assert model.predict(replace(A_CALL, frames=3000)) > 1.0
    assert model.most_rows(replace(A_CALL, frames=3000), 0.125) == 1
    model.fit([])
    assert model.predict(replace(A_CALL, frames=3000)) > 1.0


@pytest.mark.parametrize("wrong", [0.0, -1.0, math.nan, math.inf])
def test_samples_take_time(wrong: float) -> None:
    with pytest.raises(ValueError, match="seconds"):
        CostModel().fit([Sample(A_CALL, wrong)])


def test_samples_cross_process_borders() -> None:
    sample = Sample(A_CALL, 0.25)
    assert pickle.loads(pickle.dumps(sample)) == sample  # noqa: S301


def test_a_new_fit_forgets_corrections() -> None:
    model = fitted()
    for _ in range(5):
        model.correct(A_CALL, 10.0)
    model.fit([Sample(load, truth(load, MACHINE)) for load in start_up()])
    assert model.predict(A_CALL) == pytest.approx(truth(A_CALL, MACHINE), rel=0.02)


# --------------------------------------------------------------------------------- corrections


@pytest.mark.parametrize("change", [3.0, 1 / 3])
@pytest.mark.parametrize("phase", Phase)
def test_a_machine_that_changes_is_followed_within_sixteen_calls(
    change: float, phase: Phase
) -> None:
    model, load = fitted(), replace(A_CALL, phase=phase)
    for _ in range(16):
        model.correct(load, change * truth(load, MACHINE))
    assert model.predict(load) == pytest.approx(change * truth(load, MACHINE), rel=0.05)


def test_lengths_not_seen_yet_go_with_those_that_were() -> None:
    model = fitted()
    for _ in range(16):
        model.correct(A_CALL, 3 * truth(A_CALL, MACHINE))
    for frames in FRAMES:
        load = replace(A_CALL, frames=frames)
        assert model.predict(load) == pytest.approx(3 * truth(load, MACHINE), rel=0.05)


def test_each_length_has_a_correction_of_its_own() -> None:
    model, longer = fitted(), replace(A_CALL, frames=1600)
    for _ in range(30):
        model.correct(A_CALL, 0.5 * truth(A_CALL, MACHINE))
        model.correct(longer, 2 * truth(longer, MACHINE))
    assert model.predict(A_CALL) == pytest.approx(0.5 * truth(A_CALL, MACHINE), rel=0.05)
    assert model.predict(longer) == pytest.approx(2 * truth(longer, MACHINE), rel=0.05)


def test_corrections_do_not_grow_with_the_lengths_there_are() -> None:
    """A model without buckets has windows of any length, and each prediction looks at all."""
    model = fitted()
    for frames in range(1, 3001):
        load = replace(A_CALL, frames=frames)
        model.correct(load, 3 * truth(load, MACHINE))
    assert sum(map(len, model._corrections.values())) <= 30
    assert model.predict(A_CALL) == pytest.approx(3 * truth(A_CALL, MACHINE), rel=0.05)


@given(outlier=st.one_of(seconds, st.just(0.0), st.just(math.inf)))
def test_one_call_moves_it_by_less_than_a_fifth(outlier: float) -> None:
    model = fitted()
    before = model.predict(A_CALL)
    model.correct(A_CALL, outlier)
    assert 0.8 < model.predict(A_CALL) / before < 1.2


def test_an_outlier_is_forgotten() -> None:
    model = fitted()
    model.correct(A_CALL, 100 * truth(A_CALL, MACHINE))
    for _ in range(10):
        model.correct(A_CALL, truth(A_CALL, MACHINE))
    assert model.predict(A_CALL) == pytest.approx(truth(A_CALL, MACHINE), rel=0.02)


# ------------------------------------------------------------------------- what is always true


@settings(deadline=None)
@given(load=loads, history=corrections, fit=st.booleans())
def test_it_is_positive_and_more_never_costs_less(
    load: CallLoad, history: list[tuple[CallLoad, float]], fit: bool
) -> None:
    model = fitted() if fit else CostModel()
    for call, took in history:
        model.correct(call, took)
    predicted = model.predict(load)
    assert 0 < predicted < math.inf
    frames = [call.frames for call, _ in history if call.frames >= load.frames]
    more = [
        replace(load, rows=load.rows + 1),
        replace(load, steps=load.steps + 1),
        *(replace(load, frames=longer) for longer in [load.frames + 1, *frames]),
    ]
    for larger in more:
        assert model.predict(larger) >= predicted * (1 - 1e-9)


@settings(deadline=None)
@given(load=loads, history=corrections, quantum=st.floats(0, 10))
def test_as_many_rows_as_fit_and_no_more(
    load: CallLoad, history: list[tuple[CallLoad, float]], quantum: float
) -> None:
    model = fitted()
    for call, took in history:
        model.correct(call, took)
    rows = model.most_rows(load, quantum)
    assert 1 <= rows <= MOST_ROWS
    assert rows == 1 or model.predict(replace(load, rows=rows)) <= quantum
    assert rows == MOST_ROWS or model.predict(replace(load, rows=rows + 1)) > quantum


# ---------------------------------------------------------------------------------- expectation


def test_speech_has_four_tokens_a_second_until_they_are_counted() -> None:
    model = CostModel()
    assert [model.expected_steps(length) for length in (0.0, 1.0, 5.0)] == [1, 5, 21]
    for _ in range(400):
        model.count_steps(3.0, 1 + 3 * 9)
    assert model.expected_steps(5.0) == pytest.approx(46, abs=1)


def test_a_looping_text_hardly_counts() -> None:
    model = CostModel()
    for _ in range(100):
        model.count_steps(3.0, 13)
    before = model.expected_steps(10.0)
    model.count_steps(3.0, 224)
    assert model.expected_steps(10.0) <= 1.05 * before
    for _ in range(100):
        model.count_steps(0.0, 224)
    assert model.expected_steps(10.0) <= 1.05 * before


def test_speech_is_expected_again_after_much_that_had_no_words() -> None:
    model = CostModel()
    for _ in range(400):
        model.count_steps(30.0, 1)
    assert model.expected_steps(5.0) <= 2
    for _ in range(400):
        model.count_steps(3.0, 13)
    assert model.expected_steps(5.0) == pytest.approx(21, abs=1)


@given(lengths=st.lists(st.tuples(st.floats(0, 30), st.integers(0, 224)), max_size=20))
def test_more_speech_never_takes_fewer_steps(lengths: list[tuple[float, int]]) -> None:
    model = CostModel()
    for length, steps in lengths:
        model.count_steps(length, steps)
    expected = [model.expected_steps(length) for length in (0.0, 1.0, 2.0, 30.0)]
    assert expected == sorted(expected)
    assert expected[0] >= 1
