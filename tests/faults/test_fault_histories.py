"""Random faults over real sockets, two servers and workers that die: not a word is lost.

`bench/faults.py histories` runs as many as wanted.
"""

from __future__ import annotations

import pytest
from support.fault_histories import plan, run_histories, summary_of, two_nodes

pytestmark = pytest.mark.faults

HISTORIES = range(1_000, 1_025)


async def test_whatever_happens_every_word_comes_once_and_in_order() -> None:
    async with two_nodes() as nodes:
        found = summary_of(await run_histories(HISTORIES, nodes))
    assert found.histories == len(HISTORIES)
    assert not found.wrong
    assert found.connections > 1.5 * found.histories, "there were faults"
    assert found.resumed_here
    assert found.resumed_elsewhere


def test_a_seed_is_a_plan() -> None:
    assert plan(7) == plan(7)
    assert plan(7) != plan(8)
