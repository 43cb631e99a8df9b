"""WebSocket protocol v1 over a real socket: every frame, bad ones too, and how streams end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sori_server.domain.limits import Limits
from sori_server.engine.fake import FakeBehaviour
from support.raw_client import PATIENCE
from support.speech_server import Served, serving, undisturbed
from support.websocket_client import LINEAR16, Socket, config_frame, connected
from support.word_audio import assert_heard, conversation, linear16, silence, speak

pytestmark = [pytest.mark.contract, pytest.mark.asyncio(loop_scope="module")]

V1 = "/v1/stream"
MIB = 1024 * 1024
LIMITS = Limits(config_timeout=2.0, idle_timeout=2.0, write_timeout=5.0, close_timeout=0.5)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served() -> AsyncIterator[Served]:
    async with serving(FakeBehaviour(unstable_words=1), LIMITS) as served:
        yield served


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def nobody_else_is_disturbed(served: Served) -> AsyncIterator[None]:
    async with undisturbed(served, range(2000, 2040)):
        yield
    await served.until_streams(0)


@pytest_asyncio.fixture(loop_scope="module")
async def socket(served: Served) -> AsyncIterator[Socket]:
    async with connected(served.server.bridge_port, V1) as socket:
        yield socket


async def test_every_kind_of_frame_both_ways(socket: Socket) -> None:
    spoken = linear16(conversation([range(12), range(12, 20)]))
    await socket.say(
        config_frame(
            interim_results=True,
            voice_activity_events=True,
            progress_interval=0.5,
            latency_breakdown=True,
            recognition={"features": {"word_time_offsets": True}},
        )
    )
    await socket.audio(spoken)
    await socket.say({"type": "keep_alive"})
    await socket.say({"type": "finalize", "request_id": "a"})
    assert (await socket.until_kind("finalized"))["request_id"] == "a"
    await socket.say({"type": "end_of_audio", "total_bytes": len(spoken)})
    assert await socket.until_closed() == 1000
    assert_heard(socket.finals, range(20))
    assert socket.kinds[0] == "session_started"
    assert socket.kinds[-1] == "session_summary"
    assert {"result", "speech_event", "progress", "finalized"} <= set(socket.kinds)
    assert [each["sequence"] for each in socket.heard] == list(range(1, len(socket.heard) + 1))
    acknowledged = [each.get("acknowledged_byte_offset", 0) for each in socket.heard]
    assert 0 < max(acknowledged) <= len(spoken)
    final = next(each for each in socket.heard if each.get("is_final"))
    assert final["alternatives"][0]["words"][0]["word"] == "w0"
    assert final["latency"]["batch_size"] >= 1


@pytest.mark.parametrize("chunk", [1, 3, 6_399, MIB])
async def test_frames_may_be_split_anywhere(socket: Socket, chunk: int) -> None:
    spoken = linear16(conversation([range(4)], pause=1))
    split = 3_001 * chunk  # so that a busy machine ends in time; odd, so that a sample is cut too
    await socket.say(config_frame())
    await socket.audio(spoken[:split], chunk)
    await socket.audio(spoken[split:])
    await socket.end()
    assert await socket.until_closed() == 1000
    assert_heard(socket.finals, range(4))


async def test_a_close_frame_is_answered_after_the_last_words(socket: Socket) -> None:
    await socket.say(config_frame())
    await socket.audio(linear16(speak(range(9))))
    closing = asyncio.create_task(socket.websocket._writer.close())  # and goes on reading
    assert await socket.until_closed() == 1000
    await closing
    assert_heard(socket.finals, range(9))
    assert socket.kinds[-1] == "session_summary"


async def test_a_connection_that_is_lost_leaves_nothing() -> None:
    async with serving() as other, connected(other.server.bridge_port, V1) as socket:
        await socket.say(config_frame())
        await socket.audio(linear16(speak(range(9))))
        await other.until_streams(1)
        socket.websocket._response.connection.transport.abort()  # type: ignore[union-attr]
        async with asyncio.timeout(5):
            await other.until_streams(0)


# --------------------------------------------------------------------------- bad input

SAMPLES = linear16(conversation([range(6)]))
BAD = {
    "text where audio is due": ("hello", 4409, "PROTOCOL_VIOLATION", "message"),
    "no object": ("[]", 4409, "PROTOCOL_VIOLATION", "message"),
    "an unknown type": ('{"type": "shout"}', 4409, "PROTOCOL_VIOLATION", "type"),
    "no type": ('{"finalize": {}}', 4409, "PROTOCOL_VIOLATION", "type"),
    "a second config": ('{"type": "config"}', 4409, "PROTOCOL_VIOLATION", "config"),
    "an unknown field": ('{"type": "finalize", "id": "a"}', 4400, "INVALID_CONFIG", "finalize.id"),
    "a wrong type": (
        '{"type": "end_of_audio", "total_bytes": "1"}',
        4400,
        "INVALID_CONFIG",
        "end_of_audio.total_bytes",
    ),
    "much too long a text": ('"' + "x" * 65_536 + '"', 1009, "MESSAGE_TOO_LARGE", "message"),
    "a deep one": ("[" * 30_000, 4409, "PROTOCOL_VIOLATION", "message"),
    "a wrong count": ('{"type": "end_of_audio", "total_bytes": 1}', 4411, "AUDIO_GAP", None),
}


@pytest.mark.parametrize("what", BAD)
async def test_bad_frames_end_a_stream_after_its_words(socket: Socket, what: str) -> None:
    frame, close_code, code, field = BAD[what]
    await socket.say(config_frame())
    await socket.audio(SAMPLES)
    await socket.websocket.send_str(frame)
    assert await socket.until_closed() == close_code
    assert_heard(socket.finals, range(6))
    error = socket.heard[-1]
    assert (error["type"], error["code"], error["field"]) == ("error", code, field)
    assert "session_summary" not in socket.kinds


CONFIGS = {
    "an unknown field": ({"colour": 1}, "config.colour"),
    "an unknown encoding": (
        {"recognition": {"audio_format": {"encoding": "pcm"}}},
        "config.recognition.audio_format.encoding",
    ),
    "a rate that no audio has": (
        {"recognition": {"audio_format": {**LINEAR16, "sample_rate_hertz": 1}}},
        "config.recognition.audio_format.sample_rate_hertz",
    ),
    "null": ({"preset": None}, "config.preset"),
    "no recognition": ({"recognition": {"audio_format": {}}}, "config.recognition.audio_format"),
    "an unknown preset": ({"preset": "x"}, "config.preset"),
}


@pytest.mark.parametrize("what", CONFIGS)
async def test_bad_configs_name_the_field(socket: Socket, what: str) -> None:
    settings, field = CONFIGS[what]
    await socket.say(config_frame(**settings))
    assert await socket.until_closed() == 4400
    (error,) = socket.heard
    assert error["code"] == "INVALID_CONFIG"
    assert str(error["field"]).startswith(field)
    assert not error["retryable"]


async def test_an_unknown_model_has_a_code_of_its_own(socket: Socket) -> None:
    await socket.say(config_frame(recognition={"model": "whisper-99"}))
    assert await socket.until_closed() == 4404
    assert socket.heard[0]["code"] == "MODEL_NOT_FOUND"
    assert socket.heard[0]["field"] == "config.recognition.model"


async def test_audio_before_a_config(socket: Socket) -> None:
    await socket.audio(SAMPLES)
    assert await socket.until_closed() == 4409
    assert (socket.heard[0]["code"], socket.heard[0]["field"]) == ("PROTOCOL_VIOLATION", "config")


async def test_odd_bytes_at_the_end_are_told(socket: Socket) -> None:
    await socket.say(config_frame())
    await socket.audio(SAMPLES + b"\0")
    await socket.end()
    assert await socket.until_closed() == 4400
    assert socket.heard[-1]["code"] == "AUDIO_UNDECODABLE"
    assert_heard(socket.finals, range(6))


async def test_a_frame_of_17_mib_is_refused_while_it_is_sent(socket: Socket) -> None:
    await socket.say(config_frame())
    await socket.audio(SAMPLES)
    sending = asyncio.create_task(socket.websocket.send_bytes(bytes(17 * MIB)))
    assert await socket.until_closed() == 1009
    await asyncio.wait([sending], timeout=PATIENCE)
    assert_heard(socket.finals, range(6))
    error = socket.heard[-1]
    assert (error["code"], error["field"]) == ("MESSAGE_TOO_LARGE", "message")
    assert error["metadata"]["limit"] == str(4 * MIB)


async def test_bytes_that_are_no_websocket_frame(socket: Socket) -> None:
    await socket.say(config_frame())
    await socket.audio(SAMPLES)
    transport = socket.websocket._response.connection.transport  # type: ignore[union-attr]
    transport.write(b"\xff\xff\xff\xff")
    assert await socket.until_closed() == 1002
    assert_heard(socket.finals, range(6))
    assert socket.heard[-1]["code"] == "PROTOCOL_VIOLATION"


# -------------------------------------------------------------------------- how it ends


async def test_nothing_for_too_long(socket: Socket) -> None:
    await socket.say(config_frame())
    await socket.audio(linear16(speak(range(5))))
    assert await socket.until_closed() == 4408
    assert_heard(socket.finals, range(5))
    assert socket.heard[-1]["code"] == "IDLE_TIMEOUT"


async def test_silence_is_no_text_and_no_end(socket: Socket) -> None:
    await socket.say(config_frame())
    await socket.audio(linear16(silence(10 * 180)), 320_000)
    await socket.audio(SAMPLES)
    await socket.end()
    assert await socket.until_closed() == 1000
    assert_heard(socket.finals, range(6))


async def test_a_connection_that_says_nothing_is_closed(socket: Socket) -> None:
    assert await socket.until_closed() == 4409
    assert "2 s" in socket.heard[0]["message"]


async def test_a_page_of_another_site_is_told_so(served: Served) -> None:
    async with connected(
        served.server.bridge_port, V1, origin="https://elsewhere.example"
    ) as socket:
        assert await socket.until_closed() == 4403
    assert socket.heard[0]["code"] == "ORIGIN_NOT_ALLOWED"
    assert socket.heard[0]["field"] == "Origin"


async def test_pages_of_this_machine_are_served(served: Served) -> None:
    async with connected(served.server.bridge_port, V1, origin="http://localhost:3000") as socket:
        await socket.say(config_frame())
        await socket.end()
        assert await socket.until_closed() == 1000


async def test_compression_is_not_offered(served: Served) -> None:
    async with connected(served.server.bridge_port, V1, compress=15) as socket:
        assert socket.websocket.compress == 0
