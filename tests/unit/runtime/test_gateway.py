"""Who is let in, in what order that is decided, and how everybody leaves."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace

import pytest
from sori_server.domain.config import EndpointingConfig, Priority, RecognitionConfig
from sori_server.domain.errors import (
    CapacityExhausted,
    EngineUnavailable,
    InvalidConfig,
    ModelLoading,
    ModelNotFound,
    ServerDraining,
    SessionTooLong,
    SoriError,
)
from sori_server.domain.events import FinalReason, GoingAway, SessionSummary
from sori_server.domain.limits import Limits
from sori_server.engine.port import EngineLoad, ModelInfo
from sori_server.runtime.door import EndOfAudio
from sori_server.runtime.gateway import Gateway
from sori_server.runtime.recording import RecordingDoor
from sori_server.runtime.runner import StreamRunner
from support.in_process import ScriptedDoor, ScriptedEngine, chunks, settle, stream_config
from support.word_audio import assert_heard, linear16, speak

pytestmark = pytest.mark.unit

WRONG = replace(stream_config(), interim_interval=0.0)
TEN = range(10)


class OtherEngine(ScriptedEngine):
    """Its model reads short utterances only; it is unknown until it is loaded."""

    @property
    def model(self) -> ModelInfo:
        if not self.ready:
            raise ModelLoading("not loaded yet")
        return replace(
            super().model,
            max_utterance=12.0,
            commit_confidence=0.75,
            condition_on_previous_text=False,
        )


def stream(gateway: Gateway) -> AbstractContextManager[StreamRunner]:
    return gateway.stream(stream_config())


@contextmanager
def recording(gateway: Gateway) -> Iterator[StreamRunner]:
    with gateway.receiving(), gateway.recording(stream_config().recognition) as runner:
        yield runner


def batch(gateway: Gateway) -> AbstractContextManager[StreamRunner]:
    return gateway.stream(stream_config(priority=Priority.BATCH))


Opening = Callable[[Gateway], AbstractContextManager[StreamRunner]]
either = pytest.mark.parametrize("opening", [stream, recording, batch])


def refusal(opening: AbstractContextManager[StreamRunner]) -> SoriError:
    with pytest.raises(SoriError) as refused, opening:
        pass
    return refused.value


# --------------------------------------------------------------------------------- admission


@either
async def test_open_streams_are_counted_until_they_end(opening: Opening) -> None:
    gateway = Gateway(ScriptedEngine(), Limits())
    with opening(gateway), opening(gateway):
        assert gateway.active_streams == 2
    assert gateway.active_streams == 0
    with pytest.raises(LookupError), opening(gateway):
        raise LookupError
    assert gateway.active_streams == 0


@either
async def test_one_more_than_the_limit_is_refused(opening: Opening) -> None:
    gateway = Gateway(ScriptedEngine(), Limits(max_streams=2, max_batch_streams=2, retry_delay=4.0))
    with stream(gateway), stream(gateway), recording(gateway), batch(gateway):
        assert (gateway.live_streams, gateway.batch_streams) == (2, 2)
        error = refusal(opening(gateway))
        assert isinstance(error, CapacityExhausted)
        assert error.metadata == (
            {"active_streams": "2", "max_streams": "2"}
            if opening is stream
            else {"batch_streams": "2", "max_batch_streams": "2"}
        )
        assert error.retry_after == 4.0
    with opening(gateway):
        assert gateway.active_streams == 1


async def test_neither_kind_of_streams_takes_the_places_of_the_other() -> None:
    gateway = Gateway(ScriptedEngine(), Limits(max_streams=1, max_batch_streams=1))
    with batch(gateway), stream(gateway):
        assert gateway.active_streams == 2
    with stream(gateway), recording(gateway):
        assert gateway.active_streams == 2


async def test_a_recording_that_was_received_is_recognized_whoever_came_meanwhile() -> None:
    """Its room was taken before its first byte."""
    gateway = Gateway(ScriptedEngine(), Limits(max_batch_streams=2))
    with gateway.receiving():
        assert (gateway.active_streams, gateway.batch_streams) == (0, 1)
        with batch(gateway):
            assert isinstance(refusal(batch(gateway)), CapacityExhausted)
            assert isinstance(refusal(recording(gateway)), CapacityExhausted)
            with gateway.recording(stream_config().recognition):
                assert (gateway.active_streams, gateway.batch_streams) == (2, 2)
            assert gateway.batch_streams == 2
    assert gateway.batch_streams == 0


async def test_a_recording_that_is_too_late_for_a_server_that_leaves_is_told() -> None:
    gateway = Gateway(ScriptedEngine(), Limits())
    with gateway.receiving():
        await gateway.drain()
        error = refusal(gateway.recording(stream_config().recognition))
    assert isinstance(error, ServerDraining)


async def test_who_would_make_finals_late_is_refused() -> None:
    engine = ScriptedEngine()
    engine.busy = EngineLoad(final_cost=0.1)
    gateway = Gateway(engine, Limits())
    with stream(gateway), stream(gateway):
        engine.busy = EngineLoad(final_cost=0.1, final_wait=0.7, finals_busy=0.1)
        error = refusal(stream(gateway))
        with batch(gateway), recording(gateway):
            assert gateway.batch_streams == 2, "they wait for the others"
    assert isinstance(error, CapacityExhausted)
    assert error.metadata["active_streams"] == "2"
    assert float(error.metadata["predicted_delay"]) > float(error.metadata["max_final_delay"])
    assert len(engine.streams) == 4
    assert gateway.active_streams == 0
    with stream(gateway):
        pass


async def test_the_load_is_read_while_nobody_comes_or_goes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An hour of silence says little of the minute of speech after it."""
    monkeypatch.setattr("sori_server.runtime.gateway.READING_INTERVAL", 0.01)
    engine = ScriptedEngine()
    gateway = Gateway(engine, Limits())
    with stream(gateway):
        engine.busy = EngineLoad(finals_busy=1.0, final_wait=9.0)
        await asyncio.sleep(0.05)
        engine.busy = replace(engine.busy, final_wait=0.0)
        assert isinstance(refusal(stream(gateway)), CapacityExhausted), "it was read meanwhile"


