"""Audio from files: WAV, raw samples, or any container as it is."""

from __future__ import annotations

import wave
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from os import PathLike
from pathlib import Path

from sori_client.errors import UnsupportedAudio
from sori_client.sources.pacing import Clock, MonotonicClock, paced
from sori_client.sources.source import MAX_CHUNK_BYTES
from sori_client.sources.threads import from_thread
from sori_client.types import AudioEncoding, AudioFormat

_SUPPORTED = (
    "supported are WAV files with 16-bit PCM, raw samples when `format` is given, and with"
    " `format=CONTAINER` any file the server can decode"
)


class File:
    """The audio of a file, as fast as the server takes it or at the speed of speech.

    Args:
        path: a WAV file (16-bit PCM), or anything else when `format` is given.
        format: how to read raw samples; None or `WAV` for WAV. The bytes of any other
            container (`CONTAINER` for all of them) are sent as they are: the server decodes them.
        realtime: give each chunk when it would have been spoken; not for files that are sent
            as they are.
        chunk_seconds: length of a chunk, cut to what `MAX_CHUNK_BYTES` holds.
        clock: what `realtime` goes by.

    Raises:
        OSError: the file cannot be read.
        UnsupportedAudio: neither WAV that can be read here, nor raw samples; or a pace that
            nobody knows.
    """

    def __init__(
        self,
        path: str | PathLike[str],
        format: AudioFormat | None = None,
        *,
        realtime: bool = False,
        chunk_seconds: float = 0.1,
        clock: Clock | None = None,
    ) -> None:
        self._path = Path(path)
        self._wav = format is None or format.encoding is AudioEncoding.WAV
        self._format = _format(self._path, format)
        self._realtime = realtime
        self._clock = clock or MonotonicClock()
        self._chunk_frames = 0
        if frame := self._format.frame_bytes:
            wanted = round(chunk_seconds * self._format.sample_rate)
            self._chunk_frames = max(min(wanted, MAX_CHUNK_BYTES // frame), 1)
        elif realtime:
            name = self._path.name
            raise UnsupportedAudio(f"{name}: `realtime` is for WAV and raw samples")

    @property
    def format(self) -> AudioFormat:
        """From the WAV header, or as given."""
        return self._format

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """The samples without any header, or the bytes of a container."""
        chunks = from_thread(self._read())
        if self._realtime:
            chunks = paced(chunks, self._format.bytes_per_second, self._clock)
        async with aclosing(chunks):
            async for chunk in chunks:
                yield chunk

    def _read(self) -> Iterator[bytes]:
        if self._wav:
            with wave.open(str(self._path), "rb") as wav:
                yield from iter(lambda: wav.readframes(self._chunk_frames), b"")
        else:
            with self._path.open("rb") as raw:
                size = self._chunk_frames * self._format.frame_bytes or MAX_CHUNK_BYTES
                yield from iter(lambda: raw.read(size), b"")


def _format(path: Path, given: AudioFormat | None) -> AudioFormat:
    if given is None or given.encoding is AudioEncoding.WAV:
        return _wav_format(path)
    with path.open("rb") as file:
        if file.read(4) == b"RIFF" and not given.encoding.is_container:
            raise UnsupportedAudio(f"{path.name} is a WAV file: leave `format` out")
    return given


def _wav_format(path: Path) -> AudioFormat:
    try:
        with wave.open(str(path), "rb") as wav:
            width, rate, channels = wav.getsampwidth(), wav.getframerate(), wav.getnchannels()
    except (wave.Error, EOFError) as error:
        raise UnsupportedAudio(f"{path.name}: {str(error) or 'too short'}; {_SUPPORTED}") from error
    if width != 2:
        raise UnsupportedAudio(f"{path.name}: {8 * width}-bit WAV; {_SUPPORTED}")
    return AudioFormat(AudioEncoding.LINEAR16, rate, channels)
