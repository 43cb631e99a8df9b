"""The decoder process as a sandbox: bombs, kills, caps, and nothing left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import struct
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from sori_server.domain.audio import AudioEncoding, AudioFormat
from sori_server.domain.config import ChannelMode
from sori_server.domain.errors import CapacityExhausted, InvalidAudio
from sori_server.domain.limits import Limits
from sori_server.media.container import ContainerDecoder
from sori_server.media.decoder import open_decoder
from sori_server.media.sandbox import SandboxedDecoder
from support.containers import FLAC, KINDS, Kind, encoded, encoded_pcm
from support.decoding import decoded
from support.recordings import read_recording

pytestmark = pytest.mark.integration

SPEECH = read_recording("en_dialog").samples[16_000 : 16_000 * 3]
SPOKEN = encoded(FLAC, SPEECH, 16_000)
HOUR = 3_600
MEBIBYTE = 2**20


def silence(seconds: float, rate: int) -> Iterator[NDArray[np.int16]]:
    block = np.zeros((65_535, 1), np.int16)
    return (block for _ in range(round(seconds * rate) // len(block)))


def flac_bomb(hours: int = 1, frame_size: int = 65_535) -> bytes:
    kind = Kind(AudioEncoding.FLAC, "flac", "flac", codec_options={"frame_size": str(frame_size)})
    return encoded_pcm(kind, silence(hours * HOUR, 8_000), 8_000)


def opus_silence(muxer: str, seconds: int) -> bytes:
    """The smallest packets there are, two bytes for 120 ms, for so long."""
    target = BytesIO()
    with av.open(target, "w", format=muxer) as container:
        stream = container.add_stream("libopus", rate=48_000, layout="mono")
        stream.codec_context.open()
        for number in range(seconds * 1_000 // 120):
            packet = av.Packet(b"\x1b\x02")
            packet.stream = stream
            packet.time_base = Fraction(1, 48_000)
            packet.pts = packet.dts = number * 5_760
            packet.duration = 5_760
            container.mux(packet)
    return target.getvalue()


@asynccontextmanager
async def sandboxed(demuxer: str = "flac", **limits: float) -> AsyncIterator[SandboxedDecoder]:
    decoder = SandboxedDecoder(demuxer, 0, Limits(**limits))  # type: ignore[arg-type]
    try:
        yield decoder
    finally:
        await decoder.aclose()
        assert decoder.pid is None


async def feed(decoder: SandboxedDecoder, data: bytes) -> int:
    """How many samples these bytes gave."""
    async with aclosing(decoder.feed(data)) as blocks:
        return sum([block.shape[1] async for block in blocks])


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def processor_time() -> float:
    """Seconds of this process and of those it has seen end."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def said_of(pid: int, what: str) -> str:
    """What the system says of a process."""
    return Path(f"/proc/{pid}/{what}").read_text(encoding="ascii")


