from __future__ import annotations

import asyncio
import json
import pickle
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import numpy as np
import pytest
from sori_server.benchmark.target import Conversation, ConversationFailed, Heard, Pcm, Target, Told
from sori_server.benchmark.targets import target_of
from sori_server.domain.errors import CapacityExhausted, InvalidConfig
from support.speech_server import serving
from support.word_audio import assert_heard, conversation, linear16
from websockets.asyncio.server import ServerConnection, serve

pytestmark = pytest.mark.contract

Script = Callable[[ServerConnection], Awaitable[None]]

SECOND: Pcm = np.arange(16_000, dtype=np.int16)
PATHS = ("/v1/stream", "")


@asynccontextmanager
async def bridge(script: Script, path: str) -> AsyncIterator[Target]:
    """A target on a server that closes a connection when its script is over."""
    async with serve(script, "127.0.0.1", 0, close_timeout=0.5) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        target: Target = pickle.loads(pickle.dumps(target_of(f"ws://127.0.0.1:{port}{path}")))  # noqa: S301
        assert target.url == f"ws://127.0.0.1:{port}{path or '/'}"
        yield target


async def talk(script: Script, path: str) -> tuple[list[Heard], int | None]:
    """What is heard of a second of audio, and how many samples are acknowledged."""
    heard: list[Heard] = []
    async with (
        asyncio.timeout(10),
        bridge(script, path) as target,
        target.open("ko") as conversation,
        asyncio.TaskGroup() as tasks,
    ):

        async def speak() -> None:
            await conversation.send(SECOND[:8000])
            await conversation.send(SECOND[8000:])
            await conversation.end()

        tasks.create_task(speak())
        heard.extend([each async for each in conversation.events()])
    return heard, conversation.acknowledged


async def take(socket: ServerConnection, messages: int) -> list[bytes | str]:
    return [await socket.recv() for _ in range(messages)]


async def test_v1_says_and_hears_what_the_protocol_is() -> None:
    taken: list[bytes | str] = []
    result = {
        "type": "result",
        "utterance_index": 3,
        "alternatives": [{"committed_text": "하나", "tentative_text": " 둘"}],
        "is_final": False,
        "start_offset": 0.25,
        "end_offset": 0.75,
    }
    latency = {"queue": 0.01, "total": 0.03, "endpointing": 0.5, "batch_size": 2}

    async def script(socket: ServerConnection) -> None:
        assert socket.request is not None
        assert socket.request.path == "/v1/stream"
        taken.extend(await take(socket, 4))
        for event in (
            {"type": "session_started", "sequence": 1},
            result,
            {"type": "progress", "received_offset": 0.5},
            {**result, "is_final": True, "latency": latency},
            {"type": "session_summary", "received_audio": 1.0},
        ):
            await socket.send(json.dumps(event))

    heard, acknowledged = await talk(script, "/v1/stream")
    config, first, rest, end = taken
    assert json.loads(config) == {
        "type": "config",
        "recognition": {
            "audio_format": {"encoding": "linear16", "sample_rate_hertz": 16_000},
            "language_codes": ["ko"],
        },
        "interim_results": True,
        "min_interim_interval": 0.5,
        "latency_breakdown": True,
    }
    assert (first, rest) == (SECOND[:8000].tobytes(), SECOND[8000:].tobytes())
    assert json.loads(end) == {"type": "end_of_audio"}
    assert heard == [
        Heard(3, "하나 둘", False, 0.25, 0.75),
        Heard(3, "하나 둘", True, 0.25, 0.75, Told(0.01, 0.03, 0.5, 2)),
    ]
    assert acknowledged == 16_000