@either
async def test_a_model_that_is_not_warm_serves_nobody(opening: Opening) -> None:
    engine = OtherEngine()
    gateway = Gateway(engine, Limits(retry_delay=4.0))
    engine.ready = False
    assert not gateway.ready
    error = refusal(opening(gateway))
    assert isinstance(error, ModelLoading)
    assert error.retry_after == 4.0
    engine.ready = True
    assert gateway.ready
    with opening(gateway):
        pass


@either
async def test_an_engine_that_gave_up_is_not_said_to_be_loading(opening: Opening) -> None:
    engine = ScriptedEngine()
    gateway = Gateway(engine, Limits(retry_delay=4.0))
    assert gateway.failure is None
    engine.ready, engine.failure = False, EngineUnavailable("the worker died")
    assert gateway.failure is engine.failure
    error = refusal(opening(gateway))
    assert isinstance(error, EngineUnavailable)
    assert error is not engine.failure
    assert (str(error), error.retry_after) == ("the worker died", 4.0)


async def test_a_model_that_is_not_known_yet_is_told_with_advice() -> None:
    engine = OtherEngine()
    engine.ready = False
    with pytest.raises(ModelLoading) as loading:
        _ = Gateway(engine, Limits(retry_delay=4.0)).model
    assert loading.value.retry_after == 4.0


@either
async def test_a_server_that_leaves_lets_nobody_in(opening: Opening) -> None:
    gateway = Gateway(ScriptedEngine(), Limits(retry_delay=4.0))
    await gateway.drain()
    assert gateway.draining
    assert not gateway.ready
    error = refusal(opening(gateway))
    assert isinstance(error, ServerDraining)
    assert error.retry_after == 4.0


async def test_what_cannot_be_cured_by_waiting_elsewhere_is_told_last() -> None:
    """Leaving before loading before capacity before settings: one cure each."""
    engine = ScriptedEngine()
    gateway = Gateway(engine, Limits(max_streams=1))
    told = []
    with ExitStack() as open_streams:
        told.append(refusal(gateway.stream(WRONG)))
        open_streams.enter_context(stream(gateway))
        told.append(refusal(gateway.stream(WRONG)))
        engine.ready = False
        told.append(refusal(gateway.stream(WRONG)))
    await gateway.drain()
    told.append(refusal(gateway.stream(WRONG)))
    assert [type(error) for error in told] == [
        InvalidConfig,
        CapacityExhausted,
        ModelLoading,
        ServerDraining,
    ]


