"""Whatever ends a stream, its words come first; nothing waits without a bound."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import numpy as np
import pytest
from sori_server.domain.audio import AudioEncoding, AudioFormat
from sori_server.domain.config import RecognitionConfig, StreamConfig
from sori_server.domain.errors import (
    AudioGap,
    EngineUnavailable,
    IdleTimeout,
    InvalidAudio,
    ProtocolViolation,
    RecognitionFailed,
    RequestCancelled,
    ServerDraining,
    SessionTooLong,
    SlowReader,
    SoriError,
)
from sori_server.domain.events import (
    Finalized,
    FinalReason,
    GoingAway,
    Progress,
    Result,
    SessionStarted,
    SessionSummary,
    WindowLost,
)
from sori_server.domain.limits import Limits
from sori_server.domain.recognition import RecognitionRequest, WindowKind
from sori_server.engine.fake import FakeStreamAudio
from sori_server.engine.port import FloatArray, StreamAudio
from sori_server.runtime.door import AudioBytes, EndOfAudio, FinalizeUtterance, KeepAlive
from sori_server.runtime.runner import StreamRunner
from support.in_process import (
    ScriptedDoor,
    ScriptedEngine,
    chunks,
    ran,
    settle,
    stream_config,
)
from support.word_audio import assert_heard, conversation, linear16, silence, speak

pytestmark = pytest.mark.unit

FRAME_BYTES = 3_200
"""Bytes of the messages `chunks` makes."""
TEN = range(10)
TALK = chunks(conversation([TEN, range(10, 20)]))
"""Two utterances and the silence after them."""
SPEECH = chunks(speak(TEN))
"""One utterance that has not ended."""


@asynccontextmanager
async def running(
    door: ScriptedDoor,
    engine: ScriptedEngine,
    config: StreamConfig | None = None,
    limits: Limits | None = None,
) -> AsyncIterator[tuple[StreamRunner, asyncio.Task[None]]]:
    """A stream under way, of which no task is left afterwards."""
    before = asyncio.all_tasks()
    runner = StreamRunner(config or stream_config(), engine, limits or Limits())
    task = asyncio.create_task(runner.run(door))
    try:
        async with asyncio.timeout(5):
            await settle(door)
            yield runner, task
    finally:
        task.cancel()
        with suppress(SoriError, asyncio.CancelledError):
            await task
        assert asyncio.all_tasks() == before


def assert_all_withdrawn(engine: ScriptedEngine) -> None:
    """Windows were asked for, and each was cancelled."""
    assert engine.asked
    assert {r.request_id for r in engine.withdrawn} == {r.request_id for r in engine.asked}
    assert len(engine.withdrawn) == len(engine.asked)


def error_at(number: int, error: Exception) -> Callable[[RecognitionRequest], Exception | None]:
    """A verdict: the final of this number fails, and all after it."""
    finals: list[int] = []

    def verdict(request: RecognitionRequest) -> Exception | None:
        if request.kind is WindowKind.FINAL:
            finals.append(request.request_id)
        return error if len(finals) >= number else None

    return verdict


# ------------------------------------------------------------------------------ all is well


@pytest.mark.parametrize("end", [None, EndOfAudio(), EndOfAudio(3_200 * len(TALK))])
async def test_a_stream_from_start_to_summary(end: EndOfAudio | None) -> None:
    door = ScriptedDoor(*TALK, end)
    assert await ran(door, ScriptedEngine()) is None
    assert [n.sequence for n in door.numbered] == list(range(1, len(door.numbered) + 1))
    assert isinstance(door.events[0], SessionStarted)
    assert door.events[-1] == SessionSummary(
        received=1_600 * len(TALK),
        speech=sum(len(final.span) for final in door.finals),
        final_results=2,
        inference=0.0,
    )
    assert_heard(door.texts, range(20))


async def test_nothing_is_read_after_the_end_of_audio() -> None:
    door = ScriptedDoor(*SPEECH, EndOfAudio(), *SPEECH)
    assert await ran(door, ScriptedEngine()) is None
    assert door.taken == len(SPEECH) + 1
    assert_heard(door.texts, TEN)


async def test_finalize_is_answered_after_its_words_and_keep_alives_are_not() -> None:
    door = ScriptedDoor(*SPEECH, KeepAlive(), FinalizeUtterance("one"), KeepAlive(), None)
    assert await ran(door, ScriptedEngine()) is None
    assert door.finals[0].final_reason is FinalReason.FINALIZE
    answer = door.events.index(Finalized("one", 16_000))
    assert door.events.index(door.finals[0]) < answer
    assert_heard(door.texts, TEN)


async def test_every_session_has_an_id_of_its_own() -> None:
    ids = set()
    for _ in range(3):
        door = ScriptedDoor(EndOfAudio())
        await ran(door, ScriptedEngine())
        assert isinstance(door.events[0], SessionStarted)
        ids.add(door.events[0].session_id)
    assert len(ids) == 3


async def test_audio_that_no_window_needs_is_forgotten() -> None:
    engine = ScriptedEngine()
    assert await ran(ScriptedDoor(*TALK, None), engine) is None
    (audio,) = engine.streams
    with pytest.raises(ValueError, match="not within"):
        audio.window(1_600 * (len(TALK) - 8), audio.received)


# ------------------------------------------------------------------------------ backpressure


async def test_the_server_reads_no_further_than_it_may_be_behind() -> None:
    engine = ScriptedEngine()
    engine.gate.clear()
    door = ScriptedDoor(*chunks(conversation([TEN] * 10)), EndOfAudio())
    async with running(door, engine, limits=Limits(max_buffered_audio=4.0)) as (runner, task):
        (audio,) = engine.streams
        assert 4.0 <= (audio.received - engine.asked[0].start) / 16_000 < 4.1
        heard = 2 * audio.received
        assert heard - FRAME_BYTES <= runner.received_bytes <= heard
        engine.gate.set()
        await task
    assert_heard(door.texts, [*TEN] * 10)


async def test_a_long_utterance_is_read_to_its_end() -> None:
    """Nothing is in work: only more audio can end it."""
    door = ScriptedDoor(*chunks(conversation([range(50)])), EndOfAudio())
    assert await ran(door, ScriptedEngine(), limits=Limits(max_buffered_audio=1.0)) is None
    assert_heard(door.texts, range(50))


async def test_the_server_reads_nothing_while_too_much_waits_for_the_client() -> None:
    door = ScriptedDoor(*chunks(silence(100)), EndOfAudio())
    door.accepting.clear()
    config = replace(stream_config(), progress_interval=0.1)
    async with running(door, ScriptedEngine(), config, Limits(max_pending_events=5)) as (_, task):
        assert 5 <= door.taken <= 7
        door.accepting.set()
        await task
    assert sum(isinstance(event, Progress) for event in door.events) >= 100


async def test_interims_do_not_pile_up_for_a_client_that_is_late() -> None:
    door = ScriptedDoor(*chunks(conversation([range(40)])), None)
    door.accepting.clear()
    config = replace(stream_config(), interim_results=True, interim_interval=0.1)
    async with running(door, ScriptedEngine(), config) as (_, task):
        await settle(door)
        door.accepting.set()
        await task
    interims = [e for e in door.events if isinstance(e, Result) and not e.is_final]
    assert len(interims) <= 1
    assert_heard(door.texts, range(40))


# ----------------------------------------------------------------------------------- clients


async def test_a_client_that_does_not_read_is_ended() -> None:
    engine = ScriptedEngine()
    engine.gate.clear()
    door = ScriptedDoor(*TALK, *chunks(silence(5)), accepts=len(TALK))
    config = replace(stream_config(), progress_interval=0.1)
    error = await ran(door, engine, config, Limits(write_timeout=0.03))
    assert isinstance(error, SlowReader)
    assert str(error) == "a response was not accepted for 0.03 s"
    assert_all_withdrawn(engine)


async def test_an_idle_stream_ends_after_its_words() -> None:
    door = ScriptedDoor(*SPEECH)
    error = await ran(door, ScriptedEngine(), limits=Limits(idle_timeout=0.03))
    assert isinstance(error, IdleTimeout)
    assert error.metadata == {"idle_timeout": "0.03"}
    assert_heard(door.texts, TEN)
    assert "SessionSummary" not in door.kinds


async def test_an_idle_stream_that_is_flushed_as_its_patience_ends_ends_like_the_others() -> None:
    """The timer has fired, and the reader has not been told yet."""
    loop = asyncio.get_running_loop()
    door = ScriptedDoor(*SPEECH)
    limits = Limits(idle_timeout=1.5)
    async with running(door, ScriptedEngine(), limits=limits) as (runner, task):
        flushed = loop.create_future()

        def flush() -> None:
            runner.flush()
            flushed.set_result(None)

        loop.call_later(1.6, flush)
        time.sleep(1.8)  # noqa: ASYNC251  # both timers are due in one turn of the loop
        await flushed
        with pytest.raises(ServerDraining):
            await task
    assert_heard(door.texts, TEN)


@pytest.mark.parametrize("bad", [AudioBytes(b"", 10**6), ProtocolViolation("twice")])
async def test_what_the_resampler_holds_is_heard_before_an_error(
    bad: AudioBytes | ProtocolViolation,
) -> None:
    at_8_khz = AudioFormat(AudioEncoding.LINEAR16, 8_000)
    config = StreamConfig(RecognitionConfig(at_8_khz))
    engine = ScriptedEngine()
    error = await ran(ScriptedDoor(AudioBytes(bytes(16_000)), bad), engine, config)
    assert isinstance(error, AudioGap | ProtocolViolation)
    (audio,) = engine.streams
    assert audio.received == 16_000


async def test_a_stream_has_its_share_of_the_windows_that_may_wait() -> None:
    engine = ScriptedEngine()
    engine.gate.clear()
    door = ScriptedDoor(AudioBytes(linear16(conversation([TEN] * 10))), EndOfAudio())
    limits = Limits(max_streams=1, max_batch_streams=1, max_pending_windows=8)
    async with running(door, engine, limits=limits) as (_, task):
        assert len(engine.asked) == limits.windows_per_stream == 2
        engine.gate.set()
        await task
    assert_heard(door.texts, [*TEN] * 10)


async def test_waiting_for_the_engine_is_not_idleness() -> None:
    engine = ScriptedEngine()
    engine.gate.clear()
    door = ScriptedDoor(*TALK, EndOfAudio())
    limits = Limits(max_buffered_audio=1.0, idle_timeout=0.02)
    async with running(door, engine, limits=limits) as (_, task):
        await settle(door)
        engine.gate.set()
        await task
    assert_heard(door.texts, range(20))


@pytest.mark.parametrize("frames", [1, 7, 30])
async def test_a_stream_is_heard_up_to_its_limit(frames: int) -> None:
    door = ScriptedDoor(*chunks(speak(range(30)), frames))
    error = await ran(door, ScriptedEngine(), limits=Limits(max_session_duration=2.0))
    assert isinstance(error, SessionTooLong)
    assert error.metadata == {"max_session_duration": "2"}
    assert_heard(door.texts, range(20))
    assert door.finals[-1].span.end == 32_000


async def test_nothing_beyond_the_limit_is_taken_for_speech() -> None:
    engine = ScriptedEngine()
    audio = np.concatenate([silence(5), speak(range(5))])
    error = await ran(
        ScriptedDoor(*chunks(audio, 10)), engine, limits=Limits(max_session_duration=0.5)
    )
    assert isinstance(error, SessionTooLong)
    assert engine.asked == []


async def test_a_stream_as_long_as_its_limit_is_not_too_long() -> None:
    door = ScriptedDoor(*chunks(speak(range(20))), EndOfAudio())
    limits = Limits(max_session_duration=2.0)
    assert await ran(door, ScriptedEngine(), limits=limits) is None
    assert_heard(door.texts, range(20))


@pytest.mark.parametrize(
    "bad", [ProtocolViolation("config: sent twice"), InvalidAudio("audio.data", "is bad")]
)
async def test_a_bad_message_ends_the_stream_after_its_words(bad: SoriError) -> None:
    door = ScriptedDoor(*SPEECH, bad, *SPEECH)
    assert await ran(door, ScriptedEngine()) is bad
    assert_heard(door.texts, TEN)
    assert door.taken == len(SPEECH) + 1
    assert "SessionSummary" not in door.kinds


async def test_the_first_error_is_the_one_that_is_told() -> None:
    engine = ScriptedEngine(lambda _: EngineUnavailable("no worker can be had"))
    bad = ProtocolViolation("config: sent twice")
    assert await ran(ScriptedDoor(*SPEECH, bad), engine) is bad
    assert len(engine.asked) == 1


async def test_a_gap_ends_the_stream_after_its_words() -> None:
    door = ScriptedDoor(*SPEECH, AudioBytes(b"0000", offset=32_002))
    error = await ran(door, ScriptedEngine())
    assert error is not None
    assert error.reason == "AUDIO_GAP"
    assert_heard(door.texts, TEN)


async def test_a_wrong_total_is_told_after_the_words() -> None:
    door = ScriptedDoor(*SPEECH, EndOfAudio(32_002))
    error = await ran(door, ScriptedEngine())
    assert error is not None
    assert error.metadata == {"received_bytes": "32000", "announced_bytes": "32002"}
    assert_heard(door.texts, TEN)


@pytest.mark.parametrize("steps", [SPEECH, [*SPEECH, None], TALK])
async def test_a_client_that_is_gone_leaves_nothing(steps: list[AudioBytes]) -> None:
    engine = ScriptedEngine()
    engine.gate.clear()
    config = replace(stream_config(), interim_results=True)
    async with running(ScriptedDoor(*steps), engine, config) as (_, task):
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert_all_withdrawn(engine)


# ------------------------------------------------------------------------------------ engine


async def test_a_window_that_cannot_be_recognized_is_told_and_the_stream_goes_on() -> None:
    def verdict(request: RecognitionRequest) -> Exception | None:
        return RecognitionFailed("secret words") if request.start < 16_000 else None

    door = ScriptedDoor(*TALK, EndOfAudio())
    assert await ran(door, ScriptedEngine(verdict)) is None
    (lost,) = (event for event in door.events if isinstance(event, WindowLost))
    assert lost.reason == "RECOGNITION_FAILED"
    assert lost.span.start <= 12_800
    assert lost.span.end >= 28_800
    assert_heard(door.texts, range(10, 20))
    assert isinstance(door.events[-1], SessionSummary)


async def test_interims_that_fail_are_asked_for_again_and_not_told() -> None:
    def verdict(request: RecognitionRequest) -> Exception | None:
        interim = request.kind is WindowKind.INTERIM
        return RequestCancelled("a more urgent window took its place") if interim else None

    engine = ScriptedEngine(verdict)
    door = ScriptedDoor(*TALK, EndOfAudio())
    assert await ran(door, engine, replace(stream_config(), interim_results=True)) is None
    assert len(engine.of_kind(WindowKind.INTERIM)) > 2
    assert set(door.kinds) == {"SessionStarted", "Result", "Progress", "SessionSummary"}
    assert_heard(door.texts, range(20))


@pytest.mark.parametrize("steps", [TALK, [*TALK, EndOfAudio()]], ids=["open", "ended"])
async def test_an_engine_that_is_gone_ends_the_stream_after_its_words(
    steps: list[AudioBytes],
) -> None:
    gone = EngineUnavailable("no worker can be had")
    door = ScriptedDoor(*steps)
    error = await ran(door, ScriptedEngine(error_at(2, gone)), limits=Limits(retry_delay=7.0))
    assert isinstance(error, EngineUnavailable)
    assert (str(error), error.retry_after) == ("no worker can be had", 7.0)
    assert_heard(door.texts, TEN)
    assert [e.reason for e in door.events if isinstance(e, WindowLost)] == ["ENGINE_UNAVAILABLE"]
    assert "SessionSummary" not in door.kinds


async def test_an_engine_that_is_gone_for_an_interim_ends_the_stream() -> None:
    engine = ScriptedEngine(lambda _: EngineUnavailable("no worker can be had"))
    config = replace(stream_config(), interim_results=True)
    error = await ran(ScriptedDoor(*SPEECH), engine, config)
    assert isinstance(error, EngineUnavailable)
    assert [request.kind for request in engine.asked] == [WindowKind.INTERIM, WindowKind.FINAL]


async def test_an_interim_that_is_overtaken_by_its_final_is_withdrawn() -> None:
    engine = ScriptedEngine()
    engine.gate.clear()
    config = replace(stream_config(), interim_results=True)
    door = ScriptedDoor(*SPEECH, FinalizeUtterance(""), KeepAlive())
    async with running(door, engine, config):
        (interim,) = engine.of_kind(WindowKind.INTERIM)
        (final,) = engine.of_kind(WindowKind.FINAL)
        assert engine.withdrawn == [interim]
        engine.gate.set()
        await settle(door)
        assert engine.answered == [final]
    assert_heard(door.texts, TEN)


async def test_a_bug_in_the_engine_ends_the_stream_and_leaves_nothing() -> None:
    engine = ScriptedEngine(error_at(1, LookupError("a bug")))
    with pytest.raises(ExceptionGroup) as failure:
        await ran(ScriptedDoor(*TALK), engine)
    assert failure.group_contains(LookupError, match="a bug")


# ------------------------------------------------------------------------- leaving the server


async def test_a_flushed_stream_ends_after_its_words() -> None:
    door = ScriptedDoor(*SPEECH)
    async with running(door, ScriptedEngine(), limits=Limits(retry_delay=3.0)) as (runner, task):
        assert door.texts == []
        runner.flush()
        runner.flush()
        with pytest.raises(ServerDraining) as leaving:
            await task
    assert leaving.value.retry_after == 3.0
    assert_heard(door.texts, TEN)
    assert door.finals[0].final_reason is FinalReason.SERVER
    assert "SessionSummary" not in door.kinds


async def test_a_stream_that_has_ended_its_audio_is_not_disturbed_by_a_flush() -> None:
    engine = ScriptedEngine()
    engine.gate.clear()
    door = ScriptedDoor(*SPEECH, EndOfAudio())
    async with running(door, engine) as (runner, task):
        runner.flush()
        engine.gate.set()
        await task
    assert_heard(door.texts, TEN)
    assert isinstance(door.events[-1], SessionSummary)


async def test_a_stream_that_waits_for_the_engine_can_be_flushed() -> None:
    engine = ScriptedEngine()
    engine.gate.clear()
    door = ScriptedDoor(*TALK, *TALK)
    async with running(door, engine, limits=Limits(max_buffered_audio=1.0)) as (runner, task):
        runner.flush()
        engine.gate.set()
        with pytest.raises(ServerDraining):
            await task
    assert_heard(door.texts, TEN)


class Slow(FakeStreamAudio):
    """Judges the second piece when told to."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on = threading.Event()

    def accept(self, samples: FloatArray) -> list[float]:
        if self.received:
            assert self.go_on.wait(5)
        return super().accept(samples)


