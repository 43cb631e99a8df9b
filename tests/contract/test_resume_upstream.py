"""Sessions behind a bridge are resumed as those that are not, also through another bridge."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sori.v1 import speech_pb2 as pb
from sori_server.domain.errors import ProtocolViolation, ResumeTokenInvalid, ServerDraining
from sori_server.domain.limits import Limits
from sori_server.upstream.backend import UpstreamBackend
from support.links import ScriptedLink, ending, streaming
from support.raw_client import CHUNK
from support.speech_server import Served, serving
from support.word_audio import assert_heard, conversation, linear16

pytestmark = pytest.mark.contract

AUDIO = linear16(conversation([range(10), range(10, 20)]))
SOME = 30 * CHUNK


@asynccontextmanager
async def bridge(served: Served, *, drain_grace: float = 0.1) -> AsyncIterator[UpstreamBackend]:
    limits = Limits(drain_grace=drain_grace)
    async with UpstreamBackend(served.address, limits) as backend:
        yield backend


def token(link: ScriptedLink) -> str:
    """The newest token."""
    for response in reversed(link.responses):
        message = getattr(response, response.WhichOneof("response") or "session_started")
        if found := getattr(message, "resume_token", ""):
            return str(found)
    raise AssertionError("no token")


def resume(link: ScriptedLink, before: ScriptedLink) -> None:
    """Ask to go on where `before` was lost."""
    last = before.responses[-1].sequence
    link.config(resume=pb.ResumeOptions(resume_token=token(before), last_sequence=last))


async def start(link: ScriptedLink) -> None:
    """Send some of the audio; the first final is here."""
    link.config(resume=pb.ResumeOptions(enabled=True))
    link.audio(AUDIO[:SOME])
    await link.until(lambda response: response.result.is_final)


async def finish(link: ScriptedLink, before: ScriptedLink) -> None:
    """Send the rest from where it is wanted; everything was delivered once."""
    await link.until_kind("session_started")
    started = link.responses[0]
    assert started.session_started.resumed
    assert started.sequence == before.responses[-1].sequence + 1
    link.audio(AUDIO[started.session_started.next_byte_offset :])
    link.send(end_of_audio=pb.EndOfAudio(total_bytes=len(AUDIO)))
    await link.until_kind("session_summary")
    assert_heard(before.texts + link.texts, range(20))


async def test_a_client_that_is_lost_at_the_bridge_is_lost_at_the_server() -> None:
    first, second = ScriptedLink(), ScriptedLink()
    async with serving() as served, bridge(served) as one, bridge(served) as other:
        async with streaming(one, first) as stream:
            await start(first)
            stream.cancel()
        async with streaming(other, second) as stream:
            resume(second, first)
            await finish(second, first)
            assert await ending(stream) is None


async def test_an_end_without_end_of_audio_is_a_lost_connection_there_too() -> None:
    first, second = ScriptedLink(), ScriptedLink()
    async with serving() as served, bridge(served) as backend:
        async with streaming(backend, first) as stream:
            await start(first)
            first.half_close()
            assert isinstance(await ending(stream), ProtocolViolation)
        async with streaming(backend, second) as stream:
            resume(second, first)
            await finish(second, first)
            assert await ending(stream) is None


async def test_a_bridge_that_leaves_sends_its_clients_to_another_one() -> None:
    """It takes no number of a response: the next bridge would not know of that."""
    first, second = ScriptedLink(), ScriptedLink()
    async with (
        serving() as served,
        bridge(served, drain_grace=20.0) as one,
        bridge(served) as other,
    ):
        async with streaming(one, first) as stream:
            await start(first)
            async with asyncio.timeout(5):
                await one.drain()
                error = await ending(stream)
        assert isinstance(error, ServerDraining)
        assert "go_away" not in first.kinds
        async with streaming(other, second) as stream:
            resume(second, first)
            await finish(second, first)
            assert await ending(stream) is None


async def test_who_may_resume_is_what_the_client_has_shown_to_the_bridge() -> None:
    first, thief, second = ScriptedLink(), ScriptedLink(), ScriptedLink()
    async with serving() as served, bridge(served) as backend:
        mine = asyncio.create_task(backend.stream(first, "Bearer mine"))
        await start(first)
        mine.cancel()
        await asyncio.wait([mine])
        resume(thief, first)
        with pytest.raises(ResumeTokenInvalid):
            await backend.stream(thief, "Bearer other")
        resume(second, first)
        mine = asyncio.create_task(backend.stream(second, "Bearer mine"))
        await finish(second, first)
        await mine
