"""grpcurl against a real server: reflection is enough to list, describe and recognize."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
from support.recordings import read_recording
from support.speech_server import Served, serving_mini

VERSION = "v1.9.3"
GO = shutil.which("go")
CACHE = Path(__file__).parents[2] / ".cache" / "go"
GRPCURL = CACHE / VERSION / "grpcurl"

pytestmark = [
    pytest.mark.clients,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(600),
    pytest.mark.skipif(GO is None and not GRPCURL.exists(), reason="needs go, to build grpcurl"),
]


@pytest.fixture(scope="module")
def grpcurl() -> Path:
    """Built once, and kept in the cache folder of the checkout."""
    if not GRPCURL.exists():
        built = subprocess.run(
            [GO or "go", "install", f"github.com/fullstorydev/grpcurl/cmd/grpcurl@{VERSION}"],
            env={**os.environ, "GOBIN": str(GRPCURL.parent), "GOFLAGS": "-mod=mod"},
            check=False,
            capture_output=True,
            text=True,
        )
        if built.returncode:
            pytest.skip(f"grpcurl cannot be built here: {built.stderr.strip()[-200:]}")
    return GRPCURL


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served() -> AsyncIterator[Served]:
    async with serving_mini() as served:
        yield served


async def run(grpcurl: Path, served: Served, *arguments: str, stdin: str = "") -> str:
    """What grpcurl prints, having ended well."""
    flags = [argument for argument in arguments if argument.startswith("-")]
    names = [argument for argument in arguments if not argument.startswith("-")]
    command = [str(grpcurl), "-plaintext", *flags, served.address, *names]
    process = await asyncio.create_subprocess_exec(
        *command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    printed, errors = await process.communicate(stdin.encode())
    assert process.returncode == 0, errors.decode()
    return printed.decode()


def messages(printed: str) -> list[dict[str, object]]:
    """The JSON values one after another."""
    decoder, found, rest = json.JSONDecoder(), [], printed.strip()
    while rest:
        value, end = decoder.raw_decode(rest)
        found.append(value)
        rest = rest[end:].lstrip()
    return found


async def test_services_are_listed(grpcurl: Path, served: Served) -> None:
    listed = (await run(grpcurl, served, "list")).split()
    assert {"sori.v1.SpeechService", "grpc.health.v1.Health"} <= set(listed)


async def test_everything_listed_can_be_described(grpcurl: Path, served: Served) -> None:
    described = await run(grpcurl, served, "describe")
    assert "rpc StreamingRecognize ( stream .sori.v1.StreamingRecognizeRequest )" in described
    message = await run(grpcurl, served, "describe", "sori.v1.RecognitionConfig")
    assert "repeated string language_codes = 3;" in message


async def test_server_info_and_health_are_answered(grpcurl: Path, served: Served) -> None:
    (info,) = messages(await run(grpcurl, served, "sori.v1.SpeechService/GetServerInfo"))
    assert info["available_stream_count"] == 100
    (health,) = messages(await run(grpcurl, served, "grpc.health.v1.Health/Check"))
    assert health == {"status": "SERVING"}


async def test_a_recording_is_recognized(grpcurl: Path, served: Served) -> None:
    """JSON messages on standard input, audio in base64; the end of input ends the stream."""
    recording = read_recording("ko_dialog")
    data = np.round(recording.samples * 32_767).astype("<i2").tobytes()
    audio_format = {"encoding": "AUDIO_ENCODING_LINEAR16", "sample_rate_hertz": 16000}
    recognition = {"audio_format": audio_format, "language_codes": ["ko-KR"]}
    requests: list[dict[str, object]] = [{"config": {"recognition": recognition}}]
    requests += [
        {"audio": {"data": base64.b64encode(data[start : start + 32_000]).decode()}}
        for start in range(0, len(data), 32_000)
    ]
    printed = await run(
        grpcurl,
        served,
        "-d=@",
        "sori.v1.SpeechService/StreamingRecognize",
        stdin="\n".join(json.dumps(request) for request in requests),
    )
    responses = messages(printed)
    assert "session_started" in responses[0]
    assert "session_summary" in responses[-1]
    results = [response["result"] for response in responses if "result" in response]
    texts = [result["alternatives"][0]["committed_text"] for result in results]  # type: ignore[index]
    assert texts == [utterance.text for utterance in recording.utterances]
