"""Limits, and what breaks them."""

from dataclasses import replace

import pytest
from sori_server.evaluation.heard import Heard
from sori_server.evaluation.thresholds import Thresholds
from support.evaluations import LIVE, evaluated, invented

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("limit", "holds", "broken", "told"),
    [
        ("wer_difference", 1.0, 0.9, "WER difference, points: 1,"),
        ("recording_wer_difference", 1.0, 0.9, "WER difference of talk, points: 1,"),
        ("erasure", 0.3, 0.29, "erasure: 0.3,"),
        ("violations", 1, 0, "violations: 1,"),
        ("final_latency", 0.6, 0.4, "paced: final latency p99, s: 0.6,"),
        ("word_start", 0.02, 0.005, "word start error over offline, s: 0.01,"),
        ("silence_words", 3, 2, "windows recognized in hush: 3,"),
    ],
)
def test_a_limit_holds_up_to_its_value(limit: str, holds: float, broken: float, told: str) -> None:
    figures = evaluated(silence=invented())
    assert Thresholds(**{limit: holds}).failures(figures) == []
    failures = Thresholds(**{limit: broken}).failures(figures)
    assert failures
    assert all(f"at most {broken:g} wanted" in line for line in failures)
    assert any(told in line for line in failures)


def test_without_limits_anything_goes() -> None:
    assert Thresholds().failures(evaluated(silence=invented())) == []


def test_what_was_not_measured_does_not_hold() -> None:
    figures = evaluated(replace(LIVE, after_decision=()))
    (line,) = Thresholds(final_latency=1.0).failures(figures)
    assert line == "paced: final latency p99, s: not measured, at most 1 wanted"


def test_a_limit_on_silence_needs_silence() -> None:
    (line,) = Thresholds(silence_words=0).failures(evaluated())
    assert line == "words where nothing is said: not measured, at most 0 wanted"


def test_silence_without_words_and_calls_holds() -> None:
    figures = evaluated(silence=Heard(model_calls=0))
    assert Thresholds(silence_words=0).failures(figures) == []