def peak_memory(pid: int) -> int:
    """Bytes the process had in memory at most."""
    (line,) = (line for line in said_of(pid, "status").splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1_024


def children() -> list[str]:
    """Ids of the processes this one has started, dead ones too."""
    return said_of(os.getpid(), f"task/{os.getpid()}/children").split()


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


# --------------------------------------------------------------------- bombs


@pytest.mark.parametrize("hours", [1, 4])
async def test_a_bomb_costs_little(hours: int) -> None:
    """Seconds of work: how long that takes depends on who else works here."""
    bomb = flac_bomb(hours)
    assert len(bomb) < 5 * HOUR * hours
    began = processor_time()
    async with sandboxed(decoder_start_timeout=30.0) as decoder:
        await feed(decoder, bomb[:100])
        pid = decoder.pid
        with pytest.raises(InvalidAudio, match="20 bytes per second or more"):
            await feed(decoder, bomb[100:])
    assert pid is not None
    assert not alive(pid)
    assert processor_time() - began < 4.0


@pytest.mark.parametrize(
    ("demuxer", "make"),
    [
        ("flac", lambda: flac_bomb(frame_size=4_096)),
        ("ogg", lambda: opus_silence("ogg", HOUR)),
        ("matroska", lambda: opus_silence("webm", HOUR)),
    ],
    ids=["flac", "ogg", "webm"],
)
async def test_long_silence_is_no_bomb_and_fills_no_memory(
    demuxer: str, make: Callable[[], bytes]
) -> None:
    """An hour in some 100 KiB. It is made only as it is taken: here, the first minutes."""
    silent = make()
    assert 20 * HOUR < len(silent) < 100 * HOUR
    async with sandboxed(demuxer) as decoder:
        taken = 0
        async with aclosing(decoder.feed(silent)) as blocks:
            async for block in blocks:
                assert not np.abs(block).max() > 0.01
                taken += block.shape[1]
                if taken > 16_000 * 300:
                    break
            await asyncio.sleep(0.1)
        assert taken > 16_000 * 300
        assert decoder.pid is not None
        assert peak_memory(decoder.pid) < 100 * MEBIBYTE


async def test_all_of_a_long_silence_can_be_had() -> None:
    silent = opus_silence("ogg", 1_200)
    heard = await decoded([silent])
    assert heard.error is None
    assert heard.seconds == pytest.approx(1_200, abs=1)


# -------------------------------------------------------------- kills and caps


async def test_a_killed_process_is_an_error_and_no_zombie() -> None:
    async with sandboxed() as decoder:
        await feed(decoder, SPOKEN[:30_000])
        pid = decoder.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(InvalidAudio, match="within the bounds of time and memory"):
            await feed(decoder, SPOKEN[30_000:])
        assert await feed(decoder, SPOKEN) == 0
    assert not alive(pid)


async def test_a_process_that_hangs_is_ended() -> None:
    async with sandboxed(decoder_timeout=2.0) as decoder:
        await feed(decoder, SPOKEN[:30_000])
        assert decoder.pid is not None
        os.kill(decoder.pid, signal.SIGSTOP)
        with pytest.raises(InvalidAudio, match="within the bounds of time"):
            await feed(decoder, SPOKEN[30_000:])


async def test_a_process_that_does_not_start_is_no_fault_of_the_client() -> None:
    async with sandboxed(decoder_start_timeout=0.001) as decoder:
        with pytest.raises(CapacityExhausted, match="did not start") as caught:
            await feed(decoder, SPOKEN)
        assert caught.value.retry_after == 1.0


async def test_memory_is_capped() -> None:
    """A file whose index comes last is kept: here it is larger than the process may be."""
    cap = 700 * MEBIBYTE
    start = b"\0\0\0\x18ftypM4A " + b"\0" * 12 + b"\0\0\0\0mdat"
    async with sandboxed("mov", decoder_memory_bytes=cap, max_seekable_bytes=2**31) as decoder:
        await feed(decoder, start)
        assert decoder.pid is not None
        with pytest.raises(InvalidAudio, match="memory"):
            await feed(decoder, bytes(cap))
    async with sandboxed("flac", decoder_memory_bytes=cap) as decoder:
        assert await feed(decoder, SPOKEN) > 0


async def test_the_process_can_open_nothing() -> None:
    async with sandboxed(max_session_duration=600.0) as decoder:
        await feed(decoder, SPOKEN[:1_000])
        assert decoder.pid is not None
        limits, environment = said_of(decoder.pid, "limits"), said_of(decoder.pid, "environ")
    allowed = {line[:26].strip(): line[26:].split() for line in limits.splitlines()}
    assert allowed["Max open files"][:2] == ["0", "0"]
    assert allowed["Max processes"][:2] == ["0", "0"]
    assert allowed["Max file size"][:2] == ["0", "0"]
    assert allowed["Max core file size"][:2] == ["0", "0"]
    assert allowed["Max address space"][:2] == [str(768 * MEBIBYTE)] * 2
    assert allowed["Max cpu time"][:2] == ["70", "70"]
    assert environment == "OPENBLAS_NUM_THREADS=1\0"


def test_the_process_opens_nothing_in_the_place_of_its_pipes() -> None:
    program = textwrap.dedent(
        """
        import os
        from sori_server.media.sandbox_child import confine
        from sori_server.media.sandbox_wire import Order

        confine(Order("flac", 0, 2**30, 60, 0))
        os.close(2)
        try:
            os.open("/dev/null", os.O_RDONLY)
        except OSError:
            print("refused", flush=True)
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, stdout=subprocess.PIPE, timeout=30
    )
    assert done.stdout == b"refused\n"


@pytest.mark.parametrize("answer", [(2, 3, b"abc"), (2, 4, b"abcd"), (99, 0, b""), (2, 2**31, b"")])
async def test_what_no_decoder_says_is_an_error(
    answer: tuple[int, int, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Samples that are not whole, or not of all channels; an unknown kind; far too much."""
    kind, size, payload = answer
    said = "".join(f"\\{byte:03o}" for byte in struct.pack("<BIBI", 1, 0, kind, size) + payload)
    taken_over = tmp_path / "decoder"
    taken_over.write_text(f"#!/bin/sh\nprintf '{said}'\nexec cat > /dev/null\n")
    taken_over.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(taken_over))
    decoder = SandboxedDecoder("flac", 2, Limits())
    with pytest.raises(InvalidAudio, match="within the bounds"):
        await feed(decoder, SPOKEN)
    await decoder.aclose()


def test_the_process_leaves_with_its_server() -> None:
    program = textwrap.dedent(
        """
        import asyncio, sys
        from sori_server.domain.limits import Limits
        from sori_server.media.sandbox import SandboxedDecoder

        async def main():
            decoder = SandboxedDecoder("flac", 0, Limits())
            async for _ in decoder.feed(b"fLaC"):
                pass
            print(decoder.pid, flush=True)
            await asyncio.sleep(60)

        asyncio.run(main())
        """
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        pid = int(server.stdout.readline())
        assert alive(pid)
        server.kill()
    deadline = time.monotonic() + 5
    while alive(pid) and ") Z" not in said_of(pid, "stat"):
        assert time.monotonic() < deadline
        time.sleep(0.02)


# ------------------------------------------------------------------- accounts


async def test_no_more_decoders_run_than_allowed() -> None:
    async with sandboxed(max_decoders=1) as first:
        await feed(first, SPOKEN[:100])
        async with sandboxed(max_decoders=1) as second:
            with pytest.raises(CapacityExhausted, match="1 containers are being decoded"):
                await feed(second, SPOKEN)
    async with sandboxed(max_decoders=1) as third:
        assert await feed(third, SPOKEN) > 0


async def test_a_decoder_left_in_the_middle_goes_on_where_it_was() -> None:
    async with sandboxed() as decoder:
        parts = []
        async with aclosing(decoder.feed(SPOKEN)) as blocks:
            parts.append(await anext(blocks))
        async with aclosing(decoder.close()) as blocks:
            parts.extend([block async for block in blocks])
        whole = await decoded([SPOKEN])
        np.testing.assert_array_equal(np.concatenate(parts, axis=1), whole.samples)


async def test_nothing_is_left_of_twenty_decoders(caplog: pytest.LogCaptureFixture) -> None:
    await decoded([SPOKEN])
    before, others = open_files(), children()
    for number in range(20):
        kind = list(KINDS.values())[number % len(KINDS)]
        bad = b"ID3" + bytes(20) if number % 3 == 0 else encoded(kind, SPEECH[:8_000])
        decoder = open_decoder(
            AudioFormat(AudioEncoding.CONTAINER, 0, 0), ChannelMode.MIX, Limits()
        )
        assert isinstance(decoder, ContainerDecoder)
        async with aclosing(decoder.feed(bad)) as blocks:
            [block async for block in blocks]
        await decoder.aclose()
        await decoder.aclose()
    async with asyncio.timeout(10):
        while open_files() > before or not set(children()) <= set(others):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert caplog.records == []  # asyncio tells of processes that it did not see end


async def test_cancelling_ends_the_process() -> None:
    async with sandboxed() as decoder:
        await feed(decoder, SPOKEN[:1_000])
        pid = decoder.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await feed(decoder, SPOKEN[1_000:])
    assert not alive(pid)