@either
async def test_room_is_taken_on_entering_not_on_asking(opening: Opening) -> None:
    gateway = Gateway(ScriptedEngine(), Limits(max_streams=1, max_batch_streams=1))
    asked = opening(gateway), opening(gateway)
    assert gateway.active_streams == 0
    with asked[0]:
        assert isinstance(refusal(asked[1]), CapacityExhausted)


async def test_settings_that_cannot_be_met_take_no_room() -> None:
    gateway = Gateway(ScriptedEngine(), Limits(max_streams=1))
    other = replace(stream_config().recognition, model="other")
    assert isinstance(refusal(gateway.recording(other)), ModelNotFound)
    assert isinstance(refusal(gateway.stream(WRONG)), InvalidConfig)
    assert gateway.active_streams == 0
    with stream(gateway):
        pass


# ----------------------------------------------------------------------------------- settings


@either
async def test_utterances_are_as_long_as_the_model_bears(opening: Opening) -> None:
    with opening(Gateway(OtherEngine(), Limits())) as runner:
        assert runner.config.endpointing.max_utterance == 12.0


async def test_utterances_are_as_long_as_asked_for() -> None:
    config = replace(stream_config(), endpointing=EndpointingConfig(max_utterance=20.0))
    with Gateway(OtherEngine(), Limits()).stream(config) as runner:
        assert runner.config.endpointing.max_utterance == 20.0


async def test_words_are_committed_at_the_confidence_the_model_needs() -> None:
    with Gateway(OtherEngine(), Limits()).stream(stream_config()) as runner:
        assert runner.config.commit_confidence == 0.75
    asked = replace(stream_config(), commit_confidence=0.1)
    with Gateway(OtherEngine(), Limits()).stream(asked) as runner:
        assert runner.config.commit_confidence == 0.1


@pytest.mark.parametrize("wanted", [None, True, False])
async def test_earlier_text_is_a_prompt_where_the_client_or_else_the_model_says(
    wanted: bool | None,
) -> None:
    recognition = replace(stream_config().recognition, condition_on_previous_text=wanted)
    config = replace(stream_config(), recognition=recognition)
    engine = OtherEngine()
    with Gateway(engine, Limits()).stream(config) as runner:
        told = runner.config.recognition.condition_on_previous_text
    assert told is (engine.model.condition_on_previous_text if wanted is None else wanted)


async def test_two_regions_of_a_language_are_one_language() -> None:
    recognition = replace(
        stream_config().recognition,
        languages=("en", "ko", "en"),
        language_tags=("en-US", "ko-KR", "en-GB"),
    )
    config = replace(stream_config(), recognition=recognition)
    with Gateway(ScriptedEngine(), Limits()).stream(config) as runner:
        assert runner.config.recognition.languages == ("en", "ko")
        assert len(runner.config.recognition.language_tags) == 2


async def test_a_recording_has_no_settings_but_its_own() -> None:
    wanted = RecognitionConfig(
        languages=("ko",),
        language_tags=("ko-KR",),
        word_times=True,
        beam_size=2,
        condition_on_previous_text=False,
    )
    gateway = Gateway(ScriptedEngine(), Limits())
    with gateway.receiving(), gateway.recording(wanted) as runner:
        assert runner.config.recognition == wanted
        assert not runner.config.interim_results


async def test_a_recording_has_a_limit_of_its_own() -> None:
    gateway = Gateway(
        ScriptedEngine(), Limits(max_session_duration=1.0, max_recording_duration=2.0)
    )
    door = RecordingDoor(linear16(speak(range(20))), 3_200)
    with recording(gateway) as runner:
        await runner.run(door)
    assert_heard([result.text for result in door.results], range(20))
    with pytest.raises(SessionTooLong) as refused, recording(gateway) as runner:
        await runner.run(RecordingDoor(linear16(speak(range(21))), 3_200))
    assert refused.value.metadata == {"max_recording_duration": "2"}
    assert gateway.active_streams == 0


# -------------------------------------------------------------------------------------- drain


async def serve(gateway: Gateway, door: ScriptedDoor) -> str:
    """Serve a stream; how it ended."""
    with stream(gateway) as runner:
        try:
            await runner.run(door)
        except SoriError as error:
            return error.reason
    return "OK"


async def test_an_idle_server_leaves_at_once() -> None:
    gateway = Gateway(ScriptedEngine(), Limits())
    started = time.monotonic()
    await gateway.drain()
    assert time.monotonic() - started < 4


