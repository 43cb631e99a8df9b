"""`sori bridge`: a process without a model in front of one that has it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType
from sori_server import __version__
from support.command_line import WAIT, Serving, end, next_line, running, sori
from support.recordings import read_recording

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

MID_UTTERANCE = 3.3
"""Seconds of `digits_human`: within the third or fourth digit, before any endpoint."""
CONFIG = {
    "type": "config",
    "interim_results": True,
    "recognition": {"audio_format": {"encoding": "linear16", "sample_rate_hertz": 16_000}},
}


def speech(seconds: float | None = None) -> bytes:
    samples = read_recording("digits_human").samples
    wanted = samples[: None if seconds is None else round(seconds * 16_000)]
    return (wanted * 32_767).astype(np.dtype("<i2")).tobytes()


@contextlib.contextmanager
def bridging(upstream: str, **environ: str) -> Iterator[Serving]:
    """A bridge on a free port."""
    flags = ("--upstream", upstream, "--bridge-port", "0", "--json")
    with running("bridge", *flags, **environ) as process:
        yield Serving(process, json.loads(next_line(process)))


@pytest.fixture(scope="module")
def bridge(server: Serving) -> Iterator[Serving]:
    with bridging(server.address) as bridge:
        yield bridge


def url(bridge: Serving, path: str) -> str:
    return f"http://127.0.0.1:{bridge.ready['bridge_port']}{path}"


@dataclass
class Page:
    """A WebSocket client that sends and then listens, and keeps all it hears."""

    socket: ClientWebSocketResponse
    events: list[dict[str, Any]]

    async def start(self) -> None:
        await self.socket.send_json(CONFIG)

    async def audio(self, data: bytes) -> None:
        for start in range(0, len(data), 6_400):
            await self.socket.send_bytes(data[start : start + 6_400])

    async def until(self, kind: str) -> dict[str, Any]:
        """The next event of a kind."""
        async with asyncio.timeout(WAIT):
            while True:
                self.events.append(await self.socket.receive_json())
                if self.events[-1]["type"] == kind:
                    return self.events[-1]

    async def until_closed(self) -> int | None:
        """The close code."""
        async with asyncio.timeout(WAIT):
            async for message in self.socket:
                assert message.type is WSMsgType.TEXT
                self.events.append(json.loads(message.data))
        return self.socket.close_code

    @property
    def finals(self) -> str:
        """Everything that was said, as words in lower case."""
        results = [event for event in self.events if event["type"] == "result"]
        texts = [e["alternatives"][0]["committed_text"] for e in results if e["is_final"]]
        return " ".join(texts).lower()


@contextlib.asynccontextmanager
async def connected(bridge: Serving) -> AsyncIterator[Page]:
    async with (
        ClientSession() as session,
        session.ws_connect(url(bridge, "/v1/stream"), max_msg_size=0) as socket,
    ):
        yield Page(socket, [])


async def status_of(bridge: Serving, path: str) -> int:
    async with ClientSession() as session, session.get(url(bridge, path)) as answer:
        return answer.status


async def until_status(bridge: Serving, path: str, status: int) -> None:
    async with asyncio.timeout(WAIT):
        while await status_of(bridge, path) != status:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


def test_says_on_one_line_that_it_is_ready(server: Serving, bridge: Serving) -> None:
    assert bridge.ready == {
        "event": "ready",
        "bridge_port": bridge.ready["bridge_port"],
        "upstream": server.address,
        "version": __version__,
    }


async def test_a_stream_is_recognized_elsewhere(bridge: Serving) -> None:
    async with connected(bridge) as page:
        await page.start()
        await page.audio(speech())
        await page.socket.send_json({"type": "end_of_audio", "total_bytes": len(speech())})
        assert await page.until_closed() == 1000
    assert page.events[0]["type"] == "session_started"
    assert page.events[0]["model"]["name"] == "mini"
    assert page.events[-1]["type"] == "session_summary"
    assert [event["sequence"] for event in page.events] == list(range(1, len(page.events) + 1))
    assert page.finals.startswith("four seven zero")


async def test_it_is_ready_when_its_server_is(bridge: Serving) -> None:
    await until_status(bridge, "/readyz", 200)
    assert await status_of(bridge, "/healthz") == 200
    assert await status_of(bridge, "/v1/models") == 200


async def test_sigterm_sends_the_last_words_and_exits_0(server: Serving) -> None:
    with bridging(server.address, SORI_LIMITS_DRAIN_GRACE="0.3") as bridge:
        async with connected(bridge) as page:
            await page.start()
            await page.audio(speech(MID_UTTERANCE))
            while "seven" not in str((await page.until("result"))["alternatives"]):
                pass
            bridge.process.send_signal(signal.SIGTERM)
            assert await page.until_closed() == 1012
        ended = await asyncio.to_thread(end, bridge.process)
    kinds = [event["type"] for event in page.events]
    assert "go_away" in kinds
    assert kinds[-1] == "error"
    assert page.events[-1]["code"] == "SERVER_DRAINING"
    assert page.events[-1]["retryable"] is True
    assert page.finals.split()[:3] == ["four", "seven", "zero"]
    numbers = [event["sequence"] for event in page.events[:-1]]
    assert numbers == list(range(1, len(numbers) + 1))
    assert (ended.code, ended.out) == (0, "")
    assert "zero" not in ended.err
    assert "Traceback" not in ended.err


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def test_without_its_server_it_says_so_and_ctrl_c_exits_130() -> None:
    address = f"127.0.0.1:{free_port()}"
    with bridging(address) as bridge:
        assert await status_of(bridge, "/healthz") == 200
        assert await status_of(bridge, "/readyz") == 503
        assert await status_of(bridge, "/v1/models") == 503
        async with connected(bridge) as page:
            await page.start()
            assert await page.until_closed() == 1013
        bridge.process.send_signal(signal.SIGINT)
        ended = await asyncio.to_thread(end, bridge.process)
    (error,) = page.events
    assert (error["type"], error["code"]) == ("error", "UPSTREAM_UNAVAILABLE")
    assert error["retryable"] is True
    assert error["retry_after"] == 1.0
    assert address not in str(error)
    assert ended.code == 130
    assert "Traceback" not in ended.err


def test_the_banner_tells_where_to_go(server: Serving) -> None:
    with running("bridge", "-u", server.address, "--bridge-port", "0") as process:
        banner = ""
        while "Ctrl-C stops" not in banner:
            banner += next_line(process)
        process.send_signal(signal.SIGTERM)
        ended = end(process)
    assert server.address in banner
    assert "http://127.0.0.1:" in banner
    assert ended.code == 0


@pytest.mark.parametrize("address", ["nowhere", "http://here:50051", "here:", ""])
def test_what_is_no_address(address: str) -> None:
    ended = sori("bridge", "--upstream", address)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == f"error: upstream: {address!r} is not HOST:PORT\n"


def test_a_port_that_is_taken(server: Serving, bridge: Serving) -> None:
    port = str(bridge.ready["bridge_port"])
    ended = sori("bridge", "--upstream", server.address, "--bridge-port", port)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == (
        f"error: cannot listen on 127.0.0.1:{port}: the port is taken or the host is not local\n"
    )
