"""Recordings in the containers a client may send, written by FFmpeg."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np
import soxr
from numpy.typing import NDArray
from sori_server.domain.audio import AudioEncoding

Samples = NDArray[np.float32]
LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1", 9: "9.1.6"}


@dataclass(frozen=True)
class Kind:
    """A container and a codec in it; `options` are the muxer's, `codec_options` the encoder's."""

    encoding: AudioEncoding
    muxer: str
    codec: str
    options: dict[str, str] = field(default_factory=dict)
    codec_options: dict[str, str] = field(default_factory=dict)
    seekable: bool = True
    bit_rate: int = 64_000


FLAC = Kind(AudioEncoding.FLAC, "flac", "flac")
OGG = Kind(AudioEncoding.OGG_OPUS, "ogg", "libopus")
WEBM = Kind(AudioEncoding.WEBM_OPUS, "webm", "libopus")
WEBM_LIVE = Kind(AudioEncoding.WEBM_OPUS, "webm", "libopus", {"live": "1"}, seekable=False)
MP3 = Kind(AudioEncoding.MP3, "mp3", "libmp3lame")
M4A = Kind(AudioEncoding.M4A, "mp4", "aac")
"""With the index last."""
M4A_FRAGMENTED = Kind(
    AudioEncoding.M4A,
    "mp4",
    "aac",
    {"movflags": "frag_keyframe+empty_moov", "frag_duration": "500000"},
    seekable=False,
)
M4A_FAST = Kind(AudioEncoding.M4A, "mp4", "aac", {"movflags": "faststart"})
"""With the index first."""
KINDS = {
    "flac": FLAC,
    "ogg": OGG,
    "webm": WEBM,
    "webm-live": WEBM_LIVE,
    "mp3": MP3,
    "m4a": M4A,
    "m4a-fragmented": M4A_FRAGMENTED,
    "m4a-fast": M4A_FAST,
}


class _Pipe(io.RawIOBase):
    """A file that cannot seek."""

    def __init__(self) -> None:
        self.data = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: bytes | bytearray | memoryview) -> int:  # type: ignore[override]
        self.data += data
        return len(data)


def encoded(kind: Kind, samples: Samples, rate: int = 48_000) -> bytes:
    """Samples of shape [channels, n] at 16 kHz in a container, at another rate."""
    resampled = soxr.resample(np.atleast_2d(samples).T, 16_000, rate)
    pcm = np.round(resampled * 32_767).clip(-32_768, 32_767).astype(np.int16)
    return encoded_pcm(kind, [pcm], rate)


def encoded_pcm(kind: Kind, blocks: Iterable[NDArray[np.int16]], rate: int) -> bytes:
    """Blocks of 16-bit samples, [n, channels] at `rate`, in a container."""
    if kind is M4A_FAST:  # FFmpeg opens such a file a second time, by its name
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "fast.m4a"
            _write(str(path), kind, blocks, rate)
            return path.read_bytes()
    if kind.seekable:
        target = io.BytesIO()
        _write(target, kind, blocks, rate)
        return target.getvalue()
    pipe = _Pipe()
    _write(pipe, kind, blocks, rate)
    return bytes(pipe.data)


def _write(
    target: str | io.BytesIO | _Pipe, kind: Kind, blocks: Iterable[NDArray[np.int16]], rate: int
) -> None:
    with av.open(target, "w", format=kind.muxer, options=kind.options) as container:
        frames = list(_frames(blocks, rate))
        stream = container.add_stream(
            kind.codec, rate=rate, layout=frames[0].layout.name, options=kind.codec_options
        )
        assert isinstance(stream, av.AudioStream)
        stream.bit_rate = kind.bit_rate
        for frame in [*frames, None]:
            for packet in stream.encode(frame):
                container.mux(packet)


def _frames(blocks: Iterable[NDArray[np.int16]], rate: int) -> Iterator[av.AudioFrame]:
    written = 0
    for block in blocks:
        layout = LAYOUTS[block.shape[1]]
        frame = av.AudioFrame.from_ndarray(block.reshape(1, -1), format="s16", layout=layout)
        frame.sample_rate = rate
        frame.pts = written
        written += len(block)
        yield frame
