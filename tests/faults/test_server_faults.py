"""What servers in processes of their own go through; `bench/ordeals.py` has the long versions."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from itertools import pairwise

import grpc
import pytest
import pytest_asyncio
from sori_server.engine.worker import FIRST_BACKOFF
from support import bad_company, ordeals
from support.raw_client import config_of
from support.server_process import ServerProcess, server_process
from support.word_audio import linear16, speak

pytestmark = [
    pytest.mark.faults,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(150),  # servers and models take a busy machine a while to start
]

EACH = 6.0
"""MiB that a peer may cost."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def patient() -> AsyncIterator[ServerProcess]:
    async with bad_company.patient_server() as server:
        yield server


async def test_a_drain_loses_no_word() -> None:
    found = await ordeals.drained(20, grace=2.0)
    assert found.lost_words == 0
    assert found.exit_code == 0
    assert set(found.endings) <= {"OK", "SERVER_DRAINING"}
    assert sum(found.endings.values()) == 20


async def test_a_worker_killed_in_mid_batch_changes_no_final() -> None:
    found = await ordeals.worker_killed(2)
    assert found.finals
    assert found.different == 0
    assert found.warnings == 0


async def test_a_crash_loop_backs_off_and_ends_the_process() -> None:
    """Every worker dies as soon as there is one; the server tells whoever comes to try again."""
    restarts = 5
    settings = {"limits_max_worker_restarts": restarts, "limits_drain_grace": 0.1}
    async with (
        server_process(ordeals.BEHAVIOUR, **ordeals.ROOM, **settings) as server,
        ordeals.stream_to(server) as stream,
    ):
        await stream.send(config=config_of())
        await stream.until_kind("session_started")
        killing = asyncio.create_task(kill_workers(server))
        await ordeals.until_not_serving(server.address)
        async with ordeals.stream_to(server) as late:
            await late.send(config=config_of())
            refused = await late.ended()
        await stream.audio(linear16(speak(range(10))))
        await stream.finalize()
        ended = await stream.ended()
        exit_code = await server.ended()
        deaths = await killing
    assert refused.code is grpc.StatusCode.UNAVAILABLE
    assert refused.info.reason in {"MODEL_LOADING", "ENGINE_UNAVAILABLE", "SERVER_DRAINING"}
    assert refused.retry_delay
    assert ended.summary == ("UNAVAILABLE", "ENGINE_UNAVAILABLE")
    assert ended.retry_delay
    assert exit_code == 1
    in_a_row = deaths[-1 - restarts :]  # one that lived to answer, on a busy machine, begins anew
    assert len(in_a_row) == 1 + restarts
    pauses = [later - earlier for earlier, later in pairwise(in_a_row)]
    assert all(pause >= FIRST_BACKOFF * 2**n for n, pause in enumerate(pauses[1:]))


async def kill_workers(server: ServerProcess) -> list[float]:
    """Kill each worker that the server starts, until it ends; when they died."""
    deaths: dict[int, float] = {}
    while server.process.poll() is None:
        with suppress(ValueError, OSError):  # none, or none any more
            pid = server.worker_pid
            if pid not in deaths:
                deaths[pid] = time.monotonic()
                os.kill(pid, signal.SIGKILL)
        await asyncio.sleep(0.01)
    return list(deaths.values())


async def test_an_engine_that_stands_still_loses_no_word(patient: ServerProcess) -> None:
    found = await ordeals.stalled(patient, 4, 2.0)
    assert not found.wrong
    assert found.memory_most - found.memory_before <= EACH * found.streams


async def test_peers_that_send_too_fast_cost_little_and_lose_no_word(
    patient: ServerProcess,
) -> None:
    held, wrong = await bad_company.fast_senders(patient, 2, 20.0)
    assert not wrong
    assert held.each <= EACH


async def test_peers_that_went_silent_cost_little(patient: ServerProcess) -> None:
    held = await bad_company.half_open_peers(patient, 20, 2.0)
    assert held.each <= EACH
