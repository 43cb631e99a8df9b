"""What the Python client promises where there are several servers, or one that is leaving."""

# ruff: noqa: S106 - tokens that protect nothing

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from sori.v1 import speech_pb2 as pb
from sori_client import (
    Bytes,
    Client,
    GoAway,
    Reconnected,
    Reconnecting,
    Result,
    SessionStarted,
    Summary,
    errors,
)
from support.chaos_proxy import proxied
from support.client_drivers import (
    LINEAR16,
    QUICKLY,
    Driver,
    Endless,
    addresses,
    driver,
    nothing_leaks,
)
from support.scripted_server import ScriptedCall, ScriptedService, acts, info, retry, serve

pytestmark = pytest.mark.contract

__all__ = ["driver", "nothing_leaks"]

AUDIO = bytes(64_000)
NOBODY = 9
"""A port where nobody listens."""


async def well(call: ScriptedCall) -> None:
    await call.start("a")
    await call.say("one", token="b")
    await call.finish()


async def leaving(call: ScriptedCall) -> None:
    """Says that it leaves, with a token, and waits for the client to go."""
    await call.start("a")
    await call.say("one", token="b")
    await call.read_audio(1)
    left = Duration(seconds=5)
    await call.send(go_away=pb.GoAway(time_left=left, resume_token="c", message="leaving"))
    await call.read_all()


async def taking_over(call: ScriptedCall) -> None:
    asked = await call.resume(0, "d")
    assert (asked.resume_token, asked.last_sequence) == ("c", 3)
    await call.say("two", token="e")
    await call.read_audio(1)
    await call.send(session_summary=pb.SessionSummary())


@asynccontextmanager
async def two(first: ScriptedService, second: ScriptedService) -> AsyncIterator[tuple[int, int]]:
    async with serve(first) as one, serve(second) as other:
        yield one, other


async def test_a_stream_begins_where_somebody_answers(driver: Driver) -> None:
    service = ScriptedService(well)
    async with serve(service) as port:
        outcome = await driver.stream((NOBODY, port), Bytes([AUDIO], LINEAR16))
    assert outcome.error is None
    assert [type(event) for event in outcome.events] == [SessionStarted, Result, Summary]
    assert sum(len(r.audio.data) for r in service.calls[0].received) == len(AUDIO)


async def test_a_stream_begins_where_there_is_room(driver: Driver) -> None:
    async def full(call: ScriptedCall) -> None:
        reason = info("STREAM_CAPACITY_EXHAUSTED")
        await call.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "full", reason, retry(30))

    crowded, free = ScriptedService(full), ScriptedService(well)
    async with two(crowded, free) as ports:
        outcome = await driver.stream(ports, Bytes([AUDIO], LINEAR16))
        assert outcome.error is None
        outcome = await driver.stream(ports[0], Bytes([AUDIO], LINEAR16))
        assert isinstance(outcome.error, errors.Overloaded)
    assert (len(crowded.calls), len(free.calls)) == (2, 1)


async def test_nobody_at_all_is_told_at_once(driver: Driver) -> None:
    async with asyncio.timeout(4):
        outcome = await driver.stream((NOBODY, NOBODY + 2), Endless())
    assert type(outcome.error) is errors.Unavailable


async def test_questions_go_to_the_server_that_answers() -> None:
    async with serve(ScriptedService()) as port, Client(addresses((NOBODY, port))) as client:
        assert not (await client.server_info()).draining
        assert not (await client.server_info()).draining


async def test_a_stream_goes_on_at_the_other_server_when_its_own_is_gone(driver: Driver) -> None:
    async def first(call: ScriptedCall) -> None:
        await call.start("a")
        await call.say("one", token="c")
        await call.send(progress=pb.Progress(resume_token="c"))
        await proxy.settled()
        proxy.upstream = NOBODY
        proxy.cut()

    one, other = ScriptedService(first), ScriptedService(taking_over)
    async with two(one, other) as ports, proxied(ports[0]) as (proxy, port):
        outcome = await asyncio.wait_for(driver.stream((port, ports[1]), Endless()), 10)
    assert outcome.error is None
    assert outcome.texts == ["one", "two"]
    back = [event for event in outcome.events if isinstance(event, Reconnected)]
    assert [each.address for each in back] == addresses(ports[1])
    assert back[0].downtime < 4


