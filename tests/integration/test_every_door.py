"""The same audio has the same finals through gRPC, both WebSocket protocols, HTTP and a pipe."""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Iterator

import aiohttp
import grpc
import pytest
from sori.v1 import speech_pb2 as pb
from support.command_line import Serving, serving, sori
from support.raw_client import Stream, config_of
from support.recordings import read_recording
from support.websocket_client import config_frame, connected
from support.word_audio import float32

pytestmark = pytest.mark.integration

RECORDINGS = ["digits_human", "en_dialog", "ko_dialog"]
CHUNK = 6_400
FLOAT32 = {"encoding": "float32", "sample_rate_hertz": 16_000}


@pytest.fixture(scope="module")
def server() -> Iterator[Serving]:
    with serving() as server:
        yield server


def port(server: Serving) -> int:
    found = server.ready["bridge_port"]
    assert isinstance(found, int)
    return found


async def by_grpc(server: Serving, audio: bytes) -> list[str]:
    audio_format = pb.AudioFormat(
        encoding=pb.AUDIO_ENCODING_FLOAT32, sample_rate_hertz=16_000, channel_count=1
    )
    async with Stream(grpc.aio.insecure_channel(server.address)) as stream:
        await stream.send(config=config_of(audio_format=audio_format, interim_results=True))
        await stream.audio(audio, chunk=CHUNK)
        await stream.end_of_audio()
        await stream.summary()
        return [text for text in stream.texts if text]


async def by_v1(server: Serving, audio: bytes) -> list[str]:
    async with connected(port(server), "/v1/stream") as socket:
        await socket.say(config_frame(interim_results=True, recognition={"audio_format": FLOAT32}))
        await socket.audio(audio, CHUNK)
        await socket.end()
        assert await socket.until_closed() == 1000
        return socket.finals


async def by_plain(server: Serving, audio: bytes) -> list[str]:
    async with connected(port(server), "/") as socket:
        await socket.audio(audio, CHUNK)
        await socket.end()
        assert await socket.until_closed() == 1000
        return socket.finals


async def by_http(server: Serving, audio: bytes) -> list[str]:
    form = aiohttp.FormData()
    form.add_field("audio", wave_of(audio), filename="speech.wav")
    url = f"http://127.0.0.1:{port(server)}/transcribe"
    async with aiohttp.ClientSession() as session, session.post(url, data=form) as answer:
        assert answer.status == 200
        return [segment["text"] for segment in (await answer.json())["segments"]]


def wave_of(audio: bytes) -> bytes:
    """16 kHz mono 32-bit float."""
    kind = struct.pack("<HHIIHH", 3, 1, 16_000, 64_000, 4, 32)
    body = b"fmt " + struct.pack("<I", 16) + kind + b"data" + struct.pack("<I", len(audio)) + audio
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WAVE" + body


def by_pipe(audio: bytes) -> list[str]:
    ended = sori("pipe", "--model", "mini", "--format", "f32le", "--json", stdin=audio)
    assert ended.code == 0, ended.err
    events = [json.loads(line) for line in ended.out.splitlines()]
    return [event["committed_text"] for event in events if event.get("is_final")]


@pytest.mark.parametrize("name", RECORDINGS)
async def test_finals_are_the_same_through_every_door(server: Serving, name: str) -> None:
    audio = float32(read_recording(name).samples)
    expected = await by_grpc(server, audio)
    assert len(expected) >= 3
    assert await by_v1(server, audio) == expected
    assert await by_plain(server, audio) == expected
    assert await by_http(server, audio) == expected
    assert await asyncio.to_thread(by_pipe, audio) == expected
