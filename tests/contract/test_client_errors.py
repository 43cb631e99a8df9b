"""What the Python client promises when its server or its network does not behave."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncGenerator

import grpc
import pytest
from google.rpc import error_details_pb2 as details
from sori.v1 import speech_pb2 as pb
from sori_client import Bytes, Timeouts, errors
from support.chaos_proxy import proxied
from support.client_drivers import LINEAR16, QUICK, Driver, Endless, driver, nothing_leaks, play
from support.scripted_server import ScriptedCall, ScriptedService, info, retry, serve

pytestmark = pytest.mark.contract

__all__ = ["driver", "nothing_leaks"]


@pytest.mark.parametrize(("number", "kind"), [(5, "missing"), (2, "repeated")])
async def test_a_gap_or_duplicate_is_an_error_after_the_events_before_it(
    driver: Driver, number: int, kind: str
) -> None:
    async def script(call: ScriptedCall) -> None:
        await call.start()
        await call.say("one", "two")
        await call.send(number, progress=pb.Progress())
        await call.read_all()

    outcome, _ = await play(driver, script, Endless())
    assert isinstance(outcome.error, errors.SequenceError)
    assert (outcome.error.expected, outcome.error.received) == (4, number)
    assert kind in str(outcome.error)
    assert outcome.texts == ["one", "two"]


async def test_a_kind_the_client_does_not_know_is_skipped_but_counted(driver: Driver) -> None:
    async def script(call: ScriptedCall) -> None:
        await call.start()
        await call.send()
        await call.say("one")
        await call.finish()

    outcome, _ = await play(driver, script)
    assert outcome.error is None
    assert outcome.texts == ["one"]


async def test_a_stream_without_its_summary_is_not_taken_for_a_good_one(driver: Driver) -> None:
    async def script(call: ScriptedCall) -> None:
        await call.start()
        await call.say("one")
        await call.read_all()

    outcome, _ = await play(driver, script)
    assert isinstance(outcome.error, errors.ContractBroken)
    assert outcome.texts == ["one"]


async def test_a_refusal_before_the_first_response_says_when_to_come_back(driver: Driver) -> None:
    async def script(call: ScriptedCall) -> None:
        await call.abort(
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            "no free stream",
            info("STREAM_CAPACITY_EXHAUSTED", active="100", limit="100"),
            retry(1.5),
        )

    outcome, _ = await play(driver, script, Endless())
    assert isinstance(outcome.error, errors.Overloaded)
    assert outcome.error.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert outcome.error.reason == "STREAM_CAPACITY_EXHAUSTED"
    assert outcome.error.retry_after == 1.5
    assert outcome.error.retryable
    assert outcome.error.metadata == {"active": "100", "limit": "100"}


async def test_a_wrong_field_is_named(driver: Driver) -> None:
    violation = details.BadRequest.FieldViolation(
        field="config.recognition.language_codes", description="'xx' is not known"
    )

    async def script(call: ScriptedCall) -> None:
        bad_request = details.BadRequest(field_violations=[violation])
        await call.abort(
            grpc.StatusCode.INVALID_ARGUMENT, "bad", info("INVALID_CONFIG"), bad_request
        )

    outcome, _ = await play(driver, script)
    assert isinstance(outcome.error, errors.InvalidRequest)
    assert outcome.error.field == violation.field
    assert outcome.error.description == violation.description
    assert not outcome.error.retryable


async def test_an_abort_in_the_middle_comes_after_all_events_before_it(driver: Driver) -> None:
    async def script(call: ScriptedCall) -> None:
        await call.start()
        await call.say(*map(str, range(50)))
        await call.abort(grpc.StatusCode.ABORTED, "idle", info("IDLE_TIMEOUT"))

    outcome, _ = await play(driver, script, Endless(), pause=0.002)
    assert outcome.texts == [str(number) for number in range(50)]
    assert isinstance(outcome.error, errors.IdleTimeout)


async def test_a_server_that_leaves_on_purpose_is_unavailable_not_lost(driver: Driver) -> None:
    async def script(call: ScriptedCall) -> None:
        await call.start()
        await call.abort(
            grpc.StatusCode.UNAVAILABLE, "leaving", info("SERVER_DRAINING"), retry(0.2)
        )

    outcome, _ = await play(driver, script)
    assert type(outcome.error) is errors.Unavailable
    assert outcome.error.retry_after == 0.2


async def test_a_cut_connection_loses_no_event_that_had_arrived(driver: Driver) -> None:
    said = asyncio.Event()

    async def script(call: ScriptedCall) -> None:
        await call.start()
        await call.say(*map(str, range(20)))
        said.set()
        await call.read_all()

    service = ScriptedService(script)
    async with serve(service) as port, proxied(port) as (proxy, proxy_port):
        # The reader is slow: most events lie unread in the client when the line is cut.
        running = asyncio.ensure_future(driver.stream(proxy_port, Endless(), pause=0.1))
        await asyncio.wait_for(said.wait(), 5)
        await proxy.settled()
        proxy.cut()
        outcome = await asyncio.wait_for(running, 10)
    assert outcome.texts == [str(number) for number in range(20)]
    assert type(outcome.error) is errors.ConnectionLost
    assert outcome.error.retryable


async def test_a_peer_that_went_silent_is_noticed_by_pings(driver: Driver) -> None:
    started = asyncio.Event()

    async def script(call: ScriptedCall) -> None:
        await call.start()
        started.set()
        await call.read_all()

    fast = (
        ("grpc.keepalive_time_ms", 300),
        ("grpc.keepalive_timeout_ms", 300),
        ("grpc.http2.ping_timeout_ms", 300),
    )
    service = ScriptedService(script)
    async with serve(service) as port, proxied(port) as (proxy, proxy_port):
        running = asyncio.ensure_future(driver.stream(proxy_port, Endless(), options=fast))
        await asyncio.wait_for(started.wait(), 5)
        await proxy.settled()
        proxy.freeze()
        begin = time.monotonic()
        outcome = await asyncio.wait_for(running, 10)
    assert isinstance(outcome.error, errors.ConnectionLost)
    assert time.monotonic() - begin < 5


async def test_a_server_that_never_answers_is_given_up(driver: Driver) -> None:
    async def script(call: ScriptedCall) -> None:
        await call.read_all()
        await asyncio.sleep(30)

    outcome, _ = await play(driver, script, Endless(), timeouts=QUICK)
    assert isinstance(outcome.error, errors.DeadlineExceeded)
    assert "1.5 s" in str(outcome.error)


async def test_a_server_that_never_ends_is_given_up_after_the_audio(driver: Driver) -> None:
    async def script(call: ScriptedCall) -> None:
        await call.start()
        await call.say("one")
        await call.read_all()
        await asyncio.sleep(30)

    outcome, _ = await play(driver, script, timeouts=QUICK)
    assert outcome.texts == ["one"]
    assert isinstance(outcome.error, errors.DeadlineExceeded)


async def test_a_server_may_be_silent_while_it_hears_audio(driver: Driver) -> None:
    async def script(call: ScriptedCall) -> None:
        await call.start()
        await asyncio.sleep(2.5)
        await call.say("late")
        await call.finish()

    async def slow_audio() -> AsyncGenerator[bytes, None]:
        for _ in range(30):
            yield bytes(3200)
            await asyncio.sleep(0.1)

    outcome, _ = await play(driver, script, Bytes(slow_audio(), LINEAR16), timeouts=QUICK)
    assert outcome.error is None
    assert outcome.texts == ["late"]


async def test_nobody_there_is_told_at_once(driver: Driver) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        begin = time.monotonic()
        outcome = await driver.stream(unused.getsockname()[1], Endless())
    assert type(outcome.error) is errors.Unavailable
    assert outcome.error.retryable
    assert time.monotonic() - begin < 4


async def test_a_port_that_does_not_speak_is_given_up_after_the_connect_timeout(
    driver: Driver,
) -> None:
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        begin = time.monotonic()
        timeouts = Timeouts(connect=0.5)
        outcome = await driver.stream(mute.getsockname()[1], Endless(), timeouts=timeouts)
    assert isinstance(outcome.error, errors.Unavailable)
    assert 0.3 < time.monotonic() - begin < 4
