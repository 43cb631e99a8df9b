"""Where a command's audio comes from: files of any container, stdin, the microphone.

All are sources of the client, whether a server or this process recognizes them.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import typer
from sori_client import (
    CONTAINER,
    AudioEncoding,
    AudioFormat,
    Bytes,
    File,
    Microphone,
    Source,
    Stdin,
    errors,
)
from sori_client.sources.pacing import Clock, MonotonicClock, paced

from sori_server.cli.interruption import Interruption
from sori_server.cli.options import PipeFormat
from sori_server.domain.errors import InvalidAudio
from sori_server.media.files import open_recording
from sori_server.media.sniffing import HEAD_BYTES, sniff

STDIN: Final = "-"
PIECE_SECONDS: Final = 0.1
"""Length of the chunks of a file."""

LINEAR16: Final = AudioFormat()

_RAW: Final = {
    PipeFormat.S16LE: AudioEncoding.LINEAR16,
    PipeFormat.F32LE: AudioEncoding.FLOAT32,
    PipeFormat.MULAW: AudioEncoding.MULAW,
    PipeFormat.ALAW: AudioEncoding.ALAW,
}
_CONTAINERS: Final = {
    PipeFormat.WAV: AudioEncoding.WAV,
    PipeFormat.FLAC: AudioEncoding.FLAC,
    PipeFormat.OGG: AudioEncoding.OGG_OPUS,
    PipeFormat.WEBM: AudioEncoding.WEBM_OPUS,
    PipeFormat.MP3: AudioEncoding.MP3,
    PipeFormat.M4A: AudioEncoding.M4A,
}
_UNKNOWN_SIZE: Final = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Pcm:
    """Format of audio on a pipe, as told by flags; rate and channels are of raw audio."""

    format: PipeFormat
    rate: int
    channels: int

    @property
    def raw(self) -> AudioFormat | None:
        """The format; None for containers and for `auto`."""
        encoding = _RAW.get(self.format)
        return AudioFormat(encoding, self.rate, self.channels) if encoding else None

    @property
    def container(self) -> AudioFormat | None:
        """The format, with the channels they are to be kept apart by; None for other audio."""
        encoding = _CONTAINERS.get(self.format)
        return AudioFormat(encoding, 0, self.channels) if encoding else None


def open_input(name: str, pcm: Pcm, *, realtime: bool, apart: bool = False) -> Source:
    """A file, raw if `pcm` says so, or stdin; its channels as one unless they are `apart`.

    Raises:
        InvalidAudio: the file is not there or not audio.
    """
    if name == STDIN:
        if realtime:
            raise typer.BadParameter("--realtime is for files: stdin comes at its own pace")
        return open_stdin(pcm)
    source = File(name, pcm.raw) if pcm.raw else decoded_file(Path(name), apart=apart)
    return Paced(source) if realtime else source


def open_stdin(pcm: Pcm) -> Source:
    """The audio on stdin, read without blocking the event loop."""
    if sys.stdin.isatty():
        raise typer.BadParameter("stdin is a terminal: pipe audio into this command")
    given = pcm.raw or pcm.container
    return Stdin(given) if given else Sniffed(Stdin(CONTAINER), pcm)


def open_microphone(device: str | None) -> Source:
    """A microphone by name or number."""
    return Microphone(int(device) if device and device.isdecimal() else device)


def decoded_file(path: Path, *, apart: bool = False) -> Source:
    """A recording of any container, as 16 kHz LINEAR16, mixed unless channels are `apart`.

    Raises:
        InvalidAudio: it is not there, or not audio.
    """
    with open_recording(path) as recording:
        audio_format = replace(LINEAR16, channels=recording.channels if apart else 1)
    return Bytes(linear16(path, audio_format, apart=apart), audio_format)


def linear16(
    path: Path, audio_format: AudioFormat = LINEAR16, *, apart: bool = False
) -> Iterator[bytes]:
    """The samples of a file in pieces of `PIECE_SECONDS`; the last is shorter.

    Raises:
        InvalidAudio: the file is damaged; all samples before were handed out.
    """
    size = round(PIECE_SECONDS * audio_format.bytes_per_second)
    held = bytearray()
    damage: InvalidAudio | None = None
    with open_recording(path) as recording:
        try:
            for block in recording.blocks(apart=apart):
                held += np.round(block.clip(-1, 1) * 32_767).astype("<i2").tobytes()
                while len(held) >= size:
                    yield bytes(held[:size])
                    del held[:size]
        except InvalidAudio as error:
            damage = error
    yield bytes(held)
    if damage is not None:
        raise damage


class Paced:
    """A source of raw audio at the pace of speech."""

    def __init__(self, source: Source, clock: Clock | None = None) -> None:
        self._source = source
        self._clock = clock or MonotonicClock()

    @property
    def format(self) -> AudioFormat:
        """That of the source."""
        return self._source.format

    def chunks(self) -> AsyncGenerator[bytes, None]:
        """Each chunk when it would have been spoken."""
        return paced(self._source.chunks(), self.format.bytes_per_second, self._clock)


class Sniffed:
    """Containers as they are; other bytes are given a WAV header that says what flags told."""

    def __init__(self, source: Source, pcm: Pcm) -> None:
        self._source = source
        self._pcm = pcm

    @property
    def format(self) -> AudioFormat:
        """A container, with the channels it must have if they are kept apart."""
        return AudioFormat(AudioEncoding.CONTAINER, 0, self._pcm.channels)

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """The bytes, behind a WAV header if they need one."""
        async with aclosing(self._source.chunks()) as chunks:
            head = await _head(chunks)
            if not _is_container(head):
                yield wav_header(self._pcm.rate, self._pcm.channels)
            if head:
                yield head
            async for chunk in chunks:
                yield chunk


class Endable:
    """A source that ends at the first signal or at its first error.

    So everything before is recognized; recognize within `checked` to hear of the error.
    """

    def __init__(self, source: Source, interruption: Interruption) -> None:
        self._source = source
        self._interruption = interruption
        self._error: Exception | None = None

    @property
    def format(self) -> AudioFormat:
        """That of the source."""
        return self._source.format

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """The audio up to then."""
        async with aclosing(self._source.chunks()) as chunks:
            while chunk := await self._interruption.cancels(self._next(chunks)):
                yield chunk

    async def _next(self, chunks: AsyncIterator[bytes]) -> bytes:
        try:
            return await anext(chunks, b"")
        except (errors.SourceError, InvalidAudio, OSError) as error:
            self._error = error
            return b""

    @contextmanager
    def checked(self) -> Iterator[None]:
        """Raises the error of the source at the end, and forgives a sample cut by a signal."""
        try:
            yield
        except* (InvalidAudio, errors.InvalidAudio):
            if self._interruption.signal is None:
                raise
        if self._error is not None:
            raise self._error


def wav_header(rate: int, channels: int) -> bytes:
    """The header of a WAV stream of 16-bit samples that ends when it ends."""
    frame = 2 * channels
    fmt = struct.pack("<HHIIHH", 1, channels, rate, rate * frame, frame, 16)
    return (
        struct.pack("<4sI4s4sI", b"RIFF", _UNKNOWN_SIZE, b"WAVE", b"fmt ", len(fmt))
        + fmt
        + struct.pack("<4sI", b"data", _UNKNOWN_SIZE)
    )


async def _head(chunks: AsyncIterator[bytes]) -> bytes:
    head = b""
    while len(head) < HEAD_BYTES and (chunk := await anext(chunks, b"")):
        head += chunk
    return head


def _is_container(head: bytes) -> bool:
    """Whether it says so itself: the sync bits of bare MPEG frames may be quiet samples, too."""
    try:
        return sniff(head) is not None and not head.startswith(b"\xff")
    except InvalidAudio:
        return False
