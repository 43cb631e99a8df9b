"""The HTTP API of a server under test, and files to post to it."""

from __future__ import annotations

import asyncio
import io
import threading
import wave
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import aiohttp
from support.raw_client import PATIENCE
from support.speech_server import Served, serving
from support.word_audio import Audio, linear16


def wav(audio: Audio) -> bytes:
    """Samples at 16 kHz as a WAV file."""
    target = io.BytesIO()
    with wave.open(target, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(linear16(audio))
    return target.getvalue()


def form(file: bytes | None, field: str = "audio", **fields: str | list[str]) -> aiohttp.FormData:
    """A form with a file."""
    data = aiohttp.FormData(default_to_multipart=True)
    for name, values in fields.items():
        for value in [values] if isinstance(values, str) else values:
            data.add_field(name, value)
    if file is not None:
        data.add_field(
            field, io.BytesIO(file), filename="recording", content_type="application/octet-stream"
        )
    return data


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Any
    text: str
    json: Any


@dataclass(frozen=True)
class HttpApi:
    """An API that answers at `url`."""

    url: str
    port: int
    session: aiohttp.ClientSession

    async def post(self, path: str, data: object) -> Answer:
        """The answer to a form."""
        async with self.session.post(self.url + path, data=data) as response:
            return await _answer(response)

    async def get(self, path: str) -> Answer:
        """The answer to a question."""
        async with self.session.get(self.url + path) as response:
            return await _answer(response)


async def _answer(response: aiohttp.ClientResponse) -> Answer:
    text = await response.text()
    json = await response.json() if response.content_type == "application/json" else None
    return Answer(response.status, response.headers, text, json)


@asynccontextmanager
async def nothing_left() -> AsyncIterator[None]:
    """No file without a name that is opened meanwhile is open soon after."""
    before = unnamed_files()
    yield
    async with asyncio.timeout(PATIENCE):
        while unnamed_files() - before:  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def unnamed_files() -> set[str]:
    """The temporary files of this process that have no name (any more)."""
    found = set()
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            target = str(descriptor.readlink())
            if target.endswith("(deleted)") and target.startswith(gettempdir()):
                found.add(target)
    return found


@asynccontextmanager
async def http_api(served: Served) -> AsyncIterator[HttpApi]:
    """The API of a server."""
    port = served.server.bridge_port
    async with aiohttp.ClientSession() as session:
        yield HttpApi(f"http://127.0.0.1:{port}", port, session)


@contextmanager
def api_in_thread() -> Iterator[HttpApi]:
    """The API of a server with the fake model, for clients that block."""
    loop = asyncio.new_event_loop()
    running = threading.Thread(target=loop.run_forever)
    running.start()
    opened, closing = Future[HttpApi](), asyncio.Event()

    async def serve() -> None:
        async with serving() as served, http_api(served) as api:
            opened.set_result(api)
            await closing.wait()

    served = asyncio.run_coroutine_threadsafe(serve(), loop)
    try:
        served.add_done_callback(lambda _: opened.cancel())
        yield opened.result(timeout=PATIENCE)
    finally:
        loop.call_soon_threadsafe(closing.set)
        served.result(timeout=PATIENCE)
        loop.call_soon_threadsafe(loop.stop)
        running.join()
        loop.close()
