"""The bridge's port: clients that are slow or too many, other sites, and how it leaves."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import struct
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp
import pytest
from sori_server.app import Server
from sori_server.domain.limits import Limits
from sori_server.engine.fake import FakeBehaviour
from sori_server.settings import Settings
from support.http_api import form, http_api, wav
from support.raw_client import PATIENCE
from support.speech_server import Served, fake_engine, serving
from support.websocket_client import config_frame, connected
from support.word_audio import assert_heard, conversation, linear16, speak

pytestmark = pytest.mark.contract

V1 = "/v1/stream"
SAMPLES = linear16(conversation([range(6)]))
WEB = Path(__file__).parents[2] / "server" / "src" / "sori_server" / "web"
ELSEWHERE = "https://elsewhere.example"
HANDSHAKE = (
    f"GET {V1} HTTP/1.1\r\nHost: sori\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\n"
    f"Sec-WebSocket-Key: {base64.b64encode(bytes(16)).decode()}\r\n\r\n"
).encode()


async def closed_after(port: int, *pieces: bytes, pause: float = 0.1) -> tuple[float, bytes]:
    """Send pieces slowly; how long the connection stayed open, and what it said."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    began = time.monotonic()

    async def dribble() -> None:
        for piece in pieces:
            writer.write(piece)
            await asyncio.sleep(pause)

    sending = asyncio.create_task(dribble())
    try:
        async with asyncio.timeout(PATIENCE):
            try:
                said = await reader.read()
            except ConnectionError:
                said = b""
    finally:
        sending.cancel()
        writer.close()
    return time.monotonic() - began, said


# --------------------------------------------------------------- slow, or too many


@pytest.mark.parametrize(
    "pieces",
    [[], [b"GET / HT"], [b"GET / HTTP/1.1\r\n", *[b"X-A: b\r\n"] * 60], [HANDSHAKE[:-2]]],
    ids=["nothing", "half a line", "headers one by one", "half a handshake"],
)
async def test_a_request_that_does_not_come_is_cut_off(pieces: list[bytes]) -> None:
    limits = Limits(header_timeout=0.6)
    async with serving(limits=limits) as served:
        took, said = await closed_after(served.server.bridge_port, *pieces)
    assert 0.5 < took < 6
    assert said in {b"", said if said.startswith(b"HTTP/1.1 4") else b""}


async def test_a_connection_between_two_requests_is_cut_off() -> None:
    request = b"GET /healthz HTTP/1.1\r\nHost: sori\r\n\r\n"
    async with serving(limits=Limits(header_timeout=0.6)) as served:
        took, said = await closed_after(served.server.bridge_port, request, b"GET / HT")
    assert 0.5 < took < 6
    assert said.startswith(b"HTTP/1.1 200 OK")


async def test_one_connection_too_many_is_told_so_and_others_go_on() -> None:
    async with serving(limits=Limits(max_connections=3)) as served:
        port = served.server.bridge_port
        async with connected(port, V1) as client:
            await client.say(config_frame())
            await client.until_kind("session_started")
            held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
            await asyncio.sleep(0.05)
            _, said = await closed_after(port)
            assert said.startswith(b"HTTP/1.1 503")
            assert b"Retry-After: 1" in said
            for _, writer in held:
                writer.close()
            await client.audio(SAMPLES)
            await client.end()
            assert await client.until_closed() == 1000
    assert_heard(client.finals, range(6))


async def test_a_client_that_reads_nothing_is_let_go() -> None:
    limits = Limits(write_timeout=0.4, close_timeout=0.3, max_session_duration=3600)
    async with serving(FakeBehaviour(), limits) as served:
        reader, writer = await narrow_connection(served.server.bridge_port)
        writer.write(HANDSHAKE)
        await reader.readuntil(b"\r\n\r\n")
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        settings = {**config_frame(interim_results=True), "progress_interval": 0.1}
        writer.write(_frame(1, json.dumps(settings).encode()))
        await served.until_streams(1)
        minute = linear16(speak(range(600)))

        async def flood() -> None:
            with suppress(ConnectionError):
                while True:
                    writer.write(_frame(2, minute))
                    await writer.drain()

        flooding = asyncio.create_task(flood())
        async with asyncio.timeout(PATIENCE):
            await served.until_streams(0)
            await until_no_connection(served)
        assert served.gateway.active_streams == 0
        flooding.cancel()
        writer.transport.abort()


