"""Windows and workers that die, and a server that leaves, while streams are open."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from sori.v1 import speech_pb2 as pb
from sori_server.domain.limits import Limits
from sori_server.engine.fake import KILLER_WORD, POISON_WORD, FakeBehaviour
from support.raw_client import LINEAR16, Stream, failure_of
from support.speech_server import Served, admitting, fake_engine, server_for, serving, undisturbed
from support.word_audio import assert_heard, conversation, linear16, speak

pytestmark = pytest.mark.contract


BUSY = {pb.WARNING_REASON_INTERIMS_THINNED, pb.WARNING_REASON_FINALS_LATE}


def warnings(stream: Stream) -> list[pb.Warning]:
    """Those that are not about a machine that does other work as well."""
    told = [r.warning for r in stream.responses if r.HasField("warning")]
    return [warning for warning in told if warning.reason not in BUSY]


async def said(stream: Stream, *utterances: list[int]) -> None:
    """Speak, and wait until the stream has ended well."""
    await stream.audio(linear16(conversation(utterances)))
    await stream.end_of_audio()
    await stream.summary()


# ------------------------------------------------------------------------------- windows


@pytest.mark.parametrize("word", [POISON_WORD, KILLER_WORD], ids=["poison", "killer"])
async def test_a_window_that_cannot_be_recognized_is_told_and_the_stream_goes_on(
    word: int,
) -> None:
    async with serving() as served, undisturbed(served), served.stream() as stream:
        await said(stream, [1, 2, 3], [word], [4, 5, 6])
    (warning,) = warnings(stream)
    assert warning.reason == pb.WARNING_REASON_RECOGNITION_FAILED
    assert warning.metadata["reason"] == "RECOGNITION_FAILED"
    start, end = (float(warning.metadata[name]) for name in ("start", "end"))
    assert start <= 1.9
    assert end >= 2.0
    assert warning.metadata["start"] in warning.message
    assert warning.metadata["end"] in warning.message
    assert_heard(stream.texts, [1, 2, 3, 4, 5, 6])


async def test_a_killer_costs_the_streams_beside_it_nothing() -> None:
    """Their windows share batches with the one that kills the worker, twice."""
    words = [range(100 * n, 100 * n + 12) for n in range(8)]
    async with serving(FakeBehaviour(batch_cost=0.02)) as served, served.stream() as killer:

        async def innocent(mine: range) -> Stream:
            async with served.stream(interim_results=True) as stream:
                await said(stream, list(mine[:6]), list(mine[6:]))
            return stream

        calls = [innocent(mine) for mine in words]
        _, *streams = await asyncio.gather(said(killer, [1], [KILLER_WORD], [2]), *calls)
    assert len(warnings(killer)) == 1
    assert_heard(killer.texts, [1, 2])
    for stream, mine in zip(streams, words, strict=True):
        assert not warnings(stream)
        assert_heard(stream.texts, mine)


async def test_a_worker_killed_in_a_batch_loses_nothing() -> None:
    async with (
        serving(FakeBehaviour(batch_cost=0.3)) as served,
        served.stream(interim_results=True) as stream,
    ):
        await stream.audio(linear16(speak(range(20))))
        await stream.finalize("in work")
        await asyncio.sleep(0.1)
        os.kill(served.worker_pid, signal.SIGKILL)
        await stream.until_kind("finalized")
        await stream.audio(linear16(speak(range(20, 30))))
        await stream.end_of_audio()
        await stream.summary()
    assert not warnings(stream)
    assert_heard(stream.texts, range(30))


@pytest.mark.parametrize("ends", [False, True], ids=["open", "after the end of audio"])
async def test_an_engine_that_gives_up_is_told(ends: bool) -> None:
    """Two crashes quarantine the killer; there is no worker for what comes then."""
    limits = Limits(max_worker_restarts=1, max_batch=1, retry_delay=0.75)
    async with serving(limits=limits) as served, served.stream() as stream:
        await stream.audio(linear16(conversation([[1, 2], [KILLER_WORD], [3, 4]])))
        if ends:
            await stream.end_of_audio()
        ending = await stream.ended()
        async with served.channel() as channel:
            await until_not_serving(channel)
    assert ending.summary == ("UNAVAILABLE", "ENGINE_UNAVAILABLE")
    assert ending.retry_delay == 0.75
    assert "session_summary" not in stream.kinds
    assert stream.texts[0] == "w1 w2"


async def until_not_serving(channel: grpc.aio.Channel) -> None:
    watching = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
    async with asyncio.timeout(15):
        async for answer in watching:
            if answer.status == health_pb2.HealthCheckResponse.NOT_SERVING:
                return


# --------------------------------------------------------------------------------- drain


@asynccontextmanager
async def leaving(limits: Limits, behaviour: FakeBehaviour | None = None) -> AsyncIterator[Served]:
    """A server that is told to leave at the end of the block, and has left after it."""
    limits = admitting(limits)
    engine = fake_engine(behaviour, limits)
    server = server_for(engine, limits)
    await server.__aenter__()
    yield Served(server, engine)
    await server.__aexit__()


async def test_a_server_that_leaves_flushes_what_it_heard() -> None:
    limits = Limits(drain_grace=3.0, retry_delay=0.75)
    behaviour = FakeBehaviour(batch_cost=0.05)
    async with leaving(limits, behaviour) as served, AsyncExitStack() as stack:
        streams = [await open_stream(served, stack, n) for n in range(3)]
        drain = asyncio.create_task(served.server.__aexit__())
        told = [(await stream.until_kind("go_away")).go_away for stream in streams]
        for go_away in told:
            assert go_away.time_left.ToTimedelta().total_seconds() == 3.0
            assert "shutting down" in go_away.message
        await streams[0].audio(linear16(speak(range(10, 15))))
        await streams[0].end_of_audio()
        await streams[0].summary()
        await streams[1].audio(linear16(speak(range(110, 115))))
        endings = [await stream.ended() for stream in streams[1:]]
        await drain
    assert_heard(streams[0].texts, range(15))
    assert_heard(streams[1].texts, range(100, 115))
    assert_heard(streams[2].texts, range(200, 210))
    assert streams[0].finals[-1].final_reason == pb.FINAL_REASON_END_OF_AUDIO
    for stream, ending in zip(streams[1:], endings, strict=True):
        assert ending.summary == ("UNAVAILABLE", "SERVER_DRAINING")
        assert ending.retry_delay == 0.75
        assert stream.finals[-1].final_reason == pb.FINAL_REASON_SERVER
        assert "session_summary" not in stream.kinds


async def open_stream(served: Served, stack: AsyncExitStack, number: int) -> Stream:
    """A stream that has spoken ten words, and has been heard to."""
    stream = await stack.enter_async_context(served.stream(interim_results=True))
    await stream.audio(linear16(speak(range(100 * number, 100 * number + 10))))
    await stream.until_kind("result")
    return stream


async def test_a_server_that_leaves_refuses_what_is_new_and_says_so() -> None:
    limits = Limits(retry_delay=0.75)
    recording = pb.RecognizeRequest(config=pb.RecognitionConfig(audio_format=LINEAR16))
    async with serving(limits=limits) as served, served.stub() as stub:
        async with served.silent_stream() as early, served.stream() as stream:
            await stream.until_kind("session_started")
            await stub.GetServerInfo(pb.GetServerInfoRequest())
            drain = asyncio.create_task(served.gateway.drain())
            await stream.until_kind("go_away")
            info = await stub.GetServerInfo(pb.GetServerInfoRequest())
            await early.send(config=stream_config())
            endings = [await early.ended(), await failure_of(stub.Recognize(recording))]
        await drain
    assert info.draining
    assert (info.active_stream_count, info.available_stream_count) == (1, 0)
    for ending in endings:
        assert ending.summary == ("UNAVAILABLE", "SERVER_DRAINING")
        assert ending.retry_delay == 0.75


def stream_config() -> pb.StreamingConfig:
    return pb.StreamingConfig(recognition=pb.RecognitionConfig(audio_format=LINEAR16))


async def test_a_drain_without_streams_takes_no_time() -> None:
    async with leaving(Limits()):
        started = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - started < 4.0


async def test_a_drain_does_not_wait_for_clients_that_do_not_read() -> None:
    limits = Limits(drain_grace=0.1, flush_timeout=0.2, write_timeout=0.3)
    async with AsyncExitStack() as stack:
        async with leaving(limits) as served:
            stream = Stream(served.channel(), reads=False)
            await stack.enter_async_context(stream)
            await stream.send(config=stream_config())
            await served.until_streams(1)
            started = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - started < 5.0
