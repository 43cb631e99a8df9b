"""Sessions that outlive their WebSocket: lost, taken over, left, and asked for by strangers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio
from sori_server.domain.limits import Limits
from sori_server.engine.fake import FakeBehaviour
from support.speech_server import Served, serving
from support.websocket_client import Socket, config_frame, connected
from support.word_audio import assert_heard, conversation, linear16

pytestmark = [pytest.mark.contract, pytest.mark.asyncio(loop_scope="module")]

SPOKEN = linear16(conversation([range(12), range(12, 24), range(24, 40)]))
LIMITS = Limits(resume_window=3.0, close_timeout=0.5)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served() -> AsyncIterator[Served]:
    async with serving(FakeBehaviour(unstable_words=1), LIMITS) as served:
        yield served


class Session:
    """What a client keeps of a session over its connections."""

    def __init__(self, served: Served, **headers: str) -> None:
        self._served = served
        self._headers = headers
        self.finals: list[str] = []
        self.token = ""
        self.last = 0
        self.ids: list[str] = []

    @asynccontextmanager
    async def connection(self, token: str | None = None) -> AsyncIterator[Socket]:
        """The next one, its config sent."""
        port = self._served.server.bridge_port
        async with connected(port, "/v1/stream", headers=self._headers) as socket:
            resume: dict[str, object] = {"enabled": True}
            if token or self.token:
                resume |= {"resume_token": token or self.token, "last_sequence": self.last}
            await socket.say(config_frame(interim_results=True, resume=resume))
            yield socket

    def keep(self, frame: dict[str, Any]) -> None:
        """Take note of an event."""
        assert frame["sequence"] == self.last + 1
        self.last = frame["sequence"]
        self.token = frame.get("resume_token") or self.token
        if frame["type"] == "session_started":
            self.ids.append(frame["session_id"])
        if frame.get("is_final"):
            self.finals.append(frame["alternatives"][0]["committed_text"])

    async def begin(self, socket: Socket) -> int:
        """Where audio goes on."""
        started = await socket.next()
        assert started is not None
        assert started["type"] == "session_started", started
        assert started["resumed"] == bool(self.ids)
        self.keep(started)
        return int(started["next_byte_offset"])

    async def until_final(self, socket: Socket) -> None:
        """Hear until a result is final."""
        had = len(self.finals)
        while len(self.finals) == had:
            frame = await socket.next()
            assert frame is not None
            self.keep(frame)


def cut(socket: Socket) -> None:
    """Reset the connection."""
    socket.websocket._response.connection.transport.abort()  # type: ignore[union-attr]


async def test_no_word_is_lost_or_doubled_over_lost_connections(served: Served) -> None:
    session = Session(served)
    for frames in (27, 47):  # each just after an utterance
        async with session.connection() as socket:
            await socket.audio(SPOKEN[await session.begin(socket) : frames * 3_200])
            await session.until_final(socket)
            cut(socket)
    async with session.connection() as socket:
        await socket.audio(SPOKEN[await session.begin(socket) :])
        await socket.say({"type": "response_ack", "sequence": session.last})
        await socket.say({"type": "end_of_audio", "total_bytes": len(SPOKEN)})
        while frame := await socket.next():
            session.keep(frame)
        assert socket.websocket.close_code == 1000
    assert_heard(session.finals, range(40))
    assert len(session.ids) == 3
    assert len(set(session.ids)) == 1


async def test_the_newer_connection_wins(served: Served) -> None:
    session = Session(served)
    async with session.connection() as first:
        await session.begin(first)
        async with session.connection() as second:
            place = await session.begin(second)
            assert await first.until_closed() == 4412
            assert first.heard[-1]["code"] == "SESSION_SUPERSEDED"
            await second.audio(SPOKEN[place:])
            await second.end()
            while frame := await second.next():
                session.keep(frame)
    assert_heard(session.finals, range(40))


async def test_a_close_frame_without_end_of_audio_leaves_the_session(served: Served) -> None:
    session = Session(served)
    async with session.connection() as socket:
        await session.begin(socket)
        await socket.audio(SPOKEN[: len(SPOKEN) // 2])
    async with session.connection() as socket:
        await socket.audio(SPOKEN[await session.begin(socket) :])
        await socket.end()
        while frame := await socket.next():
            session.keep(frame)
    assert_heard(session.finals, range(40))


async def test_tokens_of_others_forged_or_used_open_nothing(served: Served) -> None:
    mine = Session(served, Authorization="Bearer me")
    async with mine.connection() as socket:
        await mine.begin(socket)
        used = mine.token
        cut(socket)
    async with mine.connection() as socket:
        await mine.begin(socket)
        await socket.say({"type": "keep_alive"})
        await socket.audio(SPOKEN)
        await mine.until_final(socket)
        stranger = Session(served, Authorization="Bearer you")
        forged = mine.token[:-2] + ("AA" if mine.token[-2:] != "AA" else "BB")
        for session, token in ((stranger, mine.token), (mine, used), (mine, forged), (mine, "x")):
            async with session.connection(token) as refused:
                assert await refused.until_closed() == 4410
                assert refused.heard[-1]["code"] == "RESUME_TOKEN_INVALID"
        await socket.end()
        while frame := await socket.next():
            mine.keep(frame)
    assert_heard(mine.finals, range(40))


BROKEN = {
    "reserved bits": (b"\xff\xff\xff\xff", 1002),
    "text that is no UTF-8": (b"\x81\x82\0\0\0\0\xff\xff", 1007),
    "a frame that is too long": (b"\x82\xff" + (2**62).to_bytes(8, "big") + bytes(4), 1009),
}


@pytest.mark.parametrize("what", BROKEN)
async def test_what_is_no_frame_ends_the_session_after_its_words(served: Served, what: str) -> None:
    """There is no end to the errors that can be read behind it: one is enough."""
    data, close_code = BROKEN[what]
    session = Session(served)
    async with session.connection() as socket:
        await session.begin(socket)
        await socket.audio(SPOKEN)
        transport = socket.websocket._response.connection.transport  # type: ignore[union-attr]
        transport.write(data)
        while frame := await socket.next():
            if frame["type"] != "error":
                session.keep(frame)
        assert socket.websocket.close_code == close_code
    assert socket.heard[-1]["field"] == "message"
    assert_heard(session.finals, range(40))


async def test_an_acknowledgement_from_the_future_is_refused(served: Served) -> None:
    session = Session(served)
    async with session.connection() as socket:
        await session.begin(socket)
        await socket.say({"type": "response_ack", "sequence": 99})
        assert await socket.until_closed() == 4409
    assert socket.heard[-1]["code"] == "PROTOCOL_VIOLATION"


async def test_sessions_nobody_comes_back_to_end(served: Served) -> None:
    session = Session(served)
    async with session.connection() as socket:
        await session.begin(socket)
        cut(socket)
    await served.until_streams(0)
    async with session.connection() as socket:
        frame = await socket.next()
        assert frame is not None
