"""Bounds of what is posted: size, number and time; forms that are none."""

from __future__ import annotations

import asyncio
import functools
import json
import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from sori_server.domain.limits import Limits
from sori_server.engine.fake import FakeBehaviour
from sori_server.transport.bridge.http import uploads
from support.http_api import HttpApi, form, http_api, nothing_left, wav
from support.raw_client import PATIENCE
from support.speech_server import serving
from support.word_audio import conversation, heard_words

pytestmark = pytest.mark.contract

FILE = wav(conversation([range(8)]))
BOUNDARY = "b0undary"
KIND = f"multipart/form-data; boundary={BOUNDARY}"
MIB = 1024 * 1024


@pytest.fixture(autouse=True)
def nothing_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert [record for record in caplog.records if record.name.startswith("aiohttp.server")] == []


@asynccontextmanager
async def api_with(limits: Limits) -> AsyncIterator[HttpApi]:
    async with serving(limits=limits) as served, http_api(served) as api, nothing_left():
        yield api
        assert served.gateway.active_streams == 0


def part(name: str, content: bytes, filename: str = "") -> bytes:
    named = f'; filename="{filename}"' if filename else ""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'
    return head.encode() + content + b"\r\n"


async def test_names_that_are_no_text_are_bad_names() -> None:
    async with api_with(Limits()) as api, connection(api) as (reader, writer):
        body = part("x", b"y").replace(b'"x"', b'"\xff"') + END
        writer.write(request(f"Content-Length: {len(body)}") + body)
        status, _, error = await answer(reader)
    assert (status, error["code"]) == (400, "INVALID_CONFIG")


async def test_what_was_sent_fast_buys_no_long_silence() -> None:
    async with api_with(Limits(body_grace=0.5)) as api, connection(api) as (reader, writer):
        writer.write(request("Content-Length: 9000000") + part("audio", bytes(2 * MIB)))
        await writer.drain()
        async with asyncio.timeout(4):
            status, _, error = await answer(reader)
    assert (status, error["code"]) == (408, "IDLE_TIMEOUT")


END = f"--{BOUNDARY}--\r\n".encode()


def request(*headers: str, path: str = "/transcribe", kind: str = KIND) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: sori", f"Content-Type: {kind}", *headers]
    return "\r\n".join([*lines, "", ""]).encode()


