"""Sessions wait for their clients within bounds, and end with nothing left behind."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import pytest
from sori_server.domain.config import ResumeConfig, StreamConfig
from sori_server.domain.errors import (
    IdleTimeout,
    ResumeTokenInvalid,
    ServerDraining,
    SessionSuperseded,
    SlowReader,
    SoriError,
)
from sori_server.domain.events import NumberedEvent, Result, SessionStarted
from sori_server.domain.limits import Limits
from sori_server.runtime.door import AudioBytes, EndOfAudio, ResponsesReceived
from sori_server.runtime.gateway import Gateway
from support.in_process import ScriptedDoor, ScriptedEngine, Step, chunks, settle, stream_config
from support.word_audio import assert_heard, conversation, speak

pytestmark = pytest.mark.unit

TALK = chunks(conversation([range(10), range(10, 20)]))
SPEECH = chunks(speak(range(10)))


def resumable(token: str = "", last_sequence: int = 0, **settings: object) -> StreamConfig:
    resume = ResumeConfig(True, None, token, last_sequence)
    return replace(stream_config(**settings), resume=resume)


class Visit:
    """One connection of a client that does what its steps say, in a task of its own."""

    def __init__(self, gateway: Gateway, config: StreamConfig, *steps: Step) -> None:
        self.stream, connection = gateway.resumable(config)
        self.door = ScriptedDoor(*steps)
        serving = gateway.sessions.serve(self.stream, connection, self.door)
        self.task = asyncio.create_task(serving)

    async def lost(self) -> None:
        """The connection is lost once nothing goes on any more."""
        await settle(self.door)
        self.task.cancel()
        with suppress(asyncio.CancelledError):
            await self.task

    async def ended(self) -> SoriError | None:
        try:
            async with asyncio.timeout(5):
                await self.task
        except SoriError as error:
            return error
        return None

    @property
    def last(self) -> NumberedEvent:
        return self.door.numbered[-1]

    @property
    def token(self) -> str:
        return self.stream.token(self.last)

    def again(self, **settings: object) -> StreamConfig:
        """The config that resumes the session."""
        return resumable(self.token, self.last.sequence, **settings)


@asynccontextmanager
async def gateway(
    limits: Limits | None = None, engine: ScriptedEngine | None = None
) -> AsyncIterator[Gateway]:
    """One that leaves no task behind."""
    before = asyncio.all_tasks()
    async with Gateway(engine or ScriptedEngine(), limits or Limits()) as opened:
        yield opened
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def test_a_session_runs_on_without_its_client_and_counts_as_a_stream() -> None:
    engine = ScriptedEngine()
    engine.gate.clear()
    async with gateway(engine=engine) as opened:
        first = Visit(opened, resumable(), *TALK, EndOfAudio())
        await first.lost()
        assert (opened.active_streams, opened.sessions.detached_sessions) == (1, 1)
        engine.gate.set()
        await until(lambda: opened.active_streams == 0)
        assert opened.sessions.detached_sessions == 1
        second = Visit(opened, first.again(), None)
        assert await second.ended() is None
        assert_heard([*first.door.texts, *second.door.texts], range(20))
        numbers = [each.sequence for each in [*first.door.numbered, *second.door.numbered]]
        assert numbers == list(range(1, len(numbers) + 1))


async def test_an_idle_client_is_told_and_one_that_is_away_is_waited_for() -> None:
    limits = Limits(idle_timeout=1.0, resume_window=5.0)
    async with gateway(limits) as opened:
        first = Visit(opened, resumable(), *SPEECH)
        await settle(first.door)
        first.task.cancel()
        await asyncio.sleep(1.2)
        second = Visit(opened, first.again())
        assert isinstance(await second.ended(), IdleTimeout)
        assert_heard(second.door.texts, range(10))


async def test_what_a_session_said_at_its_end_is_kept_until_it_was_received() -> None:
    async with gateway() as opened:
        first = Visit(opened, resumable(), *TALK, EndOfAudio())
        assert await first.ended() is None
        assert opened.sessions.detached_sessions == 1
        last = first.last.sequence
        second = Visit(opened, resumable(first.token, last - 2))
        assert await second.ended() is None
        assert second.door.kinds[0] == "SessionStarted"
        assert len(second.door.kinds) == 3
        third = Visit(opened, second.again(), ResponsesReceived(last + 1))
        assert await third.ended() is None
        assert opened.sessions.detached_sessions == 0
        with pytest.raises(ResumeTokenInvalid):
            opened.resumable(third.again())


async def test_sessions_are_forgotten_when_their_tokens_have_ended() -> None:
    """Or the memory of a server would grow with the number of sessions it has ever had."""
    async with gateway(Limits(resume_window=0.5)) as opened:
        ends = EndOfAudio(), ResponsesReceived(1_000)
        visits = [Visit(opened, resumable(), *TALK, *ends) for _ in range(3)]
        assert [await visit.ended() for visit in visits] == [None] * 3
        tokens = [visit.again() for visit in visits]
        await until(lambda: len(opened.sessions._ended) == 3)
        await asyncio.sleep(1.2)
        visit = Visit(opened, resumable(), *TALK, EndOfAudio(), ResponsesReceived(1_000))
        assert await visit.ended() is None
        await until(lambda: len(opened.sessions._ended) == 1)
        for token in tokens:
            with pytest.raises(ResumeTokenInvalid):
                opened.resumable(token)


async def test_the_session_that_waited_longest_makes_room() -> None:
    async with gateway(Limits(max_detached_sessions=2)) as opened:
        visits = []
        for _ in range(3):
            visits.append(Visit(opened, resumable(), *SPEECH))
            await visits[-1].lost()
        assert opened.sessions.detached_sessions == 2
        await until(lambda: opened.active_streams == 2)
        for visit in visits[1:]:
            stream, _ = opened.resumable(visit.again())
            assert stream is visit.stream
        anew, _ = opened.resumable(visits[0].again())
        assert anew is not visits[0].stream
        assert anew.runner.session_id == visits[0].stream.runner.session_id


async def test_sessions_that_have_said_everything_make_room_first() -> None:
    async with gateway(Limits(max_detached_sessions=2)) as opened:
        first = Visit(opened, resumable(), *SPEECH)
        await first.lost()
        for _ in range(3):
            visit = Visit(opened, resumable(), *SPEECH, EndOfAudio())
            assert await visit.ended() is None
        stream, _ = opened.resumable(first.again())
        assert stream is first.stream


async def test_a_client_that_does_not_read_is_detached_and_loses_nothing() -> None:
    limits = Limits(write_timeout=0.2)
    async with gateway(limits) as opened:
        config = resumable(interim_results=True, interim_interval=0.1)
        first = Visit(opened, config, *TALK[:15])
        await settle(first.door)
        first.door.accepting.clear()
        first.stream.runner.report_progress()
        error = await first.ended()
        assert isinstance(error, SlowReader)
        second = Visit(opened, first.again(), *TALK[15:], EndOfAudio())
        assert await second.ended() is None
        assert_heard([*first.door.texts, *second.door.texts], range(20))


async def test_interims_are_not_kept_for_a_client_that_is_away() -> None:
    engine = ScriptedEngine()
    engine.gate.clear()
    async with gateway(engine=engine) as opened:
        config = resumable(interim_results=True, interim_interval=0.1)
        first = Visit(opened, config, *chunks(conversation([range(40)])))
        await first.lost()
        engine.gate.set()
        await asyncio.sleep(0.2)
        second = Visit(opened, first.again())
        await settle(second.door)
        replayed = second.door.events
        assert isinstance(replayed[0], SessionStarted)
        assert not [e for e in replayed if isinstance(e, Result) and not e.is_final]
        await second.lost()


@pytest.mark.parametrize("most", [3, 30])
async def test_no_more_is_kept_than_the_bound_and_what_was_heard_by_then(most: int) -> None:
    limits = Limits(max_unacknowledged=most, write_timeout=0.3)
    async with gateway(limits) as opened:
        talk = chunks(conversation([range(n, n + 3) for n in range(0, 150, 3)]))
        visit = Visit(opened, resumable(progress_interval=0.1), *talk, EndOfAudio())
        error = await visit.ended()
        assert isinstance(error, SlowReader)
        assert error.metadata == {"max_unacknowledged_responses": str(most)}
        kept = len([e for e in visit.door.events if not isinstance(e, SessionStarted)])
        assert most <= kept <= most + 5


async def test_the_newer_connection_wins_at_once() -> None:
    async with gateway() as opened:
        first = Visit(opened, resumable(), *SPEECH)
        await settle(first.door)
        second = Visit(opened, first.again(), EndOfAudio())
        assert isinstance(await first.ended(), SessionSuperseded)
        assert await second.ended() is None
        assert_heard(second.door.texts, range(10))


async def test_a_client_always_holds_a_token_for_a_whole_window() -> None:
    async with gateway(Limits(resume_window=1.0)) as opened:
        begin = time.monotonic()
        visit = Visit(opened, resumable())
        await until(lambda: visit.door.kinds.count("Progress") >= 2)
        assert 0.95 < time.monotonic() - begin < 2.0, "each half a window"
        await visit.lost()


async def test_a_drain_flushes_sessions_whose_clients_are_away() -> None:
    async with gateway(Limits(drain_grace=0.1)) as opened:
        first = Visit(opened, resumable(), *SPEECH)
        await first.lost()
        await opened.drain()
        assert opened.active_streams == 0
        second = Visit(opened, first.again())
        assert isinstance(await second.ended(), ServerDraining)
        assert_heard(second.door.texts, range(10))
        with pytest.raises(ServerDraining):
            opened.resumable(resumable())


async def test_audio_that_was_on_its_way_is_not_asked_for_again() -> None:
    """Clients without byte offsets go on where they are told to."""
    async with gateway() as opened:
        first = Visit(opened, resumable(), *TALK[:10])
        await asyncio.sleep(0)
        await first.lost()
        second = Visit(opened, first.again())
        await settle(second.door)
        assert isinstance(second.door.events[0], SessionStarted)
        start = second.door.events[0].next_byte_offset
        await second.lost()
        data = b"".join(chunk.data for chunk in TALK)
        third = Visit(opened, second.again(), AudioBytes(data[start:]), EndOfAudio(len(data)))
        assert await third.ended() is None
        texts = [text for visit in (first, second, third) for text in visit.door.texts]
        assert_heard(texts, range(20))
