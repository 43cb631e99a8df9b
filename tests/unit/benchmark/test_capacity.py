from itertools import pairwise

import pytest
from sori_server.benchmark.capacity import Bracket, Verdict, bracket, next_streams

pytestmark = pytest.mark.unit

SERVED, NOT, VOID = Verdict


def search(bears: int, first: int, most: int = 512) -> tuple[Bracket, list[int]]:
    """A search of a server that serves up to `bears` streams."""
    known: dict[int, Verdict] = {}
    while (streams := next_streams(known, first, most)) is not None:
        assert streams not in known
        known[streams] = SERVED if streams <= bears else NOT
    return bracket(known), list(known)


@pytest.mark.parametrize("bears", [1, 2, 3, 7, 16, 31])
@pytest.mark.parametrize("first", [1, 4, 50])
def test_the_search_ends_at_what_the_server_bears(bears: int, first: int) -> None:
    found, tried = search(bears, first)
    assert (found.low, found.high) == (bears, bears + 1)
    assert len(tried) <= 12


def test_it_doubles_and_bisects() -> None:
    assert search(11, 2)[1] == [2, 4, 8, 16, 12, 10, 11]


def test_large_numbers_are_found_to_a_part_of_them() -> None:
    found, tried = search(301, 4)
    assert found.low <= 301 < (found.high or 0)
    assert (found.high or 0) - found.low <= found.low / 32
    assert len(tried) < 14


def test_it_goes_no_further_than_told() -> None:
    found, tried = search(1_000, 4, most=50)
    assert tried == [4, 8, 16, 32, 50]
    assert found == Bracket(50, None)


def test_a_server_that_bears_nothing() -> None:
    found, tried = search(0, 8)
    assert found == Bracket(0, 1)
    assert all(later < earlier for earlier, later in pairwise(tried))


def test_noise_makes_the_answer_smaller() -> None:
    assert bracket({4: SERVED, 8: NOT, 16: SERVED}) == Bracket(4, 8)


def test_void_runs_serve_nobody() -> None:
    assert bracket({4: SERVED, 8: VOID}) == Bracket(4, 8)
