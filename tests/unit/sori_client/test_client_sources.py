"""Files, byte iterators and the standard input."""

from __future__ import annotations

import asyncio
import os
import threading
import time
import wave
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path

import pytest
from sori_client import CONTAINER, AudioEncoding, AudioFormat, Bytes, File, Source, Stdin, errors
from sori_client.sources import MAX_CHUNK_BYTES

pytestmark = pytest.mark.unit

MONO = AudioFormat()


async def all_of(source: Source) -> list[bytes]:
    return [chunk async for chunk in source.chunks()]


def source_threads() -> int:
    return sum(thread.name == "sori-source" for thread in threading.enumerate())


async def until_no_source_thread() -> None:
    deadline = time.monotonic() + 10
    while source_threads():
        assert time.monotonic() < deadline, "a source thread is left"
        await asyncio.sleep(0.005)


def write_wav(path: Path, samples: bytes, *, width: int = 2, rate: int = 16_000) -> Path:
    with wave.open(str(path), "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(width)
        wav.setframerate(rate)
        wav.writeframes(samples)
    return path


async def test_a_wav_file_gives_its_samples_and_its_format(tmp_path: Path) -> None:
    samples = os.urandom(8_001 * 2)
    source = File(write_wav(tmp_path / "a.wav", samples, rate=8_000), chunk_seconds=0.5)
    assert source.format == AudioFormat(AudioEncoding.LINEAR16, 8_000, 1)
    chunks = await all_of(source)
    assert [len(chunk) for chunk in chunks] == [8_000, 8_000, 2]
    assert b"".join(chunks) == samples
    await until_no_source_thread()


async def test_a_raw_file_gives_its_bytes_in_whole_frames(tmp_path: Path) -> None:
    path = tmp_path / "a.raw"
    path.write_bytes(bytes(range(250)))
    audio = AudioFormat(AudioEncoding.FLOAT32, 100, 2)
    source = File(str(path), audio, chunk_seconds=0.1)
    assert source.format == audio
    chunks = await all_of(source)
    assert [len(chunk) for chunk in chunks] == [80, 80, 80, 10]
    assert b"".join(chunks) == path.read_bytes()


async def test_no_chunk_is_larger_than_a_server_takes(tmp_path: Path) -> None:
    path = tmp_path / "a.raw"
    path.write_bytes(bytes(200_000))
    chunks = await all_of(File(path, MONO, chunk_seconds=60))
    assert max(map(len, chunks)) == MAX_CHUNK_BYTES
    assert sum(map(len, chunks)) == 200_000


def test_what_is_not_supported_is_said_with_what_is(tmp_path: Path) -> None:
    other = tmp_path / "a.mp3"
    other.write_bytes(b"ID3" + bytes(100))
    with pytest.raises(errors.UnsupportedAudio, match=r"a\.mp3: .*16-bit PCM.*`format`"):
        File(other)
    empty = tmp_path / "empty.wav"
    empty.write_bytes(b"")
    with pytest.raises(errors.UnsupportedAudio, match="too short"):
        File(empty)
    wide = write_wav(tmp_path / "wide.wav", bytes(30), width=3)
    with pytest.raises(errors.UnsupportedAudio, match="24-bit"):
        File(wide)
    with pytest.raises(errors.UnsupportedAudio, match="leave `format` out"):
        File(write_wav(tmp_path / "b.wav", bytes(2)), MONO)
    with pytest.raises(FileNotFoundError):
        File(tmp_path / "none.wav")
    with pytest.raises(FileNotFoundError):
        File(tmp_path / "none.raw", MONO)


async def test_a_container_is_sent_as_it_is(tmp_path: Path) -> None:
    samples = bytes(range(256)) * 300
    path = write_wav(tmp_path / "a.wav", samples)
    source = File(path, CONTAINER)
    assert source.format == CONTAINER
    chunks = await all_of(source)
    assert b"".join(chunks) == path.read_bytes()
    assert max(map(len, chunks)) <= MAX_CHUNK_BYTES
    flac = AudioFormat(AudioEncoding.FLAC, 0, 2)
    assert File(path, flac).format == flac


def test_a_container_has_no_pace(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", bytes(320))
    with pytest.raises(errors.UnsupportedAudio, match=r"a\.wav: `realtime` is for WAV and raw"):
        File(path, CONTAINER, realtime=True)


def test_a_container_that_is_not_there_is_missed_at_once(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        File(tmp_path / "missing.mp3", CONTAINER)


async def test_a_wav_named_as_such_is_read_as_one(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", b"abcd")
    source = File(path, AudioFormat(AudioEncoding.WAV))
    assert source.format == MONO
    assert await all_of(source) == [b"abcd"]


class FakeClock:
    """A clock on which sleeping is all that takes time, unless told otherwise."""

    def __init__(self) -> None:
        self.time = 100.0

    def now(self) -> float:
        return self.time

    async def sleep(self, duration: float) -> None:
        self.time += duration


async def test_realtime_gives_each_chunk_when_it_was_spoken(tmp_path: Path) -> None:
    clock = FakeClock()
    path = write_wav(tmp_path / "a.wav", bytes(32_000))
    source = File(path, realtime=True, chunk_seconds=0.25, clock=clock)
    times = [clock.time - 100.0 async for _ in source.chunks()]
    assert times == pytest.approx([0.25, 0.5, 0.75, 1.0])
    await until_no_source_thread()


async def test_fast_does_not_look_at_the_clock(tmp_path: Path) -> None:
    clock = FakeClock()
    path = write_wav(tmp_path / "a.wav", bytes(32_000))
    assert len(await all_of(File(path, clock=clock))) == 10
    assert clock.time == 100.0


async def test_any_iterator_of_bytes_is_a_source() -> None:
    async def asynchronous() -> AsyncIterator[bytes]:
        for data in (b"ab", b"", b"c"):
            yield data

    assert await all_of(Bytes(asynchronous(), MONO)) == [b"ab", b"c"]
    assert await all_of(Bytes([b"ab", b"", b"c"], MONO)) == [b"ab", b"c"]
    assert await all_of(Bytes((data for data in (b"ab", b"c")), MONO)) == [b"ab", b"c"]
    assert Bytes([], MONO).format is MONO
    await until_no_source_thread()


async def test_long_items_are_split() -> None:
    data = os.urandom(MAX_CHUNK_BYTES * 2 + 1)
    chunks = await all_of(Bytes([data], MONO))
    assert [len(chunk) for chunk in chunks] == [MAX_CHUNK_BYTES, MAX_CHUNK_BYTES, 1]
    assert b"".join(chunks) == data


async def test_closing_early_closes_the_iterator_where_it_ran() -> None:
    closed_on: list[str] = []

    def blocking() -> Iterator[bytes]:
        try:
            while True:
                yield b"ab"
        finally:
            closed_on.append(threading.current_thread().name)

    async with aclosing(Bytes(blocking(), MONO).chunks()) as chunks:
        assert await anext(chunks) == b"ab"
    await until_no_source_thread()
    assert closed_on == ["sori-source"]


async def test_the_end_waits_for_an_iterator_that_is_at_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sori_client.sources.threads.LEAVING_TIME", 10.0)
    closed = threading.Event()

    def at_work() -> Iterator[bytes]:
        try:
            yield b"ab"
        finally:
            time.sleep(0.05)
            closed.set()

    async with aclosing(Bytes(at_work(), MONO).chunks()) as chunks:
        assert await anext(chunks) == b"ab"
    assert closed.is_set()


async def test_closing_early_closes_an_async_generator() -> None:
    closed = False

    async def asynchronous() -> AsyncGenerator[bytes, None]:
        nonlocal closed
        try:
            while True:
                yield b"ab"
        finally:
            closed = True

    async with aclosing(Bytes(asynchronous(), MONO).chunks()) as chunks:
        await anext(chunks)
    assert closed


async def test_a_blocked_iterator_holds_up_neither_the_loop_nor_the_end() -> None:
    release = threading.Event()

    def blocking() -> Iterator[bytes]:
        release.wait(10)
        yield b"late"

    waiting = asyncio.ensure_future(all_of(Bytes(blocking(), MONO)))
    begin = time.monotonic()
    await asyncio.sleep(0.05)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert time.monotonic() - begin < 5
    assert source_threads() == 1
    release.set()
    await until_no_source_thread()


async def test_an_error_of_the_iterator_is_raised() -> None:
    def broken() -> Iterator[bytes]:
        yield b"ab"
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        await all_of(Bytes(broken(), MONO))
    await until_no_source_thread()


async def test_stdin_gives_what_is_written_as_it_comes() -> None:
    reader, writer = os.pipe()
    chunks = Stdin(MONO, descriptor=reader).chunks()
    os.write(writer, b"one")
    assert await anext(chunks) == b"one"
    waiting = asyncio.ensure_future(anext(chunks, None))
    await asyncio.sleep(0.02)
    assert not waiting.done()
    os.write(writer, b"two")
    assert await waiting == b"two"
    os.close(writer)
    assert await anext(chunks, None) is None
    os.close(reader)


async def test_waiting_for_stdin_can_be_cancelled_and_eats_nothing() -> None:
    reader, writer = os.pipe()
    waiting = asyncio.ensure_future(all_of(Stdin(descriptor=reader)))
    await asyncio.sleep(0.02)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    os.write(writer, b"next")
    assert os.read(reader, 10) == b"next"
    os.close(reader)
    os.close(writer)


async def test_stdin_may_be_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.raw"
    path.write_bytes(bytes(100_000))
    descriptor = os.open(path, os.O_RDONLY)
    chunks = await all_of(Stdin(descriptor=descriptor))
    os.close(descriptor)
    assert [len(chunk) for chunk in chunks] == [MAX_CHUNK_BYTES, 100_000 - MAX_CHUNK_BYTES]


@pytest.mark.parametrize(
    ("encoding", "frame", "second"),
    [
        (AudioEncoding.LINEAR16, 4, 32_000),
        (AudioEncoding.FLOAT32, 8, 64_000),
        (AudioEncoding.MULAW, 2, 16_000),
        (AudioEncoding.ALAW, 2, 16_000),
        (AudioEncoding.WAV, 0, 0),
    ],
)
def test_a_format_knows_its_sizes(encoding: AudioEncoding, frame: int, second: int) -> None:
    audio = AudioFormat(encoding, 8_000, 2)
    assert (audio.frame_bytes, audio.bytes_per_second) == (frame, second)
