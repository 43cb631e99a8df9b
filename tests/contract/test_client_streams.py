"""What the Python client promises about a stream: order, control, and its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator

import pytest
import sori_client.sync
from sori.v1 import speech_pb2 as pb
from sori_client import (
    Bytes,
    Client,
    Event,
    Finalized,
    Result,
    SessionStarted,
    SpeechEvent,
    StreamConfig,
    Summary,
    errors,
)
from support.client_drivers import (
    LINEAR16,
    AsyncDriver,
    Driver,
    Endless,
    driver,
    nothing_leaks,
    play,
)
from support.scripted_server import ScriptedCall, ScriptedService, serve

pytestmark = pytest.mark.contract

__all__ = ["driver", "nothing_leaks"]


async def well(call: ScriptedCall) -> None:
    await call.start()
    await call.say("one", "two")
    await call.finish()


async def test_a_good_stream_sends_config_audio_and_end_and_gives_every_event(
    driver: Driver,
) -> None:
    outcome, service = await play(driver, well, Bytes([bytes(70_000), b"", b"ab"], LINEAR16))
    assert outcome.error is None
    assert [type(event) for event in outcome.events] == [SessionStarted, Result, Result, Summary]
    received = service.calls[0].received
    kinds = [request.WhichOneof("request") for request in received]
    assert kinds == ["config", *["audio"] * (len(kinds) - 2), "end_of_audio"]
    sizes = [len(request.audio.data) for request in received[1:-1]]
    assert sizes[0] == 65_536
    assert sum(sizes[1:]) == 4_466
    assert received[-1].end_of_audio.total_bytes == 70_002


async def test_breaking_out_of_the_loop_cancels_the_call_and_closes_the_source() -> None:
    async def script(call: ScriptedCall) -> None:
        await call.start()
        await call.read_all()

    service, source = ScriptedService(script), Endless()
    async with serve(service) as port, Client(f"127.0.0.1:{port}") as client:
        async for event in client.stream(source):
            assert isinstance(event, SessionStarted)
            break
        await asyncio.wait_for(service.over.wait(), 10)
        assert source.closed


async def test_leaving_before_the_call_has_begun_ends_the_stream() -> None:
    async with Client("127.0.0.1:9") as client:
        async with client.stream(Endless()) as stream:
            receiving = asyncio.ensure_future(stream.receive())
        with pytest.raises(errors.ConnectionLost, match="closed"):
            await asyncio.wait_for(receiving, 5)
        with pytest.raises(errors.StreamEnded):
            await stream.finalize("a")


async def test_breaking_out_of_a_plain_loop_does_the_same() -> None:
    async def script(call: ScriptedCall) -> None:
        await call.start()
        await call.read_all()

    service, source = ScriptedService(script), Endless()

    def run(port: int) -> None:
        with sori_client.sync.Client(f"127.0.0.1:{port}") as client:
            for event in client.stream(source):
                assert isinstance(event, SessionStarted)
                break
            assert source.closed

    async with serve(service) as port:
        await asyncio.to_thread(run, port)
        await asyncio.wait_for(service.over.wait(), 10)


async def test_cancelling_the_reader_closes_everything() -> None:
    started = asyncio.Event()

    async def script(call: ScriptedCall) -> None:
        await call.start()
        started.set()
        await call.read_all()

    service, source = ScriptedService(script), Endless()
    async with serve(service) as port:
        reading = asyncio.ensure_future(AsyncDriver().stream(port, source))
        await asyncio.wait_for(started.wait(), 5)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert source.closed
        await asyncio.wait_for(service.over.wait(), 10)


async def answer_finalize(call: ScriptedCall) -> None:
    await call.start()
    while (request := await call.read()) is not None:
        if request.HasField("finalize"):
            await call.send(finalized=pb.Finalized(request_id=request.finalize.request_id))
    await call.send(session_summary=pb.SessionSummary())


async def test_control_messages_go_out_between_audio_and_end_stops_the_source() -> None:
    service, source = ScriptedService(answer_finalize), Endless()
    async with serve(service) as port, Client(f"127.0.0.1:{port}") as client:
        async with client.stream(source, StreamConfig(interim_results=True)) as stream:
            await stream.keep_alive()
            await stream.finalize("here")
            assert isinstance(await stream.receive(), SessionStarted)
            assert await stream.receive() == Finalized("here", 0.0)
            await stream.end()
            assert isinstance(await stream.receive(), Summary)
            assert await stream.receive() is None
            with pytest.raises(errors.StreamEnded):
                await stream.finalize()
        assert source.closed
        assert stream.session is not None
        assert stream.session.session_id == "scripted"
        assert stream.summary is not None
    received = service.calls[0].received
    sent = sum(len(request.audio.data) for request in received)
    assert received[0].config.interim_results
    assert received[-1].end_of_audio.total_bytes == sent > 0
    assert any(request.HasField("keep_alive") for request in received)


async def test_plain_code_can_finalize_and_end_too() -> None:
    service, source = ScriptedService(answer_finalize), Endless()

    def run(port: int) -> list[Event]:
        address = f"127.0.0.1:{port}"
        with sori_client.sync.Client(address) as client, client.stream(source) as stream:
            stream.keep_alive()
            stream.finalize("here")
            events = []
            for event in stream:
                events.append(event)
                if isinstance(event, Finalized):
                    stream.end()
            assert stream.session is not None
            assert stream.summary is not None
            with pytest.raises(errors.StreamEnded):
                stream.keep_alive()
            return events

    async with serve(service) as port:
        events = await asyncio.to_thread(run, port)
    assert [type(event) for event in events] == [SessionStarted, Finalized, Summary]


@pytest.mark.parametrize("blocking", [False, True])
async def test_an_error_of_the_source_is_raised_as_it_is_and_ends_the_call(
    driver: Driver, blocking: bool
) -> None:
    started = asyncio.Event()

    async def script(call: ScriptedCall) -> None:
        await call.start()
        started.set()
        await call.read_all()

    def broken() -> Iterator[bytes]:
        yield bytes(320)
        raise OSError("the disk is gone")

    async def broken_later() -> AsyncIterator[bytes]:
        yield bytes(320)
        raise OSError("the disk is gone")

    service = ScriptedService(script)
    source = Bytes(broken() if blocking else broken_later(), LINEAR16)
    async with serve(service) as port:
        with pytest.raises(OSError, match="the disk is gone"):
            await driver.stream(port, source)


async def test_closing_the_client_ends_its_streams_with_an_error() -> None:
    async def script(call: ScriptedCall) -> None:
        await call.start()
        await call.read_all()

    service = ScriptedService(script)
    async with serve(service) as port:
        client = Client(f"127.0.0.1:{port}")
        stream = client.stream(Endless())
        assert isinstance(await stream.receive(), SessionStarted)
        await client.aclose()
        with pytest.raises(errors.ConnectionLost, match="closed"):
            await stream.receive()


async def test_closing_a_plain_client_wakes_the_threads_that_wait_for_it() -> None:
    started = asyncio.Event()

    async def script(call: ScriptedCall) -> None:
        await call.start()
        started.set()
        await call.read_all()

    service = ScriptedService(script)
    async with serve(service) as port:
        client = sori_client.sync.Client(f"127.0.0.1:{port}")
        waiting = asyncio.ensure_future(asyncio.to_thread(list, client.stream(Endless())))
        await asyncio.wait_for(started.wait(), 5)
        await asyncio.to_thread(client.close)
        with pytest.raises(errors.ConnectionLost, match="closed"):
            await asyncio.wait_for(waiting, 5)
    with pytest.raises(errors.ConnectionLost, match="closed"):
        client.server_info()


async def enough(call: ScriptedCall) -> None:
    """The server has heard its one utterance while the client goes on sending."""
    await call.start()
    for _ in range(3):
        await call.read()
    event_type = pb.SPEECH_EVENT_TYPE_SINGLE_UTTERANCE_ENDED
    await call.send(speech_event=pb.SpeechEvent(type=event_type))
    await call.say("one")
    await call.send(session_summary=pb.SessionSummary())


class Torrent(Endless):
    """A source that always has more."""

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        try:
            while True:
                yield bytes(32_000)
                await asyncio.sleep(0)
        finally:
            self.closed = True


@pytest.mark.parametrize("kind", [Endless, Torrent])
async def test_a_stream_may_end_well_before_its_audio_does(
    driver: Driver, kind: type[Endless]
) -> None:
    for _ in range(5):  # whether a message was just being written is for chance to say
        source = kind()
        outcome, _ = await play(driver, enough, source)
        assert outcome.error is None
        assert [type(event) for event in outcome.events] == [
            SessionStarted,
            SpeechEvent,
            Result,
            Summary,
        ]
        assert source.closed
