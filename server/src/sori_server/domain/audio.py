"""Audio formats and places on the session audio clock."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final, NewType

SAMPLE_RATE: Final = 16_000
"""Hertz of the session audio clock; every position and span counts these samples."""

HOP: Final = 160
"""Samples from one spectrogram frame to the next: the grid windows start on, so that cached
frames fit, and the shortest window there are features of."""

Samples = NewType("Samples", int)
"""A position or length at `SAMPLE_RATE`; zero is the first sample of the session."""

MIN_SAMPLE_RATE: Final = 8_000
MAX_SAMPLE_RATE: Final = 48_000
"""Of audio that is sent as it is recorded."""
MAX_CONTAINER_RATE: Final = 192_000
MAX_CHANNELS: Final = 8


def samples(seconds: float) -> Samples:
    """The length of `seconds` in samples, rounded to the nearest."""
    return Samples(round(seconds * SAMPLE_RATE))


def seconds(length: int) -> float:
    """The length of `length` samples in seconds."""
    return length / SAMPLE_RATE


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Samples `start` to `end`, the end not included."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.end:
            raise ValueError(f"span must satisfy 0 <= start <= end, got {self.start}..{self.end}")

    def __len__(self) -> int:
        return self.end - self.start


class AudioEncoding(enum.Enum):
    """How samples are written as bytes."""

    LINEAR16 = "linear16"
    FLOAT32 = "float32"
    MULAW = "mulaw"
    ALAW = "alaw"
    WAV = "wav"
    FLAC = "flac"
    OGG_OPUS = "ogg_opus"
    WEBM_OPUS = "webm_opus"
    MP3 = "mp3"
    M4A = "m4a"
    CONTAINER = "container"

    @property
    def bytes_per_sample(self) -> int:
        """Bytes of one sample of one channel; zero for containers."""
        return _BYTES_PER_SAMPLE.get(self, 0)

    @property
    def is_container(self) -> bool:
        """Whether the bytes say their rate and channels themselves."""
        return self not in _BYTES_PER_SAMPLE


_BYTES_PER_SAMPLE: Final = {
    AudioEncoding.LINEAR16: 2,
    AudioEncoding.FLOAT32: 4,
    AudioEncoding.MULAW: 1,
    AudioEncoding.ALAW: 1,
}


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """Encoding, rate in hertz and channel count of the bytes a client sends.

    Containers carry both in a header: the rate is then zero, and so is the channel count
    unless the client named it because it wants channels apart. `CONTAINER` stands for any
    of them, told apart by the first bytes.
    """

    encoding: AudioEncoding
    sample_rate: int = SAMPLE_RATE
    channels: int = 1

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample of all channels; zero for containers."""
        return self.encoding.bytes_per_sample * self.channels
