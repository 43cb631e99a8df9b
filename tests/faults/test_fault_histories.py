"""Random faults over real sockets, two servers and workers that die: not a word is lost."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from support.fault_histories import DOORS, Nodes, plan, run_histories, summary_of, two_nodes

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]

DIALS_TWICE = 50_006
"""Of a line that fails early, so that the client's library dials again by itself."""
HISTORIES = {"grpc": range(1_000, 1_013), "websocket": [*range(2_000, 2_012), DIALS_TWICE]}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def nodes() -> AsyncIterator[Nodes]:
    async with two_nodes() as nodes:
        yield nodes


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("door", DOORS)
async def test_whatever_happens_every_word_comes_once_and_in_order(nodes: Nodes, door: str) -> None:
    found = summary_of(await run_histories(HISTORIES[door], nodes, DOORS[door]))
    assert found.histories == len(HISTORIES[door])
    assert not found.wrong
    assert found.connections > 1.5 * found.histories, "there were faults"
    assert found.resumed.here
    assert found.resumed.elsewhere


def test_a_seed_is_a_plan() -> None:
    assert plan(7) == plan(7)
    assert plan(7) != plan(8)