async def test_a_download_that_is_not_read_is_cut_off() -> None:
    limits = Limits(write_timeout=0.4, close_timeout=0.3)
    async with serving(limits=limits) as served:
        reader, writer = await narrow_connection(served.server.bridge_port)
        writer.write(b"GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: sori\r\n\r\n")
        await reader.readuntil(b"\r\n")
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        async with asyncio.timeout(PATIENCE):
            await until_no_connection(served)
        writer.transport.abort()


async def narrow_connection(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """One whose system takes little ahead."""
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    narrow.connect(("127.0.0.1", port))
    return await asyncio.open_connection(sock=narrow, limit=1024)


async def until_no_connection(served: Served) -> None:
    """Wait until the bridge has none."""
    server = served.server._bridge._runner.server
    assert server is not None
    while server.connections:  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0.02)


async def test_connections_of_one_address_are_counted() -> None:
    async with serving(limits=Limits(max_connections_per_peer=2)) as served:
        port = served.server.bridge_port
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        await asyncio.sleep(0.05)
        _, said = await closed_after(port)
        assert said.startswith(b"HTTP/1.1 503")
        elsewhere = ("127.0.0.2", 0)
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=elsewhere)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: sori\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        for each in (writer, *(writer for _, writer in held)):
            each.close()


async def test_connections_that_have_gone_are_not_counted() -> None:
    limits = Limits(max_connections_per_peer=2)
    async with serving(limits=limits) as served, aiohttp.ClientSession() as session:
        for _ in range(20):
            url = f"http://127.0.0.1:{served.server.bridge_port}/healthz"
            async with session.get(url, headers={"Connection": "close"}) as answer:
                assert answer.status == 200
            await until_no_connection(served)


GARBAGE = {
    "a byte that is no text": b"GET /\xff HTTP/1.1\r\nHost: sori\r\n\r\n",
    "half an address": b"GET http://[ HTTP/1.1\r\nHost: sori\r\n\r\n",
    "a length that is none": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: abc\r\n\r\n",
    "many headers": b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 200 + b"\r\n",
    "a long path": b"GET /" + b"x" * 10_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    "no HTTP": b"\x16\x03\x01 hello\r\n\r\n",
}


