"""Streams that end by themselves, and streams of several channels, from door to door."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace

import numpy as np
import pytest
from sori_server.domain.audio import AudioEncoding, AudioFormat
from sori_server.domain.config import (
    ChannelMode,
    EndpointingConfig,
    EndpointingMode,
    RecognitionConfig,
    StreamConfig,
)
from sori_server.domain.errors import EngineUnavailable, ProtocolViolation, RecognitionFailed
from sori_server.domain.events import (
    Finalized,
    FinalReason,
    Progress,
    Result,
    SessionSummary,
    SingleUtteranceEnded,
    SpeechTimedOut,
    SpeechTimeout,
    WindowLost,
)
from sori_server.domain.limits import Limits
from sori_server.domain.recognition import Hypothesis, RecognitionRequest
from sori_server.engine.port import FloatArray, StreamAudio
from sori_server.media.inline import InlineDecoder
from sori_server.media.pcm import PcmDecoder
from sori_server.runtime import ingest
from sori_server.runtime.door import AudioBytes, EndOfAudio, FinalizeUtterance
from sori_server.runtime.runner import StreamRunner
from support.in_process import ScriptedDoor, ScriptedEngine, chunks, ran, settle, stream_config
from support.word_audio import (
    Audio,
    assert_heard,
    conversation,
    heard_words,
    linear16,
    silence,
    speak,
)

pytestmark = pytest.mark.unit

TEN = range(10)
TALK = conversation([TEN, range(10, 20), range(20, 30)])
SINGLE = stream_config(single_utterance=True)
UNREAD = ProtocolViolation("this message must not be read")


def timing(**endpointing: float) -> StreamConfig:
    return stream_config(endpointing=EndpointingConfig(**endpointing))


def summary(door: ScriptedDoor) -> SessionSummary:
    """The last event, the only one of its kind."""
    assert door.kinds.count("SessionSummary") == 1
    last = door.events[-1]
    assert isinstance(last, SessionSummary)
    return last


# ----------------------------------------------------------- ends by itself


@pytest.mark.parametrize("frames", [1, 7, 1000])
async def test_a_stream_of_a_single_utterance_ends_well_after_it(frames: int) -> None:
    """No more is read, and the client need not have ended anything."""
    engine = ScriptedEngine()
    sent = chunks(TALK, frames)
    door = ScriptedDoor(*sent, *[UNREAD] * 3)
    assert await ran(door, engine, SINGLE) is None
    assert_heard(door.texts, TEN)
    assert door.kinds == [
        "SessionStarted",
        "SingleUtteranceEnded",
        "Result",
        "Progress",
        "SessionSummary",
    ]
    (end,) = (e for e in door.events if isinstance(e, SingleUtteranceEnded))
    # 0.8 s of silence, 1 s of words, and 0.5 s of silence to the end of a frame.
    assert end.position == summary(door).received == 37_376
    assert door.taken == -(-end.position // (1_600 * frames))


async def test_a_finalize_ends_a_stream_of_a_single_utterance() -> None:
    door = ScriptedDoor(*chunks(speak(TEN)), FinalizeUtterance("a"), UNREAD)
    assert await ran(door, ScriptedEngine(), SINGLE) is None
    assert_heard(door.texts, TEN)
    assert Finalized("a", 16_000) in door.events
    assert summary(door).received == 16_000


async def test_a_single_utterance_that_is_cut_has_one_result() -> None:
    fixed = EndpointingConfig(mode=EndpointingMode.FIXED, chunk_duration=1.0)
    config = stream_config(single_utterance=True, endpointing=fixed)
    door = ScriptedDoor(*chunks(speak(range(30))), UNREAD)
    assert await ran(door, ScriptedEngine(), config) is None
    (final,) = door.finals
    assert final.final_reason is FinalReason.CHUNK
    assert_heard(door.texts, TEN)


@pytest.mark.parametrize("frames", [1, 7, 1000])
async def test_a_stream_without_speech_ends_well_when_its_time_is_over(frames: int) -> None:
    door = ScriptedDoor(*chunks(silence(100), frames), UNREAD)
    assert await ran(door, ScriptedEngine(), timing(speech_start_timeout=2.0)) is None
    assert door.kinds == ["SessionStarted", "SpeechTimedOut", "SessionSummary"]
    assert door.events[1] == SpeechTimedOut(SpeechTimeout.START, 32_256)
    assert summary(door).received == 32_256


async def test_a_stream_ends_well_when_nobody_has_spoken_for_too_long() -> None:
    door = ScriptedDoor(*chunks(np.concatenate([TALK, silence(100)])), UNREAD)
    assert await ran(door, ScriptedEngine(), timing(speech_end_timeout=1.0)) is None
    assert_heard(door.texts, range(30))
    assert summary(door).final_results == 3


async def test_finals_that_are_due_when_the_time_is_over_come_before_the_summary() -> None:
    engine = ScriptedEngine()
    engine.gate.clear()
    door = ScriptedDoor(*chunks(np.concatenate([TALK, silence(100)])), UNREAD)
    running = asyncio.create_task(ran(door, engine, timing(speech_end_timeout=1.0)))
    await settle(door)
    assert door.kinds == ["SessionStarted", "SpeechTimedOut"]
    engine.gate.set()
    assert await running is None
    assert_heard(door.texts, range(30))
    assert summary(door).final_results == 3


async def test_a_stream_that_ended_by_itself_is_not_disturbed_by_a_flush() -> None:
    engine = ScriptedEngine()
    engine.gate.clear()
    door = ScriptedDoor(*chunks(TALK), UNREAD)
    runner = StreamRunner(SINGLE, engine, Limits())
    running = asyncio.create_task(runner.run(door))
    await settle(door)
    runner.flush()
    runner.go_away(1.0)
    engine.gate.set()
    await running
    assert_heard(door.texts, TEN)
    assert "GoingAway" not in door.kinds
    assert summary(door).final_results == 1


async def test_a_single_utterance_the_engine_loses_ends_the_stream_with_that_error() -> None:
    engine = ScriptedEngine(lambda _: EngineUnavailable("no worker can be had"))
    error = await ran(ScriptedDoor(*chunks(TALK), UNREAD), engine, SINGLE)
    assert isinstance(error, EngineUnavailable)


async def test_a_single_utterance_that_cannot_be_recognized_ends_the_stream_well() -> None:
    engine = ScriptedEngine(lambda _: RecognitionFailed("no"))
    door = ScriptedDoor(*chunks(TALK), UNREAD)
    assert await ran(door, engine, SINGLE) is None
    assert door.kinds[-3:] == ["WindowLost", "Progress", "SessionSummary"]


async def test_what_the_decoder_still_holds_is_not_heard_after_the_end() -> None:
    """At 8 kHz the resampler is some milliseconds behind."""
    config = replace(
        timing(speech_start_timeout=0.5),
        recognition=RecognitionConfig(AudioFormat(AudioEncoding.LINEAR16, 8_000)),
    )
    door = ScriptedDoor(AudioBytes(bytes(32_000)), EndOfAudio())
    assert await ran(door, ScriptedEngine(), config) is None
    assert summary(door).received == 8_192


class HoldingDecoder(InlineDecoder):
    """Has samples only at the end, as for an M4A whose index comes last."""

    def __init__(self) -> None:
        super().__init__(PcmDecoder(AudioFormat(AudioEncoding.LINEAR16)))
        self._held = b""

    async def feed(self, data: bytes) -> AsyncGenerator[FloatArray, None]:
        self._held += data
        return
        yield

    def close(self) -> AsyncGenerator[FloatArray, None]:
        return super().feed(self._held)


@pytest.fixture
def holding(monkeypatch: pytest.MonkeyPatch) -> None:
    """Decoders hold back all of the audio."""
    monkeypatch.setattr(ingest, "open_decoder", lambda *_: HoldingDecoder())


@pytest.mark.usefixtures("holding")
async def test_a_stream_may_end_by_itself_in_what_the_decoder_held_to_the_end() -> None:
    door = ScriptedDoor(*chunks(TALK), EndOfAudio())
    assert await ran(door, ScriptedEngine(), SINGLE) is None
    assert_heard(door.texts, TEN)


@pytest.mark.usefixtures("holding")
async def test_what_the_decoder_held_to_the_end_waits_for_room() -> None:
    """Two minutes of audio, of which 5 s may be behind."""
    engine = ScriptedEngine()
    engine.gate.clear()
    door = ScriptedDoor(*chunks(conversation([TEN] * 60), 10), EndOfAudio())
    runner = StreamRunner(stream_config(), engine, Limits(max_buffered_audio=5.0))
    running = asyncio.create_task(runner.run(door))
    await settle(door)
    assert len(engine.asked) < 10
    assert engine.streams[0].received < 10 * 16_000
    engine.gate.set()
    await running
    assert_heard(door.texts, [*TEN] * 60)


async def test_a_stream_that_ends_by_itself_at_its_limit_is_not_too_long() -> None:
    door = ScriptedDoor(*chunks(silence(100), 100), UNREAD)
    limits = Limits(max_session_duration=2.1)
    assert await ran(door, ScriptedEngine(), timing(speech_start_timeout=2.0), limits) is None


# ----------------------------------------------------------------- channels


def apart(*channels: Audio) -> tuple[StreamConfig, Audio]:
    """A config for the channels, and their samples one after another."""
    length = max(map(len, channels))
    padded = [np.pad(channel, (0, length - len(channel))) for channel in channels]
    recognition = RecognitionConfig(
        AudioFormat(AudioEncoding.LINEAR16, channels=len(channels)),
        channel_mode=ChannelMode.SEPARATE,
    )
    return StreamConfig(recognition), np.stack(padded, axis=1).reshape(-1)


def interleaved(audio: Audio, size: int) -> list[AudioBytes]:
    data = linear16(audio)
    return [AudioBytes(data[start : start + size]) for start in range(0, len(data), size)]


def texts(door: ScriptedDoor, channel: int) -> list[str]:
    return [final.text for final in door.finals if final.channel == channel]


@pytest.mark.parametrize("size", [3_200, 999, 10**6])
async def test_every_channel_has_its_own_words(size: int) -> None:
    config, audio = apart(
        conversation([TEN, range(10, 20)]),
        conversation([range(100, 103)] * 3, pause=11),
        silence(30),
        speak(range(200, 240)),
    )
    engine = ScriptedEngine()
    door = ScriptedDoor(*interleaved(audio, size), EndOfAudio())
    assert await ran(door, engine, config) is None
    assert len(engine.streams) == 4
    assert_heard(texts(door, 1), range(20))
    assert_heard(texts(door, 2), [*range(100, 103)] * 3)
    assert texts(door, 3) == []
    assert_heard(texts(door, 4), range(200, 240))
    assert {r.channel for r in engine.asked} == {0, 1, 3}


async def test_channels_may_have_interims_side_by_side() -> None:
    config, audio = apart(speak(range(30)), speak(range(100, 130)))
    config = replace(config, interim_results=True, interim_interval=0.1)
    door = ScriptedDoor(*interleaved(audio, 6_400), EndOfAudio())
    assert await ran(door, ScriptedEngine(), config) is None
    shown: dict[int, str] = {}
    for event in door.events:
        if isinstance(event, Result):
            assert event.committed_text.startswith(shown.get(event.channel, ""))
            shown[event.channel] = event.committed_text
            assert all((word >= 100) is (event.channel == 2) for word in heard_words(event.text))
    assert_heard([shown[1]], range(30))
    assert_heard([shown[2]], range(100, 130))


async def test_a_window_of_one_channel_that_is_lost_costs_the_others_nothing() -> None:
    def verdict(request: RecognitionRequest) -> Exception | None:
        return RecognitionFailed("no") if request.channel == 0 else None

    config, audio = apart(speak(TEN), speak(range(100, 110)))
    door = ScriptedDoor(*interleaved(audio, 6_400), EndOfAudio())
    assert await ran(door, ScriptedEngine(verdict), config) is None
    assert [event.channel for event in door.events if isinstance(event, WindowLost)] == [1]
    assert texts(door, 1) == []
    assert_heard(texts(door, 2), range(100, 110))


async def test_audio_is_kept_for_the_channel_that_needs_it() -> None:
    """The first channel is answered late; the second one forgets what it had."""
    gate = asyncio.Event()

    class Engine(ScriptedEngine):
        async def recognize(self, request: RecognitionRequest, audio: StreamAudio) -> Hypothesis:
            if request.channel == 0:
                await gate.wait()
            return await super().recognize(request, audio)

    config, audio = apart(
        np.concatenate([speak(TEN), silence(50)]), np.concatenate([speak(TEN), silence(50)])
    )
    engine = Engine()
    door = ScriptedDoor(*interleaved(audio, 6_400), EndOfAudio())
    running = asyncio.create_task(ran(door, engine, config))
    await settle(door)
    first, second = engine.streams
    first.window(0, 16_000)
    with pytest.raises(ValueError, match="not within"):
        second.window(0, 16_000)
    assert all(event.final == 0 for event in door.events if isinstance(event, Progress))
    gate.set()
    assert await running is None
    assert_heard(texts(door, 1), TEN)


async def test_a_finalize_is_answered_after_the_words_of_all_channels() -> None:
    config, audio = apart(speak(TEN), speak(range(100, 110)))
    door = ScriptedDoor(*interleaved(audio, 6_400), FinalizeUtterance("a"), EndOfAudio())
    assert await ran(door, ScriptedEngine(), config) is None
    answer = door.events.index(Finalized("a", 16_000))
    assert max(door.events.index(final) for final in door.finals) < answer
    assert len(door.finals) == 2