async def test_a_flush_in_the_middle_of_a_chunk_keeps_all_of_it() -> None:
    slow = Slow()

    class Engine(ScriptedEngine):
        def open_stream(self) -> StreamAudio:
            return slow

    door = ScriptedDoor(*chunks(speak(range(30)), 30))
    async with running(door, Engine()) as (runner, task):
        runner.flush()
        slow.go_on.set()
        with pytest.raises(ServerDraining):
            await task
        assert runner.received_bytes == len(speak(range(30))) * 2
    assert_heard(door.texts, range(30))
    assert door.finals[0].final_reason is FinalReason.SERVER


async def test_clients_are_told_that_the_server_leaves() -> None:
    door = ScriptedDoor(*SPEECH)
    async with running(door, ScriptedEngine()) as (runner, _):
        runner.go_away(2.5)
        await settle(door)
        assert door.events[-1] == GoingAway(2.5)


async def test_clients_that_have_ended_their_audio_are_not() -> None:
    engine = ScriptedEngine()
    engine.gate.clear()
    door = ScriptedDoor(*SPEECH, EndOfAudio())
    async with running(door, engine) as (runner, task):
        runner.go_away(2.5)
        engine.gate.set()
        await task
        runner.go_away(2.5)
    assert "GoingAway" not in door.kinds
