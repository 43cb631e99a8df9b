"""Clients that go, in six ways, at each of eight points: what they leave, and for how long.

Limits are those of a test: by default a silent client is noticed after 17 s.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio
from sori_server.domain.limits import Limits
from support.disconnects import (
    POINTS,
    STREAMS,
    Standing,
    handlers,
    sixteen_streams,
    until_as_before,
    until_handlers,
)
from support.speech_server import Served, serving, undisturbed

pytestmark = [pytest.mark.faults, pytest.mark.asyncio(loop_scope="module")]

LIMITS = Limits(
    keepalive_interval=1.0,
    ping_timeout=2.0,
    resume_window=3.0,
)
AT_ONCE = 0.1
SILENT = LIMITS.keepalive_interval + LIMITS.ping_timeout
NOISE = 1.8
"""Seconds that a busy machine may add."""

ENDS = {"FIN": AT_ONCE, "RST": AT_ONCE, "CANCEL": AT_ONCE, "SIGKILL": AT_ONCE}
KINDS = {**ENDS, "BLACK_HOLE": SILENT, "SIGSTOP": SILENT}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served() -> AsyncIterator[Served]:
    async with serving(limits=LIMITS) as served:
        yield served


@pytest.mark.parametrize("kind", KINDS)
async def test_whoever_goes_leaves_nothing(
    served: Served, kind: str, record_property: Callable[[str, object], None]
) -> None:
    """Sessions that can be resumed wait for their window first, all that had a config."""
    before = Standing.now(served)
    async with sixteen_streams(served, kind) as strike:
        assert handlers() == STREAMS
        assert served.gateway.active_streams == STREAMS - 2, "two have not sent their config"
        assert Standing.now(served).windows > 0
        await strike()
        took = await until_handlers(0, KINDS[kind] + NOISE)
        detached = served.gateway.sessions.detached_sessions
    record_property("seconds", took)
    assert detached == POINTS - 1
    await until_as_before(served, before, seconds=20.0)
    async with asyncio.timeout(10):
        while served.gateway.sessions.detached_sessions:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_others_notice_nothing(served: Served) -> None:
    async with undisturbed(served), sixteen_streams(served, "RST") as strike:
        await strike()
        await until_handlers(1, AT_ONCE + NOISE)
