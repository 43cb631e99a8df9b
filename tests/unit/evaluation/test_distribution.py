"""Percentiles by nearest rank."""

import pytest
from sori_server.evaluation.distribution import Distribution, percentile

pytestmark = pytest.mark.unit


def test_percentiles_are_measured_values() -> None:
    values = [5.0, 1.0, 4.0, 2.0, 3.0]
    assert [percentile(values, share) for share in (0, 20, 50, 90, 100)] == [1, 1, 3, 5, 5]


def test_a_hundred_values_have_a_hundred_percentiles() -> None:
    assert Distribution.of(list(range(1, 101))) == Distribution(100, 50, 90, 95, 99)


def test_of_nothing_there_is_none() -> None:
    assert Distribution.of([]) == Distribution(0, None, None, None, None)
