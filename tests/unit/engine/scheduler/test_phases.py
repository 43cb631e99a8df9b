"""Sizes of calls, and when encoding and decoding are calls of their own."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sori_server.domain.audio import Span
from sori_server.domain.limits import Limits
from sori_server.domain.recognition import WindowKind
from sori_server.engine.cost import CallLoad, CostModel, Phase, Sample
from sori_server.engine.scheduler.jobs import Binding, BoundJob, Job
from sori_server.engine.scheduler.phases import Phases

pytestmark = pytest.mark.unit

ALONE = CallLoad(frames=3000, rows=1, steps=20, beam_size=1, phase=Phase.RECOGNIZE)


def costing(encode_row: float, decode_call: float, decode_row: float) -> CostModel:
    """A model of which these are the seconds of calls for `ALONE`."""

    def seconds(load: CallLoad) -> float:
        encode = encode_row * load.rows
        decode = decode_call + decode_row * load.rows
        return encode * (load.phase is not Phase.DECODE) + decode * (load.phase is not Phase.ENCODE)

    loads = [replace(ALONE, rows=rows, phase=phase) for rows in (1, 8) for phase in Phase]
    cost = CostModel()
    cost.fit([Sample(load, seconds(load)) for load in loads])
    return cost


GPU = costing(0.012, 0.04, 0.0002)
"""large-v3-turbo by the roofline: encoding is work, decoding is launches."""
CPU = costing(0.012, 0.001, 0.004)
"""mini on one core: no window makes another cheaper."""


def jobs(count: int, *, first: int = 0, deadline: float = 10.0, key: str = "k") -> list[BoundJob]:
    binding = Binding(key, Span(0, 16_000), ALONE)
    return [
        BoundJob(Job(first + k, first + k, WindowKind.FINAL, deadline, lambda: binding), binding)
        for k in range(count)
    ]


def test_few_windows_are_recognized_in_one_call() -> None:
    ready = jobs(5)

    assert Phases(Limits(), GPU).choose(ready, [], 0.0) == (Phase.RECOGNIZE, tuple(ready))


def test_many_are_encoded_in_calls_that_are_short_enough() -> None:
    phase, chosen = Phases(Limits(max_call_time=0.15), GPU).choose(jobs(30), [], 0.0)

    assert phase is Phase.ENCODE
    assert len(chosen) == 12


def test_and_decoded_in_one() -> None:
    phases, ready, encoded = Phases(Limits(max_call_time=0.15), GPU), jobs(30), []
    calls = []
    while ready or encoded:
        phase, chosen = phases.choose(ready, encoded, 0.0)
        calls.append((phase, len(chosen)))
        if phase is Phase.ENCODE:
            encoded += chosen
            ready = ready[len(chosen) :]
        else:
            encoded = encoded[len(chosen) :]

    assert calls == [
        (Phase.ENCODE, 12),
        (Phase.ENCODE, 12),
        (Phase.ENCODE, 6),
        (Phase.DECODE, 30),
    ]


def test_what_would_be_late_for_company_is_decoded_without() -> None:
    phases, encoded = Phases(Limits(max_call_time=0.15), GPU), jobs(4, deadline=0.1)

    assert phases.choose(jobs(12, first=10), encoded, 0.0) == (Phase.DECODE, tuple(encoded))
    late = phases.choose(jobs(12, first=10), encoded, 5.0)
    assert late[0] is Phase.ENCODE, "it is late anyway: together they cost less"


def test_windows_of_another_key_are_no_company() -> None:
    encoded = jobs(4)

    assert Phases(Limits(), GPU).choose(jobs(9, key="l"), encoded, 0.0)[0] is Phase.DECODE


def test_phases_are_not_split_where_that_saves_nothing() -> None:
    phase, chosen = Phases(Limits(max_call_time=0.1), CPU).choose(jobs(30), [], 0.0)

    assert phase is Phase.RECOGNIZE
    assert len(chosen) == 6


def test_nor_where_the_policy_forbids_it() -> None:
    phase, _ = Phases(Limits(max_call_time=0.15), GPU, split=False).choose(jobs(30), [], 0.0)

    assert phase is Phase.RECOGNIZE


def test_a_window_that_takes_long_alone_gets_company_that_costs_nothing() -> None:
    slow = costing(0.0001, 0.5, 0.0001)
    phase, chosen = Phases(Limits(max_call_time=0.1, max_batch=8), slow).choose(jobs(8), [], 0.0)

    assert phase is Phase.RECOGNIZE
    assert len(chosen) == 8


def test_a_window_that_takes_long_alone_is_alone_if_company_takes_as_long() -> None:
    phase, chosen = Phases(Limits(max_call_time=0.1), costing(0.5, 0.01, 0.01)).choose(
        jobs(9), [], 0.0
    )

    assert phase is Phase.RECOGNIZE
    assert len(chosen) == 1


def test_nothing_is_chosen_from_nothing() -> None:
    assert Phases(Limits(), GPU).choose([], [], 0.0) == (Phase.RECOGNIZE, ())
