"""The examples, run as a user would run them, against a server with the bundled model."""

from __future__ import annotations

import asyncio
import functools
import json
import os
import shutil
import struct
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
from playwright.async_api import async_playwright
from sori_server.evaluation.texts import normalised
from support.chaos_proxy import proxied
from support.live_page import (
    CHROMIUM,
    chromium,
    free_port,
    microphone_file,
    page_server,
    write_wave,
)
from support.recordings import Recording, read_recording

CLIENTS = Path(__file__).parents[2] / "clients"
EXAMPLES = CLIENTS / "examples"
CUT = 6.8
"""Seconds of the recording that are used, two utterances."""
PATIENCE = 60.0

pytestmark = [
    pytest.mark.clients,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(600),
]


def needs(*programs: str) -> pytest.MarkDecorator:
    missing = [program for program in programs if shutil.which(program) is None]
    return pytest.mark.skipif(bool(missing), reason=f"needs {' and '.join(missing)}")


@functools.cache
def spoken() -> Recording:
    whole = read_recording("ko_dialog")
    heard = tuple(utterance for utterance in whole.utterances if utterance.end < CUT)
    return Recording(whole.name, whole.samples[: round(CUT * 16_000)], heard)


def said() -> str:
    return words(" ".join(utterance.text for utterance in spoken().utterances))


def words(text: str) -> str:
    return normalised(text, "ko")


