"""Where audio comes from, and how it ends."""

import asyncio
import io
import os
import signal
import wave
from collections.abc import AsyncGenerator
from pathlib import Path

import numpy as np
import pytest
from sori_client import AudioEncoding, AudioFormat, Source
from sori_client.errors import MicrophoneOverflow
from sori_server.cli.exits import expected
from sori_server.cli.interruption import Interruption
from sori_server.cli.options import PipeFormat
from sori_server.cli.sources import (
    LINEAR16,
    Endable,
    Paced,
    Pcm,
    Sniffed,
    decoded_file,
    linear16,
    wav_header,
)
from sori_server.domain.errors import InvalidAudio
from sori_server.media.wav import WavHeaderReader

pytestmark = pytest.mark.unit

PCM = Pcm(PipeFormat.AUTO, 8000, 2)


class Chunks:
    """A source of given chunks, then of an error or of nothing, for ever if told."""

    format = LINEAR16

    def __init__(
        self, *chunks: bytes, error: Exception | None = None, endless: bool = False
    ) -> None:
        self._chunks = chunks
        self._error = error
        self._endless = endless
        self.closed = False

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        try:
            for chunk in self._chunks:
                yield chunk
            if self._error:
                raise self._error
            if self._endless:
                await asyncio.sleep(60)
        finally:
            self.closed = True


async def everything(source: Source) -> bytes:
    return b"".join([chunk async for chunk in source.chunks()])


@pytest.mark.parametrize("split", [1, 3, 100])
async def test_wav_is_known_by_its_header_however_it_is_split(split: int) -> None:
    data = wav_header(16_000, 1) + b"samples!"
    pieces = [data[i : i + split] for i in range(0, len(data), split)]
    assert await everything(Sniffed(Chunks(*pieces), PCM)) == data


async def test_other_bytes_get_a_header_with_what_flags_told() -> None:
    data = await everything(Sniffed(Chunks(b"\x01", b"\x00\x02\x00\x03\x00\x04\x00"), PCM))
    header = WavHeaderReader().read(data)
    assert header is not None
    assert header.audio_format.sample_rate == 8000
    assert header.audio_format.channels == 2
    assert header.data_bytes is None
    assert data[header.data_start :] == b"\x01\x00\x02\x00\x03\x00\x04\x00"


@pytest.mark.parametrize(
    "head", [b"fLaC", b"OggS", b"\x1aE\xdf\xa3", b"ID3\x04", b"\0\0\0\x20ftypM4A "]
)
async def test_containers_are_sent_as_they_are(head: bytes) -> None:
    data = head + bytes(range(20))
    source = Sniffed(Chunks(data[:3], data[3:]), PCM)
    assert await everything(source) == data
    assert source.format == AudioFormat(AudioEncoding.CONTAINER, 0, 2)


async def test_quiet_samples_are_not_taken_for_mpeg_frames() -> None:
    """-1, -1, -1, ... in LINEAR16 is all ones, as is the beginning of a frame."""
    quiet = b"\xff" * 32
    assert await everything(Sniffed(Chunks(quiet), PCM)) == wav_header(8000, 2) + quiet


def test_the_header_is_one_that_others_read() -> None:
    with wave.open(io.BytesIO(wav_header(8000, 2) + bytes(400))) as reader:
        assert (reader.getframerate(), reader.getnchannels(), reader.getsampwidth()) == (8000, 2, 2)


def test_formats_of_flags() -> None:
    assert Pcm(PipeFormat.F32LE, 48_000, 2).raw == AudioFormat(AudioEncoding.FLOAT32, 48_000, 2)
    assert Pcm(PipeFormat.WAV, 48_000, 2).raw is None
    assert Pcm(PipeFormat.WEBM, 48_000, 2).container == AudioFormat(AudioEncoding.WEBM_OPUS, 0, 2)
    assert PCM.raw is None
    assert PCM.container is None


def test_every_format_of_a_flag_is_raw_or_a_container() -> None:
    for name in PipeFormat:
        pcm = Pcm(name, 16_000, 1)
        known = [given for given in (pcm.raw, pcm.container) if given]
        assert len(known) == (name is not PipeFormat.AUTO)


async def test_an_error_ends_the_audio_and_is_raised_at_the_end() -> None:
    with Interruption() as interruption:
        inner = Chunks(b"heard", error=MicrophoneOverflow("too fast"))
        source = Endable(inner, interruption)
        with pytest.raises(MicrophoneOverflow), source.checked():
            assert await everything(source) == b"heard"
    assert inner.closed


async def test_a_signal_ends_the_audio_in_the_middle_of_a_wait() -> None:
    with Interruption() as interruption:
        inner = Chunks(b"heard", endless=True)
        source = Endable(inner, interruption)
        asyncio.get_running_loop().call_later(0.02, os.kill, os.getpid(), signal.SIGINT)
        with source.checked():
            assert await everything(source) == b"heard"
            raise InvalidAudio("audio", "half a sample is left")  # of no interest now
    assert inner.closed


async def test_half_a_sample_is_an_error_when_nobody_interrupted() -> None:
    with Interruption() as interruption:
        source = Endable(Chunks(), interruption)
        with pytest.raises(ExceptionGroup) as raised, source.checked():
            raise InvalidAudio("audio", "half a sample is left")
    assert isinstance(expected(raised.value), InvalidAudio)


async def test_pace_is_that_of_speech() -> None:
    class Clock:
        time = 0.0

        def now(self) -> float:
            return self.time

        async def sleep(self, duration: float) -> None:
            self.time += duration

    clock = Clock()
    await everything(Paced(Chunks(bytes(32_000), bytes(16_000)), clock))
    assert clock.time == pytest.approx(1.5)


def test_a_file_of_any_container_becomes_whole_pieces(tmp_path: Path) -> None:
    path = tmp_path / "tone.wav"
    tone = (10_000 * np.sin(np.arange(5000) / 10)).astype("<i2")
    with wave.open(str(path), "wb") as writer:
        writer.setparams((1, 2, 16_000, 0, "NONE", ""))
        writer.writeframes(tone.tobytes())
    pieces = list(linear16(path))
    assert {len(piece) for piece in pieces[:-1]} == {3200}
    heard = np.frombuffer(b"".join(pieces), "<i2").astype(int)
    assert np.abs(heard - tone).max() <= 1


async def test_channels_of_a_file_are_kept_apart_where_they_are_wanted(tmp_path: Path) -> None:
    path = tmp_path / "two.wav"
    left = (10_000 * np.sin(np.arange(5000) / 10)).astype("<i2")
    both = np.stack([left, np.zeros_like(left)], axis=1)
    with wave.open(str(path), "wb") as writer:
        writer.setparams((2, 2, 16_000, 0, "NONE", ""))
        writer.writeframes(both.tobytes())
    source = decoded_file(path, apart=True)
    assert source.format == AudioFormat(AudioEncoding.LINEAR16, 16_000, 2)
    heard = np.frombuffer(await everything(source), "<i2").astype(int).reshape(-1, 2)
    assert np.abs(heard - both).max() <= 1
    assert decoded_file(path).format.channels == 1


def test_a_file_that_is_not_audio_is_refused_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no sound here")
    for name in ("notes.txt", "missing.wav"):
        with pytest.raises(InvalidAudio, match=name):
            decoded_file(tmp_path / name)