@pytest.mark.parametrize("what", GARBAGE)
async def test_garbage_is_refused_without_a_word_in_the_log(
    what: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(limits=Limits(header_timeout=1.0)) as served:
        _, said = await closed_after(served.server.bridge_port, GARBAGE[what])
    assert said.startswith((b"HTTP/1.1 4", b"HTTP/1.0 4"))
    assert not [each for each in caplog.records if each.levelname == "ERROR"]


async def test_handshakes_that_are_reset_leave_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async with serving() as served:
        for _ in range(30):
            lost = socket.create_connection(("127.0.0.1", served.server.bridge_port))
            lost.sendall(HANDSHAKE)
            lost.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            lost.close()
        async with asyncio.timeout(PATIENCE):
            await asyncio.sleep(0.1)
            await until_no_connection(served)
    assert not [each for each in caplog.records if each.levelname == "ERROR"]


def _frame(opcode: int, payload: bytes) -> bytes:
    """A whole message, its mask made of zeros."""
    size = len(payload)
    return bytes([0x80 | opcode, 0x80 | 127]) + size.to_bytes(8, "big") + bytes(4) + payload


# --------------------------------------------------------------------- other sites


async def test_requests_from_pages_of_other_sites_are_refused() -> None:
    async with serving() as served, http_api(served) as api:
        for origin, status in {
            ELSEWHERE: 403,
            "null": 403,
            "https://[": 403,
            f"http://127.0.0.1:{api.port}": 200,
            "http://localhost:9": 200,
        }.items():
            headers = {"Origin": origin}
            async with api.session.get(f"{api.url}/v1/models", headers=headers) as answer:
                body = await answer.json()
                assert answer.status == status, origin
                allowed = answer.headers.get("Access-Control-Allow-Origin")
            assert allowed == (origin if status == 200 else None)
            if status == 403:
                assert body["error"]["code"] == "ORIGIN_NOT_ALLOWED"
                assert body["error"]["field"] == "Origin"


async def test_a_page_of_another_site_may_not_read_why_its_headers_are_refused() -> None:
    async with serving() as served, http_api(served) as api:
        for origin, allowed in ((ELSEWHERE, None), ("http://localhost:9", "http://localhost:9")):
            headers = {"Origin": origin, "Authorization": "\N{LATIN SMALL LETTER E WITH ACUTE}"}
            async with api.session.get(f"{api.url}/v1/models", headers=headers) as answer:
                assert answer.status == 400
                assert answer.headers.get("Access-Control-Allow-Origin") == allowed


async def test_a_stranger_cannot_make_a_page_of_its_own_one_of_this_site() -> None:
    """A domain that means a private address, as in DNS rebinding; and an `Upgrade` that is none."""
    async with serving() as served, http_api(served) as api:
        for headers, status in (
            ({"Host": "evil.example:8765", "Origin": "http://evil.example:8765"}, 403),
            ({"Origin": ELSEWHERE, "Upgrade": "websocket"}, 403),
            ({"Host": "box.local:8765", "Origin": "http://box.local:8765"}, 200),
            ({"Host": "192.168.1.2", "Origin": "http://192.168.1.2"}, 200),
        ):
            async with api.session.get(f"{api.url}/v1/models", headers=headers) as answer:
                assert answer.status == status, headers


@pytest.mark.parametrize("allowed", [ELSEWHERE, "*", f"null, {ELSEWHERE.upper()}"])
async def test_sites_that_are_named_may_use_everything(allowed: str) -> None:
    settings = Settings(grpc_port=0, bridge_port=0, allowed_origins=allowed)
    async with Server(settings, fake_engine()) as server, aiohttp.ClientSession() as session:
        url, headers = f"http://127.0.0.1:{server.bridge_port}", {"Origin": ELSEWHERE}
        asking = {**headers, "Access-Control-Request-Method": "POST"}
        async with session.options(f"{url}/transcribe", headers=asking) as answer:
            assert answer.status == 204
            assert "POST" in answer.headers["Access-Control-Allow-Methods"]
            assert answer.headers["Access-Control-Allow-Origin"] == ELSEWHERE
        file = form(wav(conversation([range(4)])))
        async with session.post(f"{url}/transcribe", data=file, headers=headers) as answer:
            assert answer.status == 200
            assert_heard([(await answer.json())["text"]], range(4))
        async with connected(server.bridge_port, V1, origin=ELSEWHERE) as client:
            await client.say(config_frame())
            await client.end()
            assert await client.until_closed() == 1000


@pytest.mark.parametrize(
    "header",
    [
        b"Authorization: Bearer \xff",
        b"Authorization: Bearer \xc3\xa9",
        b"Authorization: a\tb",
        b"Origin: http://\xff",
        b"Sec-WebSocket-Key: \xc3\xa9",
        b"Sec-WebSocket-Version: \xff",
    ],
)
async def test_headers_that_are_no_ascii_are_refused_by_name(
    header: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """Where there is a server behind the bridge, it could not be shown such a client."""
    async with serving() as served:
        name = header.partition(b":")[0]
        lines = [each for each in HANDSHAKE[:-4].split(b"\r\n") if not each.startswith(name)]
        request = b"\r\n".join([*lines, header, b"Connection: close", b"", b""])
        _, said = await closed_after(served.server.bridge_port, request)
    head, body = said.split(b"\r\n\r\n", 1)
    assert head.split()[1] == b"400"
    error = json.loads(body)["error"]
    assert (error["code"], error["field"]) == ("INVALID_CONFIG", name.decode())
    assert not [each for each in caplog.records if each.levelname == "ERROR"]


# -------------------------------------------------------------------- what is there


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/nothing", 404, "NOT_FOUND"),
        ("/assets/", 404, "NOT_FOUND"),
        ("/assets/app/", 403, "FORBIDDEN"),
        ("/assets/../settings.py", 404, "NOT_FOUND"),
        ("/assets/%2e%2e/settings.py", 404, "NOT_FOUND"),
        ("/assets/client/../../settings.py", 404, "NOT_FOUND"),
        ("/transcribe", 405, "METHOD_NOT_ALLOWED"),
        (V1, 400, "BAD_REQUEST"),
    ],
)
async def test_what_is_not_there_is_said_in_json(path: str, status: int, code: str) -> None:
    async with serving() as served:
        request = f"GET {path} HTTP/1.1\r\nHost: sori\r\nConnection: close\r\n\r\n".encode()
        _, said = await closed_after(served.server.bridge_port, request)
    head, body = said.split(b"\r\n\r\n", 1)
    assert int(head.split()[1]) == status
    assert json.loads(body)["error"]["code"] == code


