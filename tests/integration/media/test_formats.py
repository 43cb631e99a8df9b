"""The same recording in every container and at every rate gives the same text, on the wire."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import numpy as np
import pytest
import pytest_asyncio
from sori.v1 import speech_pb2 as pb
from support.containers import FLAC, KINDS, encoded, encoded_pcm
from support.raw_client import config_of, failure_of
from support.recordings import read_recording
from support.speech_server import Served, serving_mini

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

KOREAN = read_recording("ko_dialog")
"""The model reads this recording without a mistake, at all rates."""
TEXT = [utterance.text for utterance in KOREAN.utterances]
FORMATS = [
    *((name, 48_000) for name in KINDS),
    *((name, 44_100) for name in ("flac", "mp3", "m4a")),
    *((name, 8_000) for name in ("flac", "ogg", "webm", "mp3", "m4a")),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served() -> AsyncIterator[Served]:
    async with serving_mini() as served:
        yield served


def container(name: str = "CONTAINER", channels: int = 0) -> pb.AudioFormat:
    encoding = pb.AudioEncoding.Value(f"AUDIO_ENCODING_{name}")
    return pb.AudioFormat(encoding=encoding, channel_count=channels)


def announced(name: str) -> pb.AudioFormat:
    return container(KINDS[name].encoding.name)


@pytest.mark.parametrize(("name", "rate"), FORMATS)
async def test_every_container_and_rate_reads_like_pcm(
    served: Served, name: str, rate: int
) -> None:
    data = encoded(KINDS[name], KOREAN.samples, rate)
    audio_format = announced(name) if rate == 48_000 else container()
    async with served.stream(audio_format=audio_format, language_codes=["ko"]) as stream:
        await stream.audio(data, 4_001)
        await stream.end_of_audio(len(data))
        await stream.summary()
    assert stream.texts == TEXT
    assert not [r for r in stream.responses if r.HasField("warning")]


async def test_a_complete_recording_may_be_a_container(served: Served) -> None:
    config = pb.RecognitionConfig(audio_format=container(), language_codes=["ko"])
    data = encoded(KINDS["m4a"], KOREAN.samples)
    async with served.stub() as stub:
        answer = await stub.Recognize(pb.RecognizeRequest(config=config, audio=data))
    assert [result.alternatives[0].committed_text for result in answer.results] == TEXT


async def test_a_damaged_container_is_read_with_a_warning(served: Served) -> None:
    data = bytearray(encoded(KINDS["flac"], KOREAN.samples, 16_000))
    data[40_000:40_100] = bytes(100)
    async with served.stream(audio_format=container("FLAC"), language_codes=["ko"]) as stream:
        await stream.audio(bytes(data), 4_000)
        await stream.end_of_audio(len(data))
        await stream.summary()
    warnings = [r.warning.reason for r in stream.responses if r.HasField("warning")]
    assert warnings == [pb.WARNING_REASON_AUDIO_DAMAGED]
    assert stream.texts[-2:] == TEXT[-2:]


async def test_a_bomb_ends_its_stream_and_no_other(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("support.raw_client.PATIENCE", 40.0)  # 775 s of silence are listened to
    silence = (np.zeros((65_535, 1), np.int16) for _ in range(439))
    frames = {"frame_size": "65535"}
    bomb = encoded_pcm(replace(FLAC, codec_options=frames), silence, 8_000)
    data = encoded(KINDS["ogg"], KOREAN.samples)
    async with served.stream(audio_format=container(), language_codes=["ko"]) as stream:
        await stream.audio(data[: len(data) // 2], 4_000)
        async with served.stream(audio_format=container()) as other:
            await other.audio(bomb, len(bomb))
            ending = await other.ended()
        assert ending.summary == ("INVALID_ARGUMENT", "AUDIO_UNDECODABLE")
        assert "20 bytes per second or more" in ending.violations["audio.data"]
        await stream.audio(data[len(data) // 2 :], 4_000)
        await stream.end_of_audio(len(data))
        await stream.summary()
    assert stream.texts == TEXT


@pytest.mark.parametrize(
    ("data", "message"),
    [(b"this is no audio", "starts like none of"), (b"fLaC" + bytes(5_000), "readable header")],
)
async def test_what_is_no_audio_is_told(served: Served, data: bytes, message: str) -> None:
    config = config_of(audio_format=container()).recognition
    async with served.stub() as stub:
        ending = await failure_of(stub.Recognize(pb.RecognizeRequest(config=config, audio=data)))
    assert ending.summary == ("INVALID_ARGUMENT", "AUDIO_UNDECODABLE")
    assert message in ending.violations["audio.data"]


async def test_channels_of_a_container_are_recognized_apart(served: Served) -> None:
    sound = np.stack([KOREAN.samples, np.zeros_like(KOREAN.samples)])
    async with served.stream(
        audio_format=container(channels=2),
        channel_mode=pb.CHANNEL_MODE_SEPARATE,
        language_codes=["ko"],
    ) as stream:
        data = encoded(KINDS["webm"], sound)
        await stream.audio(data, 4_000)
        await stream.end_of_audio(len(data))
        await stream.summary()
    assert stream.texts == TEXT
    assert {final.channel_tag for final in stream.finals} == {1}
