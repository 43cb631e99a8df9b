"""Clients that die, hang or flood: what they leave behind, and what others notice of them."""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from google.protobuf.duration_pb2 import Duration
from sori.v1 import speech_pb2 as pb
from sori_server.domain.limits import Limits
from sori_server.engine.dispatcher import BatchingEngine
from sori_server.engine.fake import FakeBehaviour
from support.raw_client import Stream, config_of
from support.speech_server import Served, client_process, serving, undisturbed
from support.word_audio import assert_heard, conversation, linear16, silence, speak

pytestmark = [pytest.mark.contract, pytest.mark.asyncio(loop_scope="module")]

LIMITS = Limits(write_timeout=1.5, max_session_duration=20.0)
WORD = 0.1
"""Seconds of one word."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served() -> AsyncIterator[Served]:
    async with serving(FakeBehaviour(unstable_words=2, batch_cost=0.01), LIMITS) as served:
        yield served


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def nothing_is_left(served: Served) -> AsyncIterator[None]:
    """Another stream gets its words meanwhile; afterwards all is as it was before."""
    before = len(asyncio.all_tasks())
    async with undisturbed(served, range(1000, 1040)):
        yield
    async with asyncio.timeout(10):
        while left_behind(served) or len(asyncio.all_tasks()) > before:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def left_behind(served: Served) -> int:
    """Streams, and windows that wait or run."""
    engine = served.engine
    assert isinstance(engine, BatchingEngine)
    windows = engine._scheduler.waiting + engine._scheduler.active + len(engine._windows)
    return served.gateway.active_streams + windows


def resident_mib() -> float:
    """Memory of this process."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 2**20


# ------------------------------------------------------------------------ gone for good


@pytest.mark.parametrize("mode", ["words", "speech"])
async def test_a_killed_client_leaves_nothing(served: Served, mode: str) -> None:
    async with client_process(served, mode) as process:
        await served.until_streams(2)
        await asyncio.sleep(0.3)
        process.send_signal(signal.SIGKILL)
        async with asyncio.timeout(5):
            await served.until_streams(1)
        assert served.gateway.active_streams == 1, "the other stream goes on"


async def test_a_client_that_ends_its_connection_in_good_order_leaves_nothing(
    served: Served,
) -> None:
    async with client_process(served, "words") as process:
        await served.until_streams(2)
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(10):
            await served.until_streams(1)
        assert served.gateway.active_streams == 1, "the other stream goes on"


async def test_a_stream_can_be_cancelled_at_any_time(served: Served) -> None:
    """Before the config, after it, in a word, with a window in work, after the end of audio."""
    words = linear16(speak(range(30)))
    for sent in (None, 0, 1_000, 40_000, len(words)):
        async with served.silent_stream() as stream:
            if sent is not None:
                await stream.send(config=config_of(interim_results=True))
                await stream.until_kind("session_started")
                await stream.audio(words[:sent])
            if sent == len(words):
                await stream.end_of_audio()
            stream.call.cancel()
        async with asyncio.timeout(5):
            await served.until_streams(1)
        assert served.gateway.active_streams == 1, "the other stream goes on"


async def test_streams_that_ended_leave_no_memory(served: Served) -> None:
    data = linear16(conversation([range(50)]))

    async def dies() -> None:
        async with served.stream(interim_results=True) as stream:
            await stream.audio(data)

    for _ in range(2):
        await asyncio.gather(*(dies() for _ in range(20)))
        await served.until_streams(1)
    gc.collect()
    before = resident_mib()
    for _ in range(4):
        await asyncio.gather(*(dies() for _ in range(20)))
        await served.until_streams(1)
    gc.collect()
    assert resident_mib() - before < 10


# -------------------------------------------------------------------------------- silent


async def test_an_idle_client_is_sent_its_words_and_away() -> None:
    async with serving(limits=Limits(idle_timeout=1.0)) as other, other.stream() as stream:
        started = asyncio.get_running_loop().time()
        await stream.audio(linear16(speak(range(10))))
        ending = await stream.ended()
        waited = asyncio.get_running_loop().time() - started
    assert ending.summary == ("ABORTED", "IDLE_TIMEOUT")
    assert ending.metadata == {"idle_timeout": "1"}
    assert "1 s" in ending.message
    assert 0.9 < waited < 5.0
    assert_heard(stream.texts, range(10))


async def test_keep_alive_keeps_an_idle_stream() -> None:
    async with serving(limits=Limits(idle_timeout=2.5)) as other, other.stream() as stream:
        for word in range(2):
            await stream.audio(linear16(speak([word])))
            await asyncio.sleep(1.4)
            await stream.send(keep_alive=pb.KeepAlive())
            await asyncio.sleep(1.4)
        await stream.end_of_audio()
        await stream.summary()
    assert_heard(stream.texts, range(2))


# --------------------------------------------------------------------------- not reading