async def test_every_file_of_the_page_is_served_and_may_not_be_framed() -> None:
    async with serving() as served, http_api(served) as api:
        page = await api.get("/")
        assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
        for folder in ("app", "client", "icons"):
            for file in (WEB / folder).iterdir():
                answer = await api.get(f"/assets/{folder}/{file.name}")
                assert answer.status == 200, file
                assert answer.headers["Cache-Control"] == "no-cache"
                if file.suffix == ".js":
                    assert "javascript" in answer.headers["Content-Type"]


# -------------------------------------------------------------------- how it leaves


async def test_a_server_that_leaves_sends_the_last_words_and_1012() -> None:
    limits = Limits(drain_grace=1.5)
    async with serving(limits=limits) as served:
        port = served.server.bridge_port
        async with connected(port, V1) as speaking, connected(port, "/") as waiting:
            await speaking.say(config_frame(interim_results=True))
            await speaking.audio(linear16(speak(range(9))))
            await speaking.until_kind("result")
            leaving = asyncio.create_task(served.server.__aexit__())
            assert await waiting.until_closed() == 1012
            assert await speaking.until_closed() == 1012
            await leaving
    assert waiting.heard[0]["error"]["code"] == "SERVER_DRAINING"
    assert_heard(speaking.finals, range(9))
    assert "go_away" in speaking.kinds
    assert speaking.heard[-1]["code"] == "SERVER_DRAINING"


async def test_a_server_that_leaves_tells_those_who_still_send_a_file() -> None:
    async with serving(limits=Limits(drain_grace=0.2)) as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.server.bridge_port)
        writer.write(
            b"POST /transcribe HTTP/1.1\r\nHost: sori\r\nContent-Length: 100000\r\n"
            b"Content-Type: multipart/form-data; boundary=b\r\n\r\n"
            b'--b\r\nContent-Disposition: form-data; name="audio"\r\n\r\nRIFF'
        )
        await asyncio.sleep(0.3)
        leaving = asyncio.create_task(served.server.__aexit__())
        assert b" 503 " in await reader.readline()
        assert b"SERVER_DRAINING" in await reader.read()
        await leaving
        writer.close()


async def test_no_room_is_told_before_anything_else() -> None:
    async with serving(limits=Limits(max_streams=1)) as served:
        port = served.server.bridge_port
        async with connected(port, V1) as first, connected(port, V1) as second:
            await first.say(config_frame())
            await first.until_kind("session_started")
            await second.say(config_frame())
            assert await second.until_closed() == 1013
            await first.end()
            assert await first.until_closed() == 1000
    (error,) = second.heard
    assert error["code"] == "STREAM_CAPACITY_EXHAUSTED"
    assert error["retryable"]
    assert error["retry_after"] == 1.0


async def test_before_the_model_is_warm_there_is_a_time_to_come_again(served_cold: Served) -> None:
    async with connected(served_cold.server.bridge_port, V1) as client:
        await client.say(config_frame())
        assert await client.until_closed() == 1013
    assert client.heard[0]["code"] == "MODEL_LOADING"
    assert client.heard[0]["retry_after"] == 1.0


@pytest.fixture
async def served_cold() -> AsyncIterator[Served]:
    async with _cold() as served:
        yield served


@asynccontextmanager
async def _cold() -> AsyncIterator[Served]:
    """A server whose model is not warm yet."""
    engine = fake_engine(FakeBehaviour(load_time=3))
    server = Server(Settings(grpc_port=0, bridge_port=0), engine)
    starting = asyncio.create_task(server.__aenter__())
    while not server.bridge_port:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    try:
        yield Served(server, engine)
    finally:
        await starting
        await server.__aexit__()
