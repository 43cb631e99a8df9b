import numpy as np
import pytest
from sori_server.benchmark.measuring import Period
from sori_server.benchmark.records import ShareRecord, StreamRecord
from sori_server.benchmark.scripts import Manner, StreamPlan
from sori_server.benchmark.summing import Run, error_rates, figures, line_through
from support.loads import final, plan, record, spoken

pytestmark = pytest.mark.unit

PERIOD = Period(0.0, 10.0)


def run_of(*records: StreamRecord, manners: tuple[Manner, ...] = ()) -> Run:
    script = plan(spoken(1, 2), spoken(4, 5, block="b")).script
    kinds = manners or (Manner.STEADY,) * len(records)
    plans = tuple(StreamPlan(k, script, 0.0, 0.0, manner) for k, manner in enumerate(kinds))
    ticks = np.full(1_000, 0.0005, np.float32)
    return Run(plans, (ShareRecord(records, ticks, 0.5),), PERIOD, 10.0, by_final=False)


def good(number: int = 0, text: str = "red blue", **other: object) -> StreamRecord:
    heard = ((2.5, final(0.8, 2.2, text)), (5.5, final(3.8, 5.3, utterance=1)))
    return record(*heard, number=number, **other)


def test_streams_add_up() -> None:
    found = figures(run_of(good(), good(1)), None)
    assert (found.streams, found.losses.utterances, found.finalisation.count) == (2, 4, 4)
    assert found.losses.lost_samples == 0
    assert found.batch_sizes == {2: 4}
    assert found.sending.jitter_p99 == pytest.approx(0.001)
    assert found.sending.cores == pytest.approx(0.05)
    assert not found.sending.void


def test_what_the_server_did_not_get_is_lost() -> None:
    assert figures(run_of(good(acknowledged=159_000)), None).losses.lost_samples == 1_000
    assert figures(run_of(good(acknowledged=None)), None).losses.lost_samples is None


def test_refused_and_failed_streams_are_counted_and_not_measured() -> None:
    refused = record(number=1, complete=False, refused_after=0.02)
    failed = record(number=2, complete=False, failure="gone")
    found = figures(run_of(good(), refused, failed), None)
    assert (found.losses.refused, found.losses.failed, found.losses.missing) == (1, 1, 0)
    assert found.losses.failures == ("gone",)
    assert found.refusal.p95 == pytest.approx(0.02)


def test_those_who_disturb_are_told_of_apart() -> None:
    rubbish = record(number=1, complete=False, failure="ABORTED: gone")
    found = figures(run_of(good(), rubbish, manners=(Manner.STEADY, Manner.GARBLED)), None)
    assert (found.streams, found.losses.failed) == (1, 0)
    assert found.disturbers == {"rubbish": "sent 10 s of audio, ABORTED: gone"}


def test_word_errors_compare_with_those_of_the_same_utterances() -> None:
    rates = error_rates(run_of(good(text="red too"), good(1)))
    assert rates == {"a": 0.5, "b": 0.0}
    words = figures(run_of(good(text="bed too")), rates).words
    assert (words.said, words.errors, words.expected_errors) == (4, 2, 0.5)
    assert words.difference == pytest.approx(1.5 / 4)


@pytest.mark.parametrize("slope", [0.0, 0.02])
def test_a_line_tells_growth_from_noise(slope: float) -> None:
    rng = np.random.default_rng(5)
    at = np.linspace(0, 60, 300)
    delays = 0.1 + slope * at + rng.normal(0, 0.05, 300)
    line = line_through(
        list(zip(at.tolist(), delays.tolist(), strict=True)), "queue", Period(0, 60)
    )
    assert line.over_run == pytest.approx(60 * slope, abs=0.05)
    assert 0.005 < line.error < 0.02


def test_each_second_has_its_point() -> None:
    found = figures(run_of(good()), None)
    assert [point.at for point in found.course] == list(range(10))
    assert [point.queue_p95 for point in found.course][:3] == [None, None, 0.01]
    assert found.course[2].finals_p95 == pytest.approx(0.3)
