"""Servers in processes of their own that leave, stall, lose their worker, or have bad company."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from support import bad_company, ordeals
from support.server_process import ServerProcess

pytestmark = [pytest.mark.faults, pytest.mark.asyncio(loop_scope="module")]

NOISE = 1.0
"""Seconds that a busy machine may add."""
MOST_HELD = 6.0
"""MiB of a session."""


async def test_a_server_that_leaves_fifty_streams_loses_no_word() -> None:
    found = await ordeals.drained(50, grace=0.5)
    assert found.lost_words == 0
    assert found.exit_code == 0
    assert found.endings == {"OK": 17, "SERVER_DRAINING": 33}
    assert found.not_serving_after < 0.1 + NOISE


async def test_a_server_is_replaced_under_streams_that_resume() -> None:
    found = await ordeals.rolling_restart(10, 3.0, replacements=1, grace=0.2)
    assert not found.wrong
    assert found.resumes == 10
    assert found.gaps[-1] < 2.0 + NOISE


async def test_kill_9_of_the_real_worker_in_mid_batch_changes_no_final() -> None:
    found = await ordeals.worker_killed(3)
    assert found.different == 0
    assert found.warnings == 0
    assert found.finals


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[ServerProcess]:
    async with bad_company.patient_server() as server:
        yield server


async def test_an_engine_that_stands_still_costs_time_and_no_word(server: ServerProcess) -> None:
    found = await ordeals.stalled(server, 5, 1.5)
    assert not found.wrong
    assert found.memory_most - found.memory_before < 5 * MOST_HELD


async def test_who_sends_a_minute_at_once_is_slowed_and_heard(server: ServerProcess) -> None:
    held, wrong = await bad_company.fast_senders(server, 5, 60.0)
    assert not wrong
    assert held.each < MOST_HELD


async def test_who_reads_nothing_costs_little(server: ServerProcess) -> None:
    assert (await bad_company.slow_readers(server, 10, 2.0)).each < MOST_HELD


async def test_who_went_silent_costs_little(server: ServerProcess) -> None:
    assert (await bad_company.half_open_peers(server, 30, 2.0)).each < MOST_HELD
