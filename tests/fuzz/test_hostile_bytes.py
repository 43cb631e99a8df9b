"""Hostile bytes over real sockets: how they end is documented, and nobody else notices."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import AsyncIterator, Awaitable, Iterable, Sequence
from contextlib import suppress
from urllib.parse import quote_from_bytes

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import WSMsgType
from sori.v1 import speech_pb2 as pb
from sori_server.domain.limits import Limits
from support.fuzz_corpus import every
from support.fuzz_frames import V1_CONFIG
from support.fuzz_messages import CONFIG, MOST, ack, audio, end, resuming
from support.fuzz_targets import connections, unpacked
from support.raw_client import PATIENCE, Ending, Stream, failure_of
from support.speech_server import Served, serving, undisturbed
from support.websocket_client import Socket, config_frame, connected
from support.word_audio import assert_heard, linear16, speak

pytestmark = [pytest.mark.fuzz, pytest.mark.asyncio(loop_scope="module")]

LIMITS = Limits(
    config_timeout=1.0,
    close_timeout=1.0,
    half_close_grace=0.001,
    resume_window=0.1,
    max_decoders=0,
)
"""Sessions nobody resumes are soon gone; containers are decoded by nobody."""
STATUSES = {
    ("OK", ""),
    ("INVALID_ARGUMENT", "INVALID_CONFIG"),
    ("INVALID_ARGUMENT", "AUDIO_UNDECODABLE"),
    ("FAILED_PRECONDITION", "PROTOCOL_VIOLATION"),
    ("NOT_FOUND", "MODEL_NOT_FOUND"),
    ("NOT_FOUND", "RESUME_TOKEN_INVALID"),
    ("DATA_LOSS", "AUDIO_GAP"),
    ("RESOURCE_EXHAUSTED", "STREAM_CAPACITY_EXHAUSTED"),
}
CLOSE_CODES = {1000, 1007, 1009, 1013, 4400, 4404, 4409, 4410, 4411}
"""1007 is for text that is no UTF-8."""
TOGETHER = 8
"""Hostile clients at a time."""
SPOKEN = range(10)
AUDIO = linear16(speak(SPOKEN))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served() -> AsyncIterator[Served]:
    async with serving(limits=LIMITS) as served:
        async with undisturbed(served), connected(served.server.bridge_port, "/") as socket:
            await socket.end()  # what is opened once is open before it is counted
            await socket.until_closed()
        yield served


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def nobody_else_notices(
    served: Served, caplog: pytest.LogCaptureFixture
) -> AsyncIterator[None]:
    """Another stream keeps its words; no stream, task, descriptor or error in the log is left."""
    await served.until_streams(0)
    tasks, descriptors = len(asyncio.all_tasks()), len(os.listdir("/proc/self/fd"))
    async with undisturbed(served):
        yield
    await served.until_streams(0)
    async with asyncio.timeout(PATIENCE):
        while len(asyncio.all_tasks()) > tasks:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        while len(os.listdir("/proc/self/fd")) > descriptors:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    gc.collect()  # tasks whose errors nobody has looked at tell of them now
    assert not [each for each in caplog.get_records("call") if each.levelname == "ERROR"]


async def together(clients: Iterable[Awaitable[None]]) -> None:
    """A few at a time."""
    room = asyncio.Semaphore(TOGETHER)

    async def one(client: Awaitable[None]) -> None:
        async with room:
            await client

    async with asyncio.TaskGroup() as tasks:
        for client in clients:
            tasks.create_task(one(client))


# -------------------------------------------------------------------------------- gRPC


class BytesStream(Stream):
    """A stream whose messages are any bytes."""

    async def __aenter__(self) -> BytesStream:
        self.call = self._channel.stream_stream(
            "/sori.v1.SpeechService/StreamingRecognize",
            response_deserializer=pb.StreamingRecognizeResponse.FromString,
        )()
        self.start_reading()
        return self


async def sent(served: Served, messages: Sequence[bytes]) -> BytesStream:
    """A stream that has ended, and was sent all this."""
    async with BytesStream(served.channel()) as stream:
        for message in messages:
            await stream.write(message)  # type: ignore[arg-type]
        await stream.half_close()
        await stream.ended()
    return stream


@pytest.mark.parametrize("before", [(), (CONFIG,)], ids=["first", "after a config"])
async def test_streams_end_as_documented(served: Served, before: tuple[bytes, ...]) -> None:
    async def client(name: str, messages: Sequence[bytes]) -> None:
        stream = await sent(served, [*before, *messages])
        assert stream.ending is not None
        assert stream.ending.summary in STATUSES, (name, stream.ending)

    await together(
        client(name, messages)
        for name, data in every("stream")
        for messages, _ in connections(unpacked(data))
    )


async def test_recordings_end_as_documented(served: Served) -> None:
    async def client(name: str, data: bytes) -> None:
        async with served.channel() as channel:
            call = channel.unary_unary("/sori.v1.SpeechService/Recognize")(data)
            try:
                await call
            except Exception:
                ending = await failure_of(call)
                assert ending.summary in STATUSES, (name, ending)

    await together(client(name, data) for name, data in every("recording"))


NUMBERS = {
    "audio.byte_offset": (audio(b"1", MOST), ("DATA_LOSS", "AUDIO_GAP")),
    "end_of_audio.total_bytes": (end(MOST), ("DATA_LOSS", "AUDIO_GAP")),
    "response_ack.sequence": (ack(MOST), ("FAILED_PRECONDITION", "PROTOCOL_VIOLATION")),
}


@pytest.mark.parametrize("field", NUMBERS)
async def test_numbers_that_overflow_are_told_after_the_words(served: Served, field: str) -> None:
    message, summary = NUMBERS[field]
    stream = await sent(served, [resuming(), audio(AUDIO, 0), message])
    assert_ended(stream.ending, summary, field)
    assert_heard(stream.texts, SPOKEN)


def assert_ended(ending: Ending | None, summary: tuple[str, str], field: str) -> None:
    assert ending is not None
    assert ending.summary == summary
    assert ending.message.startswith(f"{field}: ")


@pytest.mark.parametrize("last", [MOST, -1, -(2**63)])
async def test_no_session_is_resumed_from_nowhere(served: Served, last: int) -> None:
    token = (await sent(served, [resuming()])).responses[0].session_started.resume_token
    stream = await sent(served, [resuming(token, last)])
    assert_ended(
        stream.ending, ("INVALID_ARGUMENT", "INVALID_CONFIG"), "config.resume.last_sequence"
    )


# -------------------------------------------------------------------------- WebSockets


async def ended(served: Served, path: str, frames: Iterable[bytes]) -> int | None:
    """The close code of a connection that was sent these frames of text and then the end."""
    async with connected(served.server.bridge_port, path) as socket:
        with suppress(aiohttp.ClientError, ConnectionError):  # the server closes when it likes
            for frame in frames:
                await socket.websocket._writer.send_frame(frame, WSMsgType.TEXT)
            await socket.end()
        return await socket.until_closed()


@pytest.mark.parametrize("before", [(), (V1_CONFIG,)], ids=["first", "after a config"])
async def test_frames_end_as_documented(served: Served, before: tuple[bytes, ...]) -> None:
    async def client(name: str, data: bytes) -> None:
        code = await ended(served, "/v1/stream", [*before, *data.split(b"\0")])
        assert code in CLOSE_CODES, (name, code)

    await together(client(name, data) for name, data in every("v1"))


@pytest.mark.parametrize("before", [(), (b'{"interim":false}',)], ids=["first", "after settings"])
async def test_the_plain_protocol_ends_as_documented(
    served: Served, before: tuple[bytes, ...]
) -> None:
    async def client(name: str, data: bytes) -> None:
        query, *frames = data.split(b"\0")
        path = f"/?{quote_from_bytes(query, safe='=&%+,')}"
        code = await ended(served, path, [*before, *frames])
        assert code in CLOSE_CODES, (name, code)

    await together(client(name, data) for name, data in every("plain"))


async def test_every_message_of_the_contract_is_no_frame(served: Served) -> None:
    """Protobuf where audio is expected: it is taken for samples; as text it is no JSON."""

    async def client(name: str, messages: Sequence[bytes]) -> None:
        code = await ended(served, "/v1/stream", [V1_CONFIG, *messages])
        assert code in CLOSE_CODES, (name, code)

    await together(client(name, unpacked(data)[:9]) for name, data in every("stream"))


def masked(head: bytes, payload: bytes = b"") -> bytes:
    """A frame of a client whose mask does nothing; `payload` has fewer than 126 bytes."""
    return head + bytes([0x80 | len(payload)]) + bytes(4) + payload


NO_FRAMES = {
    "zeros": bytes(64),
    "ones": b"\xff" * 64,
    "HTTP": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "a reserved opcode": masked(b"\x83", b"x"),
    "a reserved bit": masked(b"\xc1", b"{}"),
    "no mask": b"\x81\x02{}",
    "a continuation of nothing": masked(b"\x80", b"x"),
    "a text in a text": masked(b"\x01", b"{") + masked(b"\x81", b"}"),
    "a text that never ends": masked(b"\x01", b"{") + masked(b"\x00", b" ") * 99,
    "half a character": masked(b"\x81", b"\xe2\x82"),
    "a ping in pieces": masked(b"\x09", b"x"),
    "a ping too long": b"\x89\xfe\x00\x7e" + bytes(4 + 126),
    "a pong nobody asked for": masked(b"\x8a", b"x" * 125),
    "99 pings": masked(b"\x89", b"x" * 125) * 99,
    "a close code of one byte": masked(b"\x88", b"\x03"),
    "a close code that is none": masked(b"\x88", b"\xff\xff"),
    "a reason that is no UTF-8": masked(b"\x88", b"\x03\xe8\xff"),
    "a length of 2**64": b"\x82\xff" + b"\xff" * 8 + bytes(4),
    "a length of 2**62": b"\x81\xff" + (2**62).to_bytes(8, "big") + bytes(4),
    "a frame that is cut": b"\x82\xfe\xff\xff" + bytes(99),
    "half a head": b"\x82",
}


BEFORE: dict[str, tuple[str, Sequence[dict[str, object]]]] = {
    "first": ("/v1/stream", []),
    "after a config": ("/v1/stream", [config_frame()]),
    "in a session that can be resumed": ("/v1/stream", [config_frame(resume={"enabled": True})]),
    "first in the plain protocol": ("/", []),
}


@pytest.mark.parametrize("when", BEFORE)
async def test_what_is_no_frame_ends_the_connection(served: Served, when: str) -> None:
    path, before = BEFORE[when]

    async def client(data: bytes) -> None:
        async with connected(served.server.bridge_port, path) as socket:
            for frame in before:
                await socket.say(frame)
            response = socket.websocket._response
            assert response.connection is not None
            assert response.connection.transport is not None
            response.connection.transport.write(data)
            response.connection.transport.write_eof()  # type: ignore[attr-defined]
            code = await socket.until_closed()
            assert code in {*CLOSE_CODES, 1002, 1006}, (data, code)

    await together(map(client, NO_FRAMES.values()))


FAR = {
    f"{2**63}": (4400, "INVALID_CONFIG"),
    "1e308": (4400, "INVALID_CONFIG"),
    "1e400": (4400, "INVALID_CONFIG"),
    "9" * 4_000: (4400, "INVALID_CONFIG"),
    "9" * 5_000: (4409, "PROTOCOL_VIOLATION"),
    "9" * 10**5: (1009, "MESSAGE_TOO_LARGE"),
}


@pytest.mark.parametrize("field", ["end_of_audio.total_bytes", "response_ack.sequence"])
async def test_numbers_in_frames_that_overflow_are_told_after_the_words(
    served: Served, field: str
) -> None:
    kind, _, name = field.partition(".")
    for number, (close_code, code) in FAR.items():
        async with connected(served.server.bridge_port, "/v1/stream") as socket:
            await socket.say(config_frame(resume={"enabled": True}))
            await socket.audio(AUDIO)
            await socket.websocket.send_str(f'{{"type": "{kind}", "{name}": {number}}}')
            assert await socket.until_closed() == close_code
        assert_told(socket, code, field if close_code == 4400 else "message")
        assert_heard(socket.finals, SPOKEN)


def assert_told(socket: Socket, code: str, field: str) -> None:
    error = socket.heard[-1]
    assert (error["code"], error["field"]) == (code, field)
    assert error["message"].startswith(f"{field}: ")


async def test_no_session_is_resumed_from_a_number_that_overflows(served: Served) -> None:
    for number, (close_code, code) in FAR.items():
        async with connected(served.server.bridge_port, "/v1/stream") as socket:
            await socket.websocket.send_str(
                f'{{"type": "config", "resume": {{"last_sequence": {number}}}}}'
            )
            assert await socket.until_closed() == close_code
        assert_told(
            socket, code, "config.resume.last_sequence" if close_code == 4400 else "message"
        )
