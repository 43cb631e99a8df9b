"""What servers in processes of their own go through; `bench/ordeals.py` has the long versions."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from support import bad_company, ordeals
from support.server_process import ServerProcess

pytestmark = [pytest.mark.faults, pytest.mark.asyncio(loop_scope="module")]

EACH = 6.0
"""MiB that a peer may cost."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def patient() -> AsyncIterator[ServerProcess]:
    async with bad_company.patient_server() as server:
        yield server


async def test_a_drain_loses_no_word() -> None:
    found = await ordeals.drained(20, grace=0.4)
    assert found.lost_words == 0
    assert found.exit_code == 0
    assert set(found.endings) <= {"OK", "SERVER_DRAINING"}
    assert sum(found.endings.values()) == 20


@pytest.mark.timeout(150)  # a model is loaded twice, which takes a busy machine a while
async def test_a_worker_killed_in_mid_batch_changes_no_final() -> None:
    found = await ordeals.worker_killed(3)
    assert found.finals
    assert found.different == 0
    assert found.warnings == 0


async def test_an_engine_that_stands_still_loses_no_word(patient: ServerProcess) -> None:
    found = await ordeals.stalled(patient, 6, 2.0)
    assert not found.wrong
    assert found.memory_most - found.memory_before <= EACH * found.streams


async def test_peers_that_send_too_fast_cost_little_and_lose_no_word(
    patient: ServerProcess,
) -> None:
    held, wrong = await bad_company.fast_senders(patient, 3, 24.0)
    assert not wrong
    assert held.each <= EACH


async def test_peers_that_went_silent_cost_little(patient: ServerProcess) -> None:
    held = await bad_company.half_open_peers(patient, 20, 2.0)
    assert held.each <= EACH