def chunked(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


@asynccontextmanager
async def connection(
    api: HttpApi,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    async with asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
        try:
            yield reader, writer
        finally:
            writer.close()


async def answer(reader: asyncio.StreamReader) -> tuple[int, str, dict[str, object]]:
    """Status, head and error of an answer."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    length = next(
        int(line.split(":")[1]) for line in head.splitlines() if line.startswith("Content-Length")
    )
    body = json.loads(await reader.readexactly(length))
    return int(head.split()[1]), head, body["error"]


async def test_a_length_that_is_too_large_is_refused_before_the_body() -> None:
    async with api_with(Limits()) as api, connection(api) as (reader, writer):
        writer.write(request(f"Content-Length: {26 * MIB}"))
        status, head, error = await answer(reader)
        assert (status, error["code"], error["field"]) == (413, "MESSAGE_TOO_LARGE", "audio")
        assert "Connection: close" in head
        assert await reader.read() == b""  # closed


def endless(first: bytes) -> Iterator[bytes]:
    yield first
    while True:
        yield bytes(64 * 1024)


@pytest.mark.parametrize("path", ["/transcribe", "/v1/audio/transcriptions"])
async def test_a_file_that_does_not_end_is_cut_off_where_it_is_too_large(path: str) -> None:
    field = "audio" if path == "/transcribe" else "file"
    async with api_with(Limits()) as api, connection(api) as (reader, writer):
        writer.write(request("Transfer-Encoding: chunked", path=path))

        async def send() -> int:
            sent = 0
            for piece in endless(part(field, b"RIFF", "a.wav")[:-2]):
                writer.write(chunked(piece))
                sent += len(piece)
                await writer.drain()
            return sent

        sending = asyncio.create_task(send())
        status, head, error = await answer(reader)
        assert (status, error["code"], error["field"]) == (413, "MESSAGE_TOO_LARGE", field)
        assert error["metadata"] == {"limit": str(25 * MIB)}
        assert "Connection: close" in head
        with pytest.raises(ConnectionError):
            await sending


async def test_a_byte_too_many_is_refused_and_told() -> None:
    limits = Limits(max_upload_bytes=len(FILE))
    async with api_with(limits) as api:
        fits = await api.post("/transcribe", form(FILE))
        assert heard_words(fits.json["text"]) == list(range(8))
        over = await api.post("/transcribe", form(FILE + b"x"))
        assert (over.status, over.json["error"]["field"]) == (413, "audio")


async def test_other_fields_are_bounded_together() -> None:
    limits = Limits(max_form_bytes=1_000, max_form_parts=5)
    async with api_with(limits) as api:
        long = await api.post("/transcribe", form(FILE, hotwords=["x" * 400] * 3))
        assert (long.status, long.json["error"]["field"]) == (413, "hotwords")
        many = await api.post("/transcribe", form(FILE, hotwords=["x"] * 6))
        assert (many.status, many.json["error"]["field"]) == (400, "body")


async def test_a_body_that_comes_too_slowly_is_cut_off() -> None:
    limits = Limits(body_grace=0.2, min_body_rate=100_000.0)
    starts = [b"", part("audio", bytes(5_000), "a.wav")[:-2], END[:5], part("model", b"fa")[:-5]]
    async with api_with(limits) as api:
        for start in starts:
            async with connection(api) as (reader, writer):
                writer.write(request("Content-Length: 100000") + start)
                status, head, error = await answer(reader)
                assert (status, error["code"]) == (408, "IDLE_TIMEOUT")
                assert "Connection: close" in head
                assert await reader.read() == b""


async def test_a_body_that_trickles_is_cut_off_however_regular() -> None:
    limits = Limits(body_grace=0.2, min_body_rate=10_000.0)
    async with api_with(limits) as api, connection(api) as (reader, writer):
        writer.write(request("Transfer-Encoding: chunked"))
        writer.write(chunked(part("audio", b"RIFF", "a.wav")[:-2]))

        async def trickle() -> None:
            while True:
                writer.write(chunked(b"x"))
                await asyncio.sleep(0.01)

        trickling = asyncio.create_task(trickle())
        status, _, error = await answer(reader)
        assert (status, error["code"]) == (408, "IDLE_TIMEOUT")
        trickling.cancel()


async def test_a_slow_but_steady_body_is_received() -> None:
    limits = Limits(body_grace=1.5, min_body_rate=1_000.0)
    body = part("audio", FILE, "a.wav") + END
    async with api_with(limits) as api, connection(api) as (reader, writer):
        writer.write(request(f"Content-Length: {len(body)}"))
        for start in range(0, len(body), 8_000):
            writer.write(body[start : start + 8_000])
            await asyncio.sleep(0.25)
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")


async def test_files_beyond_the_most_wait_outside() -> None:
    limits = Limits(max_uploads=1)
    async with (
        serving(FakeBehaviour(batch_cost=60.0), limits) as served,
        http_api(served) as api,
        nothing_left(),
    ):
        first = asyncio.create_task(api.post("/transcribe", form(FILE)))
        await served.until_streams(1)
        async with connection(api) as (reader, writer):
            writer.write(request("Content-Length: 1000"))  # no body: it is not waited for
            status, head, error = await answer(reader)
        assert (status, error["code"]) == (429, "STREAM_CAPACITY_EXHAUSTED")
        assert (error["retryable"], error["retry_after"]) == (True, 1.0)
        assert "Retry-After: 1" in head
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        await served.until_streams(0)


MALFORMED = [
    (b"", KIND),
    (b"no parts at all", KIND),
    (part("audio", FILE)[:200], KIND),
    (part("audio", FILE), KIND),  # no end
    (b"--" + BOUNDARY.encode() + b"\r\nNo-Disposition: 1\r\n\r\nx\r\n" + END, KIND),
    (b"--" + BOUNDARY.encode() + b"\r\nbroken header\r\n\r\nx\r\n" + END, KIND),
    (b"--" + BOUNDARY.encode() + b"\r\n" + b"A: b\r\n" * 500 + b"\r\nx\r\n" + END, KIND),
    (b"--" + BOUNDARY.encode() + b"\r\nX: " + b"y" * 100_000 + b"\r\n\r\nx\r\n" + END, KIND),
    (b"x" * 1_000_000, KIND),
    (part("_charset_", b"no such charset") + part("audio", b"x") + END, KIND),
    (
        b"--" + BOUNDARY.encode() + b'\r\nContent-Disposition: form-data; name="audio"\r\n'
        b"Content-Type: multipart/mixed; boundary=inner\r\n\r\n--inner--\r\n" + END,
        KIND,
    ),
    (part("model", b"\xff\xfe") + END, KIND),
    (part("", FILE) + END, KIND),
    (part("audio", FILE) + END, "multipart/form-data"),
    (part("audio", FILE) + END, "multipart/form-data; boundary=" + "x" * 71),
    (part("audio", FILE) + END, "multipart/form-data; boundary="),
    (part("audio", FILE) + END, "multipart/mixed; boundary=" + BOUNDARY),
    (FILE, "audio/wav"),
    (b"{}", "application/json"),
    (b"", "nonsense"),
]


async def test_what_is_no_form_is_refused() -> None:
    async with api_with(Limits()) as api:
        for body, kind in MALFORMED:
            async with connection(api) as (reader, writer):
                writer.write(request(f"Content-Length: {len(body)}", kind=kind) + body)
                status, _, error = await answer(reader)
                assert (status, error["code"]) == (400, "INVALID_CONFIG"), (kind, body[:60])


async def test_a_compressed_body_is_counted_as_it_unfolds() -> None:
    bomb = zlib.compress(part("audio", bytes(64 * MIB), "a.wav") + END)
    async with api_with(Limits()) as api, connection(api) as (reader, writer):
        head = (f"Content-Length: {len(bomb)}", "Content-Encoding: deflate")
        writer.write(request(*head) + bomb)
        status, _, error = await answer(reader)
        assert (status, error["code"]) == (413, "MESSAGE_TOO_LARGE")
    async with api_with(Limits()) as api, connection(api) as (reader, writer):
        writer.write(request("Content-Length: 9", "Content-Encoding: gzip") + b"not gzip!")
        assert (await answer(reader))[0] == 400


async def test_a_full_disk_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    full = functools.partial(open, "/dev/full", "r+b")
    async with api_with(Limits()) as api:
        monkeypatch.setattr(uploads, "TemporaryFile", full)
        told = await api.post("/transcribe", form(FILE))
        assert (told.status, told.json["error"]["retryable"]) == (429, True)
        assert "no room" in told.json["error"]["message"]


async def test_a_client_that_leaves_while_it_sends_leaves_nothing() -> None:
    async with api_with(Limits(max_uploads=1)) as api:
        for _ in range(3):
            async with connection(api) as (_, writer):
                writer.write(request("Content-Length: 100000") + part("audio", bytes(70_000)))
                await writer.drain()
                await asyncio.sleep(0.05)
        async with asyncio.timeout(PATIENCE):  # its room is given back by a thread
            while (answered := await api.post("/transcribe", form(FILE))).status == 429:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        assert answered.status == 200