@dataclass(frozen=True)
class Bridge:
    """A server's bridge, and the recording as a file."""

    port: int
    wav: Path

    @property
    def plain(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    @property
    def v1(self) -> str:
        return f"{self.plain}/v1/stream"

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bridge(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bridge]:
    wav = write_wave(spoken().samples, 16_000, tmp_path_factory.mktemp("examples") / "speech.wav")
    port = free_port()
    async with page_server(port):
        yield Bridge(port, wav)


async def printed(*command: str | Path) -> str:
    """What a program prints, having ended well."""
    process = await asyncio.create_subprocess_exec(
        *map(str, command), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        async with asyncio.timeout(PATIENCE):
            output, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, errors.decode()
    return output.decode()


# --------------------------------------------------------------------------------- Python


async def test_python_polls_for_answers_after_each_block(bridge: Bridge) -> None:
    text = await printed(sys.executable, EXAMPLES / "plain_microphone.py", bridge.wav, bridge.plain)
    assert words(text) == said()


async def test_python_reads_the_last_words_after_it_closed(bridge: Bridge) -> None:
    text = await printed(sys.executable, EXAMPLES / "plain_close.py", bridge.wav, bridge.plain)
    assert words(text) == said()


async def test_python_shows_the_times_of_protocol_v1(bridge: Bridge) -> None:
    text = await printed(sys.executable, EXAMPLES / "v1_stream.py", bridge.wav, bridge.v1)
    starts, texts = zip(*(line.split(" s  ") for line in text.splitlines()), strict=True)
    assert words(" ".join(texts)) == said()
    expected = [utterance.start for utterance in spoken().utterances]
    assert [float(start) for start in starts] == pytest.approx(expected, abs=0.5)


# -------------------------------------------------------------------------------- browser


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """The examples as a site of this machine, but not of the server."""
    handler = functools.partial(_Quiet, directory=EXAMPLES)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.mark.skipif(not CHROMIUM, reason="needs chromium")
async def test_a_page_of_ones_own_shows_what_its_microphone_hears(
    bridge: Bridge, elsewhere: str, tmp_path: Path
) -> None:
    microphone = microphone_file(spoken(), tmp_path / "microphone.wav")
    async with async_playwright() as playwright, chromium(playwright, microphone) as browser:
        page = await browser.new_page(permissions=["microphone"])
        await page.goto(f"{elsewhere}/browser.html?url={bridge.plain}")
        await page.click("#start")
        await page.wait_for_function("document.getElementById('interim').textContent")
        await page.wait_for_timeout(1000 * (spoken().utterances[-1].end - 0.5))
        await page.click("#stop")  # within the last words, or soon after
        await page.wait_for_selector("#start:not([disabled])", timeout=1000 * PATIENCE)
        assert words(await page.inner_text("#finals")) == said()


# ---------------------------------------------------------------------------------- shell


@needs("ffmpeg", "websocat")
async def test_websocat_gets_the_last_words_after_the_end_of_its_input(bridge: Bridge) -> None:
    decoder, rest, finals = json.JSONDecoder(), "", []
    rest = await printed(EXAMPLES / "websocat.sh", bridge.wav, bridge.plain)
    while rest:
        answer, end = decoder.raw_decode(rest)
        finals += [answer["text"]] if answer["is_final"] else []
        rest = rest[end:].lstrip()
    assert words(" ".join(finals)) == said()


@needs("curl")
async def test_curl_gets_text_of_files(bridge: Bridge) -> None:
    answer, rest = (await printed(EXAMPLES / "curl.sh", bridge.wav, bridge.http)).split("\n", 1)
    assert words(json.loads(answer)["text"]) == said()
    assert "00:00:0" in rest


async def test_a_close_frame_right_after_the_audio_is_answered_after_the_last_words(
    bridge: Bridge,
) -> None:
    """What websocat sends, byte by byte, from a client that knows nothing else."""
    reader, writer = await asyncio.open_connection("127.0.0.1", bridge.port)
    writer.write(
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    assert b" 101 " in (await reader.readuntil(b"\r\n\r\n")).splitlines()[0]
    writer.write(frame(2, spoken().samples.astype("<f4").tobytes()))
    writer.write(frame(8, struct.pack("!H", 1000)))
    finals = []
    async with asyncio.timeout(PATIENCE):
        while (received := await next_frame(reader))[0] != 8:
            answer = json.loads(received[1])
            finals += [answer["text"]] if answer["is_final"] else []
        assert received[1][:2] == struct.pack("!H", 1000)
        assert await reader.read() == b""
    writer.close()
    assert words(" ".join(finals)) == said()


def frame(opcode: int, payload: bytes) -> bytes:
    """A whole message from a client, its mask made of zeros."""
    size = len(payload)
    length = struct.pack("!B", 0x80 | size) if size < 126 else struct.pack("!BQ", 0x80 | 127, size)
    return bytes([0x80 | opcode]) + length + bytes(4) + payload


async def next_frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """The opcode and the payload of a frame from the server."""
    first, size = await reader.readexactly(2)
    if size == 126:
        (size,) = struct.unpack("!H", await reader.readexactly(2))
    elif size == 127:
        (size,) = struct.unpack("!Q", await reader.readexactly(8))
    return first & 0x0F, await reader.readexactly(size)


# ------------------------------------------------------------------------ Kotlin and Swift


@pytest.fixture(scope="module")
def kotlin() -> tuple[str, ...]:
    """The command of the Kotlin example, compiled."""
    maven = (shutil.which("mvn") or "mvn", "-B", "-q", "-f", str(CLIENTS / "kotlin"))
    built = subprocess.run(
        [*maven, "compile", "dependency:build-classpath", "-Dmdep.outputFile=target/classpath"],
        check=False,
        capture_output=True,
        text=True,
    )
    if built.returncode and "could not" in built.stdout.lower() and ".kt:" not in built.stdout:
        pytest.skip(f"its libraries cannot be had here: {built.stdout.strip()[-200:]}")
    assert built.returncode == 0, built.stdout
    target = CLIENTS / "kotlin" / "target"
    libraries = (target / "classpath").read_text()
    path = os.pathsep.join([str(target / "classes"), libraries])
    return ("java", "-cp", path, "io.github.sori.MainKt")


@needs("mvn", "java")
async def test_kotlin_reads_the_last_words_after_it_closed(
    bridge: Bridge, kotlin: tuple[str, ...]
) -> None:
    assert words(await printed(*kotlin, bridge.plain, bridge.wav)) == said()


@needs("mvn", "java")
@pytest.mark.parametrize("path", ["", "/v1/stream"])
async def test_kotlin_loses_no_word_with_its_connection(
    bridge: Bridge, kotlin: tuple[str, ...], path: str
) -> None:
    middle = np.mean([spoken().utterances[-1].start, spoken().utterances[-1].end])
    async with proxied(bridge.port) as (proxy, port):
        running = asyncio.create_task(printed(*kotlin, f"ws://127.0.0.1:{port}{path}", bridge.wav))
        await asyncio.sleep(float(middle) + 0.5)
        proxy.cut()
        assert words(await running) == said()


@needs("swift")
def test_swift_compiles() -> None:
    package = ["swift", "build", "--package-path", str(CLIENTS / "swift")]
    built = subprocess.run(package, check=False, capture_output=True, text=True)
    assert built.returncode == 0, built.stdout + built.stderr
