"""`sori serve`: ready line, signals, and what it says when it cannot serve."""

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import time
import urllib.request
from collections.abc import AsyncGenerator
from pathlib import Path

import numpy as np
import pytest
from sori_client import (
    Bytes,
    Client,
    Event,
    GoAway,
    RecognitionStream,
    Result,
    StreamConfig,
    Unavailable,
)
from sori_client.types import AudioFormat
from sori_server import __version__
from support.command_line import WAIT, Serving, end, next_line, running, serving, sori
from support.recordings import read_recording

pytestmark = pytest.mark.integration

MID_UTTERANCE = 3.3
"""Seconds of `digits_human`: within the third or fourth digit, before any endpoint."""


def speech() -> bytes:
    samples = read_recording("digits_human").samples[: round(MID_UTTERANCE * 16_000)]
    return (samples * 32_767).astype(np.dtype("<i2")).tobytes()


async def unfinished() -> AsyncGenerator[bytes, None]:
    """Speech of which more is to come."""
    yield speech()
    await asyncio.sleep(60)


async def events_while_told_to_leave(server: Serving) -> list[Event]:
    """What a client hears whose server gets SIGTERM in the middle of an utterance."""
    events: list[Event] = []
    source, config = Bytes(unfinished(), AudioFormat()), StreamConfig(interim_results=True)
    async with (
        Client(server.address, resume=None) as client,
        client.stream(source, config) as stream,
    ):
        while not (isinstance(event := await stream.receive(), Result) and "seven" in event.text):
            assert event is not None
            events.append(event)
        server.process.send_signal(signal.SIGTERM)
        with pytest.raises(Unavailable, match="SERVER_DRAINING"):
            await collect(stream, events)
    return events


async def collect(stream: RecognitionStream, events: list[Event]) -> None:
    while event := await stream.receive():
        events.append(event)


def test_says_on_one_line_that_it_is_ready(server: Serving) -> None:
    port = server.ready["grpc_port"]
    assert server.ready == {
        "event": "ready",
        "grpc_port": port,
        "bridge_port": server.ready["bridge_port"],
        "model": "mini",
        "interim_model": "",
        "device": "cpu",
        "version": __version__,
    }
    assert isinstance(port, int)
    assert port > 0


async def test_sigterm_flushes_the_final_of_an_open_stream_and_exits_0() -> None:
    with serving(SORI_LIMITS_DRAIN_GRACE="0.3") as server:
        events = await events_while_told_to_leave(server)
        ended = end(server.process)
    assert any(isinstance(event, GoAway) for event in events)
    (final,) = [event for event in events if isinstance(event, Result) and event.is_final]
    assert final.text.lower().split()[:3] == ["four", "seven", "zero"]
    assert ended.code == 0
    assert ended.out == ""
    assert "zero" not in ended.err
    assert "Traceback" not in ended.err


async def test_a_second_sigterm_ends_it_at_once() -> None:
    with serving(SORI_LIMITS_DRAIN_GRACE="30") as server:
        async with Client(server.address) as client:
            source = Bytes(unfinished(), AudioFormat())
            async with client.stream(source) as stream:
                await stream.receive()
                server.process.send_signal(signal.SIGTERM)
                await asyncio.sleep(2.0)
                assert server.process.poll() is None
                told = time.monotonic()
                server.process.send_signal(signal.SIGTERM)
                ended = await asyncio.to_thread(end, server.process)
    assert time.monotonic() - told < 15
    assert ended.code == 143
    assert "Traceback" not in ended.err


def test_the_banner_suggests_what_works_and_ctrl_c_exits_130() -> None:
    with running("serve", "--model", "mini", "--grpc-port", "0", "--log-level", "error") as process:
        banner = ""
        while "Ctrl-C stops" not in banner:
            banner += next_line(process)
        commands = [line.strip() for line in banner.splitlines() if "127.0.0.1:" in line][2:]
        (page,) = re.findall(r"Speak on (http://127\.0\.0\.1:\d+/)", banner)
        assert b"<title>Sori</title>" in urllib.request.urlopen(page, timeout=WAIT).read()  # noqa: S310
        stream = [*commands[0].split(), "--fast", "--no-interim"]
        heard = subprocess.run(stream, capture_output=True, timeout=WAIT, check=True)
        process.send_signal(signal.SIGINT)
        ended = end(process)
    assert b"First money" in heard.stdout
    assert len(commands) == 3
    assert commands[1].startswith("grpcurl -plaintext 127.0.0.1:")
    assert (ended.code, ended.err) == (130, "")


def test_ctrl_c_while_the_model_loads_exits_130() -> None:
    with running("serve", "--json", "--model", "mini", "--grpc-port", "0") as process:
        until_caught(process.pid, signal.SIGTERM)
        process.send_signal(signal.SIGINT)
        ended = end(process)
    assert ended.code == 130
    assert "Traceback" not in ended.err


def until_caught(pid: int, number: int) -> None:
    """Wait until a process has a handler for a signal: before that, it is being imported."""
    deadline = time.monotonic() + WAIT
    while True:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
        caught = re.search(r"SigCgt:\s*([0-9a-f]+)", status)
        if caught and int(caught[1], 16) >> (number - 1) & 1:
            return
        assert time.monotonic() < deadline
        time.sleep(0.01)


async def test_leaves_with_1_when_the_engine_has_given_up() -> None:
    limits = {"SORI_LIMITS_MAX_WORKER_RESTARTS": "1", "SORI_LIMITS_DRAIN_GRACE": "0.3"}
    with serving(**limits) as server:
        async with Client(server.address, resume=None) as client:
            source = Bytes(unfinished(), AudioFormat())
            async with client.stream(source, StreamConfig(interim_results=True)) as stream:
                await stream.receive()
                killing = asyncio.create_task(asyncio.to_thread(kill_workers, server.process))
                with pytest.raises(Unavailable, match=r"ENGINE_UNAVAILABLE|SERVER_DRAINING"):
                    await collect(stream, [])
        ended = await asyncio.to_thread(end, server.process)
        await killing
    assert ended.code == 1
    assert ended.err.count("the engine gives up: the worker died") == 1
    assert ended.err.count("leaving: ") == 1
    assert "Traceback" not in ended.err


def kill_workers(server: subprocess.Popen[bytes]) -> None:
    """Kill every worker a server starts, until it leaves."""
    while server.poll() is None:
        for pid in workers(server.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


def workers(pid: int) -> list[int]:
    """Children of a process that `multiprocessing` spawned."""
    children: list[int] = []
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            children += map(int, (thread / "children").read_text().split())
        return [
            child
            for child in children
            if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()
        ]
    return []


def test_a_model_that_cannot_be_had() -> None:
    ended = sori("serve", "--model", "small", HF_HUB_OFFLINE="1", HF_HOME="nowhere")
    assert ended.code == 2
    assert ended.out == ""
    assert ended.err.startswith("error: model 'small' cannot be had: ")
    assert ended.err.count("\n") == 1
    assert "sori models download small" in ended.err
    assert "--model mini" in ended.err


def test_a_port_that_is_taken(server: Serving) -> None:
    port = str(server.ready["grpc_port"])
    ended = sori("serve", "--model", "mini", "--grpc-port", port)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(f"error: cannot listen on 127.0.0.1:{port}")
    assert ended.err.count("\n") == 1


def test_a_wrong_setting_is_named() -> None:
    ended = sori("serve", SORI_LIMITS_MAX_STREAMS="none")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("error: limits.max_streams: environment variable SORI_LIMITS")
    assert ended.err.count("\n") == 1
