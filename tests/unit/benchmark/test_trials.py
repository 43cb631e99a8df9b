from typing import Any

import pytest
from sori_server.benchmark.capacity import Verdict
from sori_server.benchmark.figures import Growth, Losses, RunFigures, Sending, Words
from sori_server.benchmark.judging import complaints
from sori_server.benchmark.trials import VOID_RUNS, capacity, judged, verdicts
from support.loads import run_figures

pytestmark = pytest.mark.unit

LATE = Sending(0.006, 0.1, 0.001, 0.0, 0.0, 0.1)


def test_nothing_speaks_against_a_good_run() -> None:
    assert complaints(run_figures(4), 1.0) == ()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"finalisation": [0.4] * 9 + [1.2]}, "p95 finalisation 1.20 s"),
        ({"finalisation": []}, "no final result"),
        ({"losses": Losses(3, 9, 0, 0, (), 9, 0, 0)}, "3 samples lost"),
        ({"losses": Losses(0, 9, 1, 0, (), 9, 0, 0)}, "1 streams refused"),
        ({"losses": Losses(0, 9, 0, 2, ("gone",), 9, 0, 0)}, "2 streams failed"),
        ({"losses": Losses(0, 9, 0, 0, (), 9, 1, 0)}, "1 finals missing"),
        ({"losses": Losses(0, 9, 0, 0, (), 9, 0, 1)}, "1 finals doubled"),
        ({"growth": Growth("queue", 0.3, 0.05)}, "queue delay grows by 0.30 s"),
        ({"words": Words.of(1_000, 60, 50.0)}, "WER +1.00 points"),
    ],
)
def test_each_fault_is_told(wrong: dict[str, Any], said: str) -> None:
    (complaint,) = complaints(_run(wrong), 1.0)
    assert said in complaint


def _run(wrong: dict[str, Any]) -> RunFigures:
    if isinstance(times := wrong.get("finalisation"), list):
        return run_figures(4, times)
    return run_figures(4, **wrong)


@pytest.mark.parametrize(
    "fine",
    [
        {"losses": Losses(None, 9, 0, 0, (), 9, 0, 0)},
        {"growth": Growth("queue", 0.3, 0.11)},
        {"words": Words.of(100, 6, 5.0)},
        {"words": Words.of(10_000, 519, 500.0)},
        {"words": Words.of(1_000, 90, None)},
    ],
)
def test_what_is_not_known_or_within_its_bound_is_no_fault(fine: dict[str, Any]) -> None:
    assert complaints(_run(fine), 1.0) == ()


def test_a_late_generator_voids_a_run() -> None:
    assert judged(run_figures(4, sending=LATE), [1.0]).void
    assert judged(run_figures(4, sending=Sending(None, None, None, None, None, 0)), [1.0]).void
    assert judged(run_figures(4, sending=Sending(0.001, 0, 0.007, 0, 0, 0)), [1.0]).void
    assert not judged(run_figures(4), [1.0]).void


def test_a_number_is_served_if_it_was_in_all_its_runs() -> None:
    good, bad = judged(run_figures(4), [1.0]), judged(run_figures(4, [3.0]), [1.0])
    void = judged(run_figures(4, sending=LATE), [1.0])
    assert verdicts([good], 1.0, 2) == {}
    assert verdicts([good, good], 1.0, 2) == {4: Verdict.SERVED}
    assert verdicts([good, bad], 1.0, 2) == {4: Verdict.NOT_SERVED}
    assert verdicts([good, void], 1.0, 2) == {}
    assert verdicts([void] * VOID_RUNS, 1.0, 1) == {4: Verdict.VOID}


def test_deadlines_share_runs() -> None:
    runs = [judged(run_figures(n, [0.1 * n]), [0.5, 1.0]) for n in (4, 5, 6, 10, 11)]
    assert capacity(runs, 0.5, 1).streams == 5
    found = capacity(runs, 1.0, 1)
    assert (found.streams, found.failed_at, found.why) == (10, 11, ("p95 finalisation 1.10 s",))


def test_a_search_that_the_generator_ended_says_so() -> None:
    runs = [judged(run_figures(4), [1.0])]
    runs += [judged(run_figures(8, sending=LATE), [1.0])] * VOID_RUNS
    assert capacity(runs, 1.0, 1).why == ("the generator did not keep its schedule",)
