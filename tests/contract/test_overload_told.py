"""What a busy server does to a stream is told to its client; nothing is left out."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from google.protobuf.duration_pb2 import Duration
from sori.v1 import speech_pb2 as pb
from sori_server.domain.limits import Limits
from sori_server.engine.fake import FakeBehaviour
from sori_server.engine.port import EngineLoad
from support.in_process import ScriptedEngine
from support.raw_client import PATIENCE, Stream
from support.speech_server import Served, server_for, serving
from support.word_audio import assert_heard, conversation, linear16, silence, speak

pytestmark = pytest.mark.contract


def warnings(stream: Stream) -> list[pb.Warning]:
    return [r.warning for r in stream.responses if r.HasField("warning")]


def progress(stream: Stream) -> list[pb.Progress]:
    return [r.progress for r in stream.responses if r.HasField("progress")]


async def test_a_client_that_is_too_fast_is_told_to_slow_down_and_then_to_wait() -> None:
    limits, utterances = (
        Limits(max_buffered_audio=4.0),
        [range(n, n + 10) for n in range(0, 80, 10)],
    )
    async with serving(FakeBehaviour(batch_cost=0.6), limits) as served, served.stream() as stream:
        await stream.audio(linear16(conversation(utterances)))
        await stream.end_of_audio()
        await stream.summary()
    told = [each.pacing for each in progress(stream)]
    assert {pb.PACING_STATE_SLOW_DOWN, pb.PACING_STATE_PAUSE} <= set(told)
    for each in progress(stream):
        credit = each.credit.ToNanoseconds() / 1e9
        assert (credit == 0.0) == (each.pacing == pb.PACING_STATE_PAUSE)
        assert credit <= limits.max_buffered_audio
    assert_heard(stream.texts, range(80))


async def test_a_client_that_keeps_time_may_go_on() -> None:
    async with (
        serving() as served,
        served.stream(progress_interval=Duration(nanos=500_000_000)) as stream,
    ):
        await stream.audio(linear16(silence(20)))
        await stream.end_of_audio()
        await stream.summary()
    assert {each.pacing for each in progress(stream)} == {pb.PACING_STATE_OK}
    credits = {each.credit.ToNanoseconds() / 1e9 for each in progress(stream)}
    assert all(59.0 < credit <= 60.0 for credit in credits)


async def test_finals_that_are_late_are_told_and_come() -> None:
    limits = Limits(late_final=0.2)
    async with serving(FakeBehaviour(batch_cost=0.6), limits) as served, served.stream() as stream:
        await stream.audio(linear16(conversation([range(10)])))
        await stream.end_of_audio()
        await stream.summary()
    (warning,) = warnings(stream)
    assert warning.reason == pb.WARNING_REASON_FINALS_LATE
    start, end = (float(warning.metadata[name]) for name in ("start", "end"))
    assert start <= 0.8
    assert end >= 1.8
    assert stream.kinds.index("warning") < stream.kinds.index("result")
    assert_heard(stream.texts, range(10))


async def test_batch_streams_are_never_late() -> None:
    limits = Limits(late_final=0.1)
    async with (
        serving(FakeBehaviour(batch_cost=0.4), limits) as served,
        served.stream(priority=pb.PRIORITY_BATCH) as stream,
    ):
        await stream.audio(linear16(conversation([range(10)])))
        await stream.end_of_audio()
        await stream.summary()
    assert not warnings(stream)


@pytest.mark.parametrize(("wants", "told"), [(True, ["2", "0", "0.5"]), (False, [])])
async def test_interims_that_are_thinned_are_told_at_each_change(
    wants: bool, told: list[str]
) -> None:
    engine = ScriptedEngine()
    async with (
        server_for(engine) as server,
        Served(server, engine).stream(interim_results=wants) as stream,
    ):
        await stream.until_kind("session_started")
        (runner,) = server.gateway._runners
        for n, interval in enumerate([0.0, 1.0, 2.0, 2.0, float("inf"), 0.3]):
            busy = interval if interval != 1.0 else 0.0
            engine.busy = replace(EngineLoad(), interim_interval=busy)
            await stream.audio(linear16(speak(range(15 * n, 15 * n + 15))))
            async with asyncio.timeout(PATIENCE):
                while runner.received_audio < 1.5 * n + 1.499:  # noqa: ASYNC110
                    await asyncio.sleep(0.005)
        await stream.end_of_audio()
        await stream.summary()
    assert [w.metadata["interval"] for w in warnings(stream)] == told
    assert all(w.reason == pb.WARNING_REASON_INTERIMS_THINNED for w in warnings(stream))
