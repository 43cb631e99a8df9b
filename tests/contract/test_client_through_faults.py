"""The Python client and the real server, with a network between them that fails: no word is lost.

The word-bearing audio makes the transcript known, so each test ends with one comparison.
"""

# ruff: noqa: S105, S311 - no secrets, and dice

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio
from sori_client import (
    AudioFormat,
    Bytes,
    Client,
    Event,
    Finalized,
    GoAway,
    RecognitionStream,
    Reconnected,
    Reconnecting,
    Result,
    Resume,
    SessionStarted,
    StreamConfig,
    Summary,
)
from sori_server.domain.limits import Limits
from sori_server.engine.fake import FakeBehaviour
from support.chaos_proxy import ChaosProxy, proxied
from support.client_drivers import addresses
from support.speech_server import Served, serving
from support.word_audio import assert_heard, conversation, heard_words, linear16

pytestmark = [pytest.mark.contract, pytest.mark.asyncio(loop_scope="module")]

WORDS = range(60)
AUDIO = linear16(conversation([WORDS[:15], WORDS[15:30], WORDS[30:45], WORDS[45:]]))
FRAME = 3_200
CONFIG = StreamConfig(interim_results=True, voice_activity_events=True, progress_interval=0.5)
BEHAVIOUR = FakeBehaviour(unstable_words=2, batch_cost=0.02)
LIMITS = Limits(resume_window=10.0, drain_grace=2.0)
SECRET = "what both servers have in common"
RESUME = Resume(patience=10.0, first_pause=0.05, longest_pause=0.3)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served() -> AsyncIterator[Served]:
    async with serving(BEHAVIOUR, LIMITS, SECRET) as served:
        yield served


async def spoken(seconds: float) -> AsyncGenerator[bytes, None]:
    """All of the audio, evenly over this time."""
    frames = range(0, len(AUDIO), FRAME)
    for start in frames:
        yield AUDIO[start : start + FRAME]
        await asyncio.sleep(seconds / len(frames))


async def listen(port: int, seconds: float) -> list[Event]:
    async with Client(addresses(port), resume=RESUME) as client:
        return await follow(client, seconds)


async def follow(client: Client, seconds: float) -> list[Event]:
    async with client.stream(Bytes(spoken(seconds), AudioFormat()), CONFIG) as stream:
        return [event async for event in stream]


def check(events: list[Event]) -> int:
    """Every word once, nothing committed taken back, times in order; how often it reconnected."""
    results = [event for event in events if isinstance(event, Result)]
    finals = [result for result in results if result.is_final]
    assert_heard([final.text for final in finals], WORDS)
    assert [final.utterance_index for final in finals] == list(range(len(finals)))
    assert all(a.end <= b.start for a, b in itertools.pairwise(finals))
    for final in finals:
        shown = [r.committed_text for r in results if r.utterance_index == final.utterance_index]
        assert all(later.startswith(earlier) for earlier, later in itertools.pairwise(shown))
    assert isinstance(events[0], SessionStarted)
    assert isinstance(events[-1], Summary)
    assert events[-1].final_results <= len(finals)  # those of the server that ended the stream
    assert events[-1].received_audio == pytest.approx(len(AUDIO) / 32_000)
    lost = [type(event) for event in events if isinstance(event, Reconnecting | Reconnected)]
    assert lost == [Reconnecting, Reconnected] * (len(lost) // 2)
    return len(lost) // 2


@asynccontextmanager
async def cutting(proxy: ChaosProxy, chance: random.Random, longest: float) -> AsyncIterator[None]:
    """The line is cut again and again meanwhile."""

    async def cut() -> None:
        while True:
            await asyncio.sleep(chance.uniform(0.0, longest))
            proxy.cut()

    task = asyncio.create_task(cut())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_a_quiet_network_is_no_reason_to_reconnect(served: Served) -> None:
    assert check(await listen(served.server.grpc_port, 0.5)) == 0


@pytest.mark.parametrize("at", [0.0, 0.02, 0.3, 0.7, 1.0, 1.05, 1.2])
async def test_one_cut_costs_nothing(served: Served, at: float) -> None:
    async with proxied(served.server.grpc_port) as (proxy, port):
        listening = asyncio.ensure_future(listen(port, 1.0))
        await asyncio.sleep(at)
        proxy.cut()
        check(await asyncio.wait_for(listening, 20))


@pytest.mark.parametrize("seed", range(6))
async def test_cuts_at_random_cost_nothing(served: Served, seed: int) -> None:
    async with (
        proxied(served.server.grpc_port) as (proxy, port),
        cutting(proxy, random.Random(seed), longest=1.0),
    ):
        events = await asyncio.wait_for(listen(port, 3.0), 30)
    assert check(events) > 0


async def test_many_streams_of_one_client_survive_the_same_cuts(served: Served) -> None:
    async with (
        proxied(served.server.grpc_port) as (proxy, port),
        Client(addresses(port), resume=RESUME) as client,
        cutting(proxy, random.Random(1), longest=1.5),
    ):
        following = asyncio.gather(*(follow(client, 3.0) for _ in range(8)))
        for events in await asyncio.wait_for(following, 40):
            check(events)


async def test_every_cut_leads_to_the_other_server(served: Served) -> None:
    chance = random.Random(2)
    async with (
        serving(BEHAVIOUR, LIMITS, SECRET) as other,
        proxied(served.server.grpc_port) as (proxy, port),
    ):
        ports = itertools.cycle([other.server.grpc_port, served.server.grpc_port])
        listening = asyncio.ensure_future(listen(port, 4.0))
        for _ in range(5):
            await asyncio.sleep(chance.uniform(0.2, 1.2))
            proxy.upstream = next(ports)
            proxy.cut()
        assert check(await asyncio.wait_for(listening, 30)) > 2


async def test_streams_leave_a_server_that_is_leaving(served: Served) -> None:
    async with serving(BEHAVIOUR, LIMITS, SECRET) as leaving:
        both = addresses((leaving.server.grpc_port, served.server.grpc_port))
        client = Client(both, resume=RESUME)
        following = asyncio.gather(*(follow(client, 3.0) for _ in range(8)))
        await asyncio.sleep(1.0)
    async with client:
        for events in await asyncio.wait_for(following, 30):
            assert check(events) == 1
            assert any(isinstance(event, GoAway) for event in events)
            (lost,) = (event for event in events if isinstance(event, Reconnecting))
            (back,) = (event for event in events if isinstance(event, Reconnected))
            assert (lost.reason, back.address) == ("GO_AWAY", both[1])


async def test_finalize_is_answered_once_whatever_the_network_does(served: Served) -> None:
    names = [str(number) for number in range(12)]

    async def ask(stream: RecognitionStream) -> None:
        for name in names:
            await asyncio.sleep(0.25)
            await stream.finalize(name)

    async with (
        proxied(served.server.grpc_port) as (proxy, port),
        Client(addresses(port), resume=RESUME) as client,
        cutting(proxy, random.Random(3), longest=0.8),
        client.stream(Bytes(spoken(3.5), AudioFormat())) as stream,
    ):
        asking = asyncio.create_task(ask(stream))
        events = [event async for event in stream]
        await asking
    finals = [event.text for event in events if isinstance(event, Result)]
    assert [event.request_id for event in events if isinstance(event, Finalized)] == names
    heard = [word for text in finals for word in heard_words(text)]
    assert sorted(set(heard)) == list(WORDS)
