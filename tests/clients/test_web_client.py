"""The web client under Node: its types, its own tests, and real speech through a real server."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import signal
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import grpc
import numpy as np
import pytest
from sori.v1 import speech_pb2 as pb
from support.chaos_proxy import ChaosProxy, proxied
from support.command_line import Serving, serving
from support.raw_client import Stream, config_of
from support.recordings import read_recording

PACKAGE = Path(__file__).parents[2] / "clients" / "web"
NODE, NPM = shutil.which("node"), shutil.which("npm")
TOOLS = ("typescript", "ws")
PATIENCE = 120
"""Seconds a run of Node may take on a busy machine."""

SECRET = "what servers have in common that go on with each other's sessions"  # noqa: S105
SHARED = {"SORI_RESUME_SECRET": SECRET}
CONFIG = {"recognition": {"language_codes": ["en"], "features": {"word_time_offsets": True}}}

pytestmark = [
    pytest.mark.clients,
    pytest.mark.timeout(300),
    pytest.mark.skipif(NODE is None or NPM is None, reason="needs node and npm"),
]


@pytest.fixture(scope="module")
def package() -> Path:
    """With what it is developed with, which is kept in the checkout."""
    wanted = json.loads((PACKAGE / "package.json").read_text())["devDependencies"]
    if any(_installed(name) != wanted[name] for name in TOOLS):
        command = [str(NPM), "install", "--no-package-lock", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=PACKAGE, check=False, capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"npm cannot install here: {done.stderr.strip()[-200:]}")
    return PACKAGE


def _installed(name: str) -> str | None:
    described = PACKAGE / "node_modules" / name / "package.json"
    return json.loads(described.read_text())["version"] if described.exists() else None


@pytest.fixture(scope="module")
def pcm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundled recording as raw 16-bit samples."""
    samples = read_recording("en_dialog").samples
    path = tmp_path_factory.mktemp("audio") / "en_dialog.pcm"
    path.write_bytes(np.round(samples * 32_767).astype("<i2").tobytes())
    return path


def assert_passes(*command: str) -> None:
    done = subprocess.run(
        command, cwd=PACKAGE, check=False, capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]


def test_types_hold(package: Path) -> None:
    assert_passes(str(package / "node_modules" / ".bin" / "tsc"), "--project", "tsconfig.json")


def test_its_own_tests_pass(package: Path) -> None:
    tests = sorted(str(path) for path in (package / "test").glob("*.test.js"))
    assert_passes(str(NODE), "--test", *tests)


def test_finals_are_those_of_grpc(package: Path, pcm: Path) -> None:
    with serving() as server, streaming(port_of(server), package, pcm, 0) as client:
        events = [json.loads(line) for line in client.communicate(timeout=PATIENCE)[0].splitlines()]
        assert client.returncode == 0
        assert finals(events) == asyncio.run(finals_of_grpc(server, pcm.read_bytes()))
    assert summary(events)["session_count"] == 1


def test_a_line_that_is_cut_again_and_again_costs_neither_session_nor_word(
    package: Path, pcm: Path
) -> None:
    async def cut(proxy: ChaosProxy) -> None:
        for _ in range(7):
            await proxy.until_lines(1)
            await asyncio.sleep(0.6)
            proxy.cut()

    with serving() as server:
        expected = asyncio.run(finals_of_grpc(server, pcm.read_bytes()))
        events = asyncio.run(heard_through(port_of(server), package, pcm, cut))
    assert states(events).count("reconnecting") >= 4
    assert summary(events)["session_count"] == 1
    assert finals(events) == expected


def test_a_server_that_leaves_is_left_for_one_that_stays(package: Path, pcm: Path) -> None:
    with serving(**SHARED) as leaving, serving(**SHARED) as staying:

        async def leave(proxy: ChaosProxy) -> None:
            await proxy.until_lines(1)
            await asyncio.sleep(1.5)
            proxy.upstream = port_of(staying)
            leaving.process.send_signal(signal.SIGTERM)

        expected = asyncio.run(finals_of_grpc(staying, pcm.read_bytes()))
        events = asyncio.run(heard_through(port_of(leaving), package, pcm, leave))
        assert leaving.process.wait(PATIENCE) == 0
    assert states(events) == ["connecting", "open", "reconnecting", "open", "ending", "closed"]
    assert summary(events)["session_count"] == 1
    assert_same(finals(events), expected)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("secret", ["", SECRET], ids=["own", "shared"])