async def test_plain_says_and_hears_what_the_protocol_is() -> None:
    taken: list[bytes | str] = []

    async def script(socket: ServerConnection) -> None:
        assert socket.request is not None
        assert socket.request.path == "/?language=ko"
        taken.extend(await take(socket, 3))
        await socket.send(json.dumps({"text": "", "warning": {}}))
        span = {"utterance": 1, "start": 0.25, "end": 0.75}
        await socket.send(json.dumps({"text": "하나", "is_final": True, **span}))

    heard, acknowledged = await talk(script, "")
    first, rest, end = taken
    assert isinstance(first, bytes)
    assert isinstance(rest, bytes)
    np.testing.assert_array_equal(np.frombuffer(first + rest, np.float32) * 32_768, SECOND)
    assert json.loads(end) == {"type": "end_of_audio"}
    assert heard == [Heard(1, "하나", True, 0.25, 0.75)]
    assert acknowledged is None


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("code", "kind"),
    [("STREAM_CAPACITY_EXHAUSTED", CapacityExhausted), ("INTERNAL", ConversationFailed)],
)
async def test_a_stream_that_fails_says_why(path: str, code: str, kind: type[Exception]) -> None:
    error = {"code": code, "message": "no room"}
    event = {"type": "error", **error} if path else {"text": "", "error": error}

    async def script(socket: ServerConnection) -> None:
        await socket.send(json.dumps(event))
        await socket.close(1013)

    with pytest.RaisesGroup(pytest.RaisesExc(kind, match="no room"), allow_unwrapped=True):
        await talk(script, path)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("not JSON", "no JSON object"),
        ("[]", "no JSON object"),
        ("{}", "cannot be read"),
        ('{"type": "result", "alternatives": [], "text": "x"}', "cannot be read"),
    ],
)
async def test_answers_that_make_no_sense_fail(path: str, message: str, told: str) -> None:
    async def script(socket: ServerConnection) -> None:
        await socket.send(message)
        await socket.wait_closed()

    with pytest.RaisesGroup(pytest.RaisesExc(ConversationFailed, match=told)):
        await talk(script, path)


async def test_a_connection_that_is_closed_with_a_code_fails() -> None:
    async def script(socket: ServerConnection) -> None:
        await take(socket, 2)
        await socket.close(1012)

    with pytest.RaisesGroup(pytest.RaisesExc(ConversationFailed, match="code 1012")):
        await talk(script, "")


async def test_a_server_without_room_for_connections_has_no_capacity() -> None:
    async def refuse(connection: ServerConnection, _: object) -> object:
        return connection.respond(503, "")

    async with serve(lambda _: asyncio.sleep(0), "127.0.0.1", 0, process_request=refuse) as server:  # type: ignore[arg-type, return-value]
        port = next(iter(server.sockets)).getsockname()[1]
        with pytest.raises(CapacityExhausted, match="503"):
            async with target_of(f"ws://127.0.0.1:{port}/").open("en"):
                pytest.fail("it is open")


@pytest.mark.parametrize("path", PATHS)
async def test_every_word_is_heard_through_the_real_doors(path: str) -> None:
    spoken: Pcm = np.frombuffer(linear16(conversation([range(12), range(12, 20)])), np.int16)
    finals: list[str] = []
    async with serving() as served, asyncio.timeout(10):
        target = target_of(f"ws://127.0.0.1:{served.server.bridge_port}{path}")
        async with target.open("en") as conversing:
            for start in range(0, len(spoken), 1_600):
                await conversing.send(spoken[start : start + 1_600])
            await conversing.end()
            finals = [each.text async for each in conversing.events() if each.is_final]
            acknowledged = conversing.acknowledged
    assert_heard(finals, range(20))
    assert acknowledged == (len(spoken) if path else None)


async def test_leaving_waits_for_nobody() -> None:
    over = asyncio.Event()

    async def script(_: ServerConnection) -> None:
        await over.wait()  # reads nothing

    async def talk_on(conversation: Conversation) -> None:
        async with asyncio.timeout(0.3):
            while True:
                await conversation.send(SECOND)

    async with bridge(script, "") as target:
        try:
            async with asyncio.timeout(5), target.open("en") as conversation:
                with pytest.raises(TimeoutError):
                    await talk_on(conversation)
        finally:
            over.set()


async def test_nobody_there_fails() -> None:
    with pytest.raises(ConversationFailed, match="no connection"):
        async with target_of("ws://127.0.0.1:1").open("en"):
            pytest.fail("it is open")


@pytest.mark.parametrize("url", ["ws://host:1/v2", "sori://host:1/v1/stream", "http://host:1"])
def test_other_paths_and_schemes_are_no_targets(url: str) -> None:
    with pytest.raises(InvalidConfig, match="ws://HOST:PORT/v1/stream"):
        target_of(url)