async def test_a_stream_leaves_a_leaving_server_for_another(driver: Driver) -> None:
    one, other = ScriptedService(leaving), ScriptedService(taking_over)
    one.draining = True
    async with two(one, other) as ports:
        outcome = await asyncio.wait_for(driver.stream(ports, Endless()), 10)
    assert outcome.error is None
    assert [type(event) for event in outcome.events] == [
        SessionStarted,
        Result,
        GoAway,
        Reconnecting,
        Reconnected,
        Result,
        Summary,
    ]
    assert [e.reason for e in outcome.events if isinstance(e, Reconnecting)] == ["GO_AWAY"]


async def test_a_new_connection_may_lead_to_another_server_at_the_same_address(
    driver: Driver,
) -> None:
    async def begin(call: ScriptedCall) -> None:
        proxy.upstream = ports[1]
        await leaving(call)

    one, other = ScriptedService(begin), ScriptedService(taking_over)
    one.draining = True
    async with two(one, other) as ports, proxied(ports[0]) as (proxy, port):
        outcome = await asyncio.wait_for(driver.stream(port, Endless()), 10)
    assert outcome.error is None
    assert outcome.texts == ["one", "two"]


async def test_a_stream_stays_as_long_as_there_is_no_other_server(driver: Driver) -> None:
    async def to_the_end(call: ScriptedCall) -> None:
        await call.start("a")
        await call.read_audio(1)
        left = Duration(seconds=1)
        await call.send(go_away=pb.GoAway(time_left=left, resume_token="b", message="leaving"))
        await asyncio.sleep(0.5)
        await call.say("one", token="c")
        await call.abort(grpc.StatusCode.UNAVAILABLE, "gone", info("SERVER_DRAINING"), retry(0.1))

    async def back(call: ScriptedCall) -> None:
        service.draining = False
        await taking_over(call)

    service = ScriptedService(acts(to_the_end, back))
    service.draining = True
    async with serve(service) as port:
        outcome = await asyncio.wait_for(driver.stream(port, Endless()), 10)
    assert outcome.error is None
    assert outcome.texts == ["one", "two"]
    reasons = [e.reason for e in outcome.events if isinstance(e, Reconnecting)]
    assert reasons == ["SERVER_DRAINING"]


async def test_a_stream_whose_audio_is_complete_stays_to_hear_the_end(driver: Driver) -> None:
    async def to_the_end(call: ScriptedCall) -> None:
        await call.start("a")
        await call.read_all()
        left = Duration(seconds=5)
        await call.send(go_away=pb.GoAway(time_left=left, resume_token="b", message="leaving"))
        await asyncio.sleep(0.5)
        await call.say("one", token="c")
        await call.send(session_summary=pb.SessionSummary())

    one, other = ScriptedService(to_the_end), ScriptedService(taking_over)
    async with two(one, other) as ports:
        outcome = await driver.stream(ports, Bytes([AUDIO], LINEAR16))
    assert outcome.error is None
    assert outcome.texts == ["one"]
    assert not other.calls


async def test_all_streams_of_a_client_share_one_connection_after_an_outage() -> None:
    async def first(call: ScriptedCall) -> None:
        await call.start("c")
        if len(service.calls) == 20:
            begun.set()
        await call.read_all()

    async def later(call: ScriptedCall) -> None:
        peers.add(call.context.peer())
        await call.resume(0, "d")
        await call.read_audio(1)
        await call.send(session_summary=pb.SessionSummary())

    async def follow(client: Client) -> bool:
        async with client.stream(Endless()) as stream:
            async for _ in stream:
                pass
            return stream.summary is not None

    peers, begun = set[str](), asyncio.Event()
    service = ScriptedService(acts(*[first] * 20, later))
    async with (
        serve(service) as port,
        proxied(port) as (proxy, proxy_port),
        Client(addresses(proxy_port), resume=QUICKLY) as client,
    ):
        following = [asyncio.ensure_future(follow(client)) for _ in range(20)]
        await asyncio.wait_for(begun.wait(), 5)
        await proxy.settled()
        proxy.cut()
        assert all(await asyncio.wait_for(asyncio.gather(*following), 10))
    assert len(service.calls) == 40
    assert len(peers) == 1