class Flood:
    """Asks for answers, numbered from zero, as fast as the server takes the questions."""

    MOST = 4_000

    def __init__(self, stream: Stream) -> None:
        self.sent = 0
        self._stream = stream

    async def __aenter__(self) -> Flood:
        self._asking = asyncio.create_task(self._ask())
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._asking.cancel()
        await asyncio.wait([self._asking])

    async def _ask(self) -> None:
        while self.sent < self.MOST:
            await self._stream.finalize(f"{self.sent:0250}")
            self.sent += 1

    async def stuck(self) -> int:
        """How many were taken when no more are taken for a while."""
        quiet = 0
        while quiet < 3:
            before = self.sent
            await asyncio.sleep(0.15)
            quiet = quiet + 1 if before == self.sent else 0
        return self.sent


async def test_a_client_that_does_not_read_is_ended_and_told_when_it_does(served: Served) -> None:
    """What it was sent before is not lost, and the server holds little of it."""
    channel = served.channel(**{"http2.bdp_probe": 0})
    async with Stream(channel, reads=False) as stream:
        await stream.send(config=config_of())
        async with Flood(stream) as flood:
            taken = await flood.stuck()
            async with asyncio.timeout(8):
                await served.until_streams(1)
            stream.start_reading()
            ending = await stream.ended()
    assert ending.summary == ("ABORTED", "SLOW_READER")
    assert "1.5 s" in ending.message
    answers = [r.finalized.request_id for r in stream.responses if r.HasField("finalized")]
    assert [int(answer) for answer in answers] == list(range(len(answers)))
    assert 100 < len(answers) <= taken < 2_000


async def test_a_client_that_never_reads_leaves_nothing_while_it_stays(served: Served) -> None:
    channel = served.channel(**{"http2.bdp_probe": 0})
    async with Stream(channel, reads=False) as stream:
        await stream.send(config=config_of())
        await served.until_streams(2)
        async with asyncio.timeout(10):
            while handlers() != 2:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        async with Flood(stream) as flood:
            await flood.stuck()
            await served.until_streams(1)
            async with asyncio.timeout(10):
                while handlers() > 1:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)


def handlers() -> int:
    """Calls whose handler runs."""
    return sum("SpeechService/" in task.get_name() for task in asyncio.all_tasks())


async def test_questions_that_wait_for_a_window_are_bounded() -> None:
    """Finalize is answered after the final result; the server stops reading meanwhile."""
    slow = FakeBehaviour(batch_cost=4.0)
    async with serving(slow, Limits(max_pending_events=20)) as other, other.stream() as stream:
        await stream.audio(linear16(speak(range(10))))
        async with Flood(stream) as flood:
            taken = await flood.stuck()
            assert not stream.finals
            await stream.until_kind("finalized")
    assert taken < 600
    assert_heard(stream.texts, range(10))


# ------------------------------------------------------------------------------ too much


@pytest.mark.parametrize("chunk", [3_200, 64_000, 262_000])
async def test_audio_beyond_the_longest_session_is_an_error_after_the_words_before_it(
    served: Served, chunk: int
) -> None:
    async with served.stream() as stream:
        await stream.audio(linear16(speak(range(230))), chunk)
        ending = await stream.ended()
    assert ending.summary == ("OUT_OF_RANGE", "SESSION_DURATION_EXCEEDED")
    assert ending.metadata == {"max_session_duration": "20"}
    assert_heard(stream.texts, range(200))


async def test_a_session_as_long_as_allowed_ends_well(served: Served) -> None:
    async with served.stream() as stream:
        await stream.audio(linear16(speak(range(200))))
        await stream.end_of_audio()
        await stream.summary()
    assert_heard(stream.texts, range(200))


@pytest.mark.parametrize("interims", [True, False])
async def test_speech_longer_than_the_buffer_is_read_on(interims: bool) -> None:
    """Nothing but more audio ends an utterance: waiting for its end would be for ever."""
    limits = Limits(max_buffered_audio=1.0)
    async with serving(limits=limits) as other, other.stream(interim_results=interims) as stream:
        await stream.audio(linear16(conversation([range(60)])))
        await stream.end_of_audio()
        await stream.summary()
    assert_heard(stream.texts, range(60))


async def test_the_server_stops_reading_when_the_engine_is_behind() -> None:
    """max_buffered_audio: with the 2 s of the transport, all that is taken ahead."""
    slow, limits = FakeBehaviour(batch_cost=0.5), Limits(max_buffered_audio=3.0)
    cut = pb.EndpointingConfig(max_utterance=Duration(seconds=2))
    async with serving(slow, limits) as other, other.stream(endpointing=cut) as stream:
        sent = 0
        words = [*range(100)]
        while not stream.finals and sent < len(words):
            await stream.audio(linear16(speak(words[sent : sent + 1])))
            sent += 1
        await stream.audio(linear16(speak(words[sent:])))
        await stream.end_of_audio()
        await stream.summary()
    assert 20 < sent < 75
    assert_heard(stream.texts, words)


async def test_silence_is_never_behind() -> None:
    """Silence needs no engine: an hour of it is no buffered audio."""
    async with serving(limits=Limits(max_buffered_audio=1.0)) as other, other.stream() as stream:
        for _ in range(10):
            await stream.audio(linear16(silence(60)), 64_000)
        await stream.end_of_audio()
        summary = await stream.summary()
    assert summary.received_audio.seconds == 60