def test_a_server_that_comes_back_has_cost_no_word(
    package: Path, pcm: Path, how: signal.Signals, secret: str
) -> None:
    settings = {"SORI_RESUME_SECRET": secret} if secret else {}
    with contextlib.ExitStack() as stack:
        first = stack.enter_context(serving(SORI_LIMITS_DRAIN_GRACE="0.1", **settings))
        expected = asyncio.run(finals_of_grpc(first, pcm.read_bytes()))
        client = stack.enter_context(streaming(port_of(first), package, pcm, 3))
        assert client.stdout is not None
        events = []
        for line in client.stdout:
            events.append(json.loads(line))
            if finals(events):
                break
        first.process.send_signal(how)
        first.process.wait(PATIENCE)
        stack.enter_context(serving(SORI_BRIDGE_PORT=str(port_of(first)), **settings))
        rest, _ = client.communicate(timeout=PATIENCE)
        events += [json.loads(line) for line in rest.splitlines()]
        assert client.returncode == 0
    assert "reconnecting" in states(events)
    assert summary(events)["session_count"] == (1 if secret else 2)
    assert_same(finals(events), expected)


def assert_same(found: list[dict[str, object]], expected: list[dict[str, object]]) -> None:
    """The same words in the same utterances; where one begins may differ by a little."""
    assert words(found) == words(expected)
    assert [final["index"] for final in found] == list(range(len(expected)))
    for one, wanted in zip(found, expected, strict=True):
        assert one["start"] == pytest.approx(wanted["start"], abs=0.1)
        assert one["end"] == pytest.approx(wanted["end"], abs=0.1)


async def heard_through(
    port: int, package: Path, pcm: Path, fail: Callable[[ChaosProxy], Awaitable[None]]
) -> list[dict[str, dict]]:
    """What the client says whose line to `port` fails as `fail` has it."""
    async with proxied(port) as (proxy, front):
        with streaming(front, package, pcm, 3) as client:
            failing = asyncio.ensure_future(fail(proxy))
            out, _ = await asyncio.to_thread(client.communicate, timeout=PATIENCE)
            failing.cancel()
    assert client.returncode == 0, out[-2000:]
    return [json.loads(line) for line in out.splitlines()]


def port_of(server: Serving) -> int:
    """Where its bridge listens."""
    return int(str(server.ready["bridge_port"]))


@contextlib.contextmanager
def streaming(port: int, package: Path, pcm: Path, speed: int) -> Iterator[subprocess.Popen[str]]:
    """The client under Node, which speaks the recording; nothing is left of it."""
    script = package / "test" / "end-to-end" / "stream-file.js"
    url = f"http://127.0.0.1:{port}/v1/stream"
    command = [str(NODE), str(script), url, str(pcm), str(speed), json.dumps(CONFIG)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def finals(events: list[dict[str, dict]]) -> list[dict[str, object]]:
    """The final results of the client."""
    results = [event["detail"] for event in events if event["name"] == "result"]
    return [
        {
            "index": result["utterance_index"],
            "start": result["start_offset"],
            "end": result["end_offset"],
            "text": result["alternatives"][0]["committed_text"],
            "words": [word["word"] for word in result["alternatives"][0]["words"]],
        }
        for result in results
        if result["is_final"]
    ]


async def finals_of_grpc(server: Serving, audio: bytes) -> list[dict[str, object]]:
    """The same from the other door."""
    features = pb.RecognitionFeatures(word_time_offsets=True)
    config = config_of(language_codes=["en"], features=features)
    async with Stream(grpc.aio.insecure_channel(server.address)) as stream:
        await stream.send(config=config)
        await stream.audio(audio, chunk=32_000)
        await stream.end_of_audio()
        await stream.ended()
        results = [response.result for response in stream.responses if response.result.is_final]
    return [
        {
            "index": result.utterance_index,
            "start": result.start_offset.ToMicroseconds() / 1e6,
            "end": result.end_offset.ToMicroseconds() / 1e6,
            "text": result.alternatives[0].committed_text,
            "words": [word.word for word in result.alternatives[0].words],
        }
        for result in results
    ]


def states(events: list[dict[str, dict]]) -> list[str]:
    """The states the client went through."""
    return [event["detail"]["state"] for event in events if event["name"] == "statechange"]


def summary(events: list[dict[str, dict]]) -> dict[str, object]:
    (found,) = [event["detail"] for event in events if event["name"] == "summary"]
    return found


def words(results: list[dict[str, object]]) -> list[object]:
    return [result["words"] for result in results]