async def test_streams_that_end_in_time_are_not_disturbed() -> None:
    gateway = Gateway(ScriptedEngine(), Limits(drain_grace=5.0))
    hurry = asyncio.Event()
    door = ScriptedDoor(*chunks(speak(TEN)), hurry, *chunks(speak(range(10, 20))), EndOfAudio())
    serving = asyncio.create_task(serve(gateway, door))
    await settle(door)
    draining = asyncio.create_task(gateway.drain())
    await settle(door)
    assert door.events[-1] == GoingAway(5.0)
    assert not draining.done()
    hurry.set()
    async with asyncio.timeout(4):
        await draining
    assert await serving == "OK"
    assert_heard(door.texts, range(20))
    assert isinstance(door.events[-1], SessionSummary)


async def test_the_last_stream_is_waited_for() -> None:
    gateway = Gateway(ScriptedEngine(), Limits(drain_grace=5.0))
    hurry, dawdle = asyncio.Event(), asyncio.Event()
    doors = [ScriptedDoor(end, EndOfAudio()) for end in (hurry, dawdle)]
    serving = [asyncio.create_task(serve(gateway, door)) for door in doors]
    draining = asyncio.create_task(gateway.drain())
    hurry.set()
    await settle(doors[0])
    assert gateway.active_streams == 1
    assert not draining.done()
    dawdle.set()
    async with asyncio.timeout(4):
        await draining
    assert await asyncio.gather(*serving) == ["OK", "OK"]


async def test_streams_that_do_not_end_are_flushed_after_the_grace() -> None:
    gateway = Gateway(ScriptedEngine(), Limits(drain_grace=0.05))
    doors = [ScriptedDoor(*chunks(speak(TEN))) for _ in range(3)]
    serving = [asyncio.create_task(serve(gateway, door)) for door in doors]
    for door in doors:
        await settle(door)
    async with asyncio.timeout(10):
        await gateway.drain()
    assert gateway.active_streams == 0
    assert await asyncio.gather(*serving) == ["SERVER_DRAINING"] * 3
    for door in doors:
        assert_heard(door.texts, TEN)
        assert [final.final_reason for final in door.finals] == [FinalReason.SERVER]
        assert door.kinds.index("GoingAway") < door.kinds.index("Result")


async def test_a_stream_that_fails_when_told_keeps_no_other_from_its_last_words(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    go_away, flush = StreamRunner.go_away, StreamRunner.flush

    def failing_go_away(runner: StreamRunner, time_left: float) -> None:
        go_away(runner, time_left)
        raise LookupError("words")

    def failing_flush(runner: StreamRunner) -> None:
        flush(runner)
        raise LookupError("words")

    gateway = Gateway(ScriptedEngine(), Limits(drain_grace=0.05))
    doors = [ScriptedDoor(*chunks(speak(TEN))) for _ in range(2)]
    serving = [asyncio.create_task(serve(gateway, door)) for door in doors]
    for door in doors:
        await settle(door)
    monkeypatch.setattr(StreamRunner, "go_away", failing_go_away)
    monkeypatch.setattr(StreamRunner, "flush", failing_flush)
    async with asyncio.timeout(10):
        await gateway.drain()
    assert await asyncio.gather(*serving) == ["SERVER_DRAINING"] * 2
    for door in doors:
        assert "GoingAway" in door.kinds
        assert_heard(door.texts, TEN)
    told = "a stream was not told of the drain: LookupError"
    assert [record.getMessage() for record in caplog.records] == [told] * 4


async def test_a_stream_that_cannot_be_flushed_does_not_hold_up_the_server() -> None:
    engine = ScriptedEngine()
    engine.gate.clear()
    gateway = Gateway(engine, Limits(drain_grace=0.02, flush_timeout=0.03))
    door = ScriptedDoor(*chunks(speak(TEN)))
    serving = asyncio.create_task(serve(gateway, door))
    await settle(door)
    async with asyncio.timeout(10):
        await gateway.drain()
    assert gateway.active_streams == 1
    serving.cancel()
    await asyncio.wait([serving])
    assert gateway.active_streams == 0


async def test_windows_are_of_the_kind_their_stream_is_of() -> None:
    engine = ScriptedEngine()
    gateway = Gateway(engine, Limits())
    said = linear16(speak(TEN))
    for opening in (stream, batch, recording):
        with opening(gateway) as runner:
            await runner.run(RecordingDoor(said, len(said)))
    assert [each.priority for each in engine.asked] == [
        Priority.LIVE,
        Priority.BATCH,
        Priority.BATCH,
    ]
