"""NumPy blocks to the bytes of a stream."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sori_client import AudioEncoding, AudioFormat

from sori_server.domain.audio import (
    MAX_CHANNELS,
    MAX_SAMPLE_RATE,
    MIN_SAMPLE_RATE,
    SAMPLE_RATE,
)
from sori_server.domain.errors import InvalidAudio, InvalidConfig
from sori_server.media.files import open_recording
from sori_server.media.pcm import make_sound
from sori_server.media.resampling import FloatArray, Resampler

BLOCK: Final = "block"
"""The field that errors about a block name."""
LOWEST_RATE: Final = 1_000
HIGHEST_RATE: Final = 768_000
PIECE_BYTES: Final = 64 * 1024
"""Most bytes of one message: about a third of a second at 48 kHz."""

_FULL_SCALE: Final = {("f", 4): 1.0, ("f", 8): 1.0, ("i", 2): 2.0**15, ("i", 4): 2.0**31}
"""What is 1.0, by kind and size of the numbers."""


class BlockEncoder:
    """Writes the blocks of one stream as 32-bit floats; 16-bit samples lose nothing by that.

    Rates outside 8 to 48 kHz become 16 kHz.

    Raises:
        InvalidConfig: there is no such rate.
        InvalidAudio: no such number of channels.
    """

    def __init__(self, sample_rate: float, channels: int) -> None:
        rate = _whole_rate(sample_rate)
        if not 1 <= channels <= MAX_CHANNELS:
            raise InvalidAudio(
                BLOCK,
                f"{channels} channels; a block is [samples] or [samples, channels],"
                f" with 1 to {MAX_CHANNELS} channels",
            )
        usual = MIN_SAMPLE_RATE <= rate <= MAX_SAMPLE_RATE
        self._resampler = None if usual else Resampler(rate, channels)
        self.format = AudioFormat(AudioEncoding.FLOAT32, rate if usual else SAMPLE_RATE, channels)

    def pieces(self, block: object) -> Iterator[bytes]:
        """The samples of `block`, [samples] or [samples, channels], a piece at a time.

        Full scale is 1.0 in floats and the largest number in integers.

        Raises:
            InvalidAudio: it is no such array, or has other channels than those before.
        """
        samples = as_samples(block)
        if samples.shape[1] != self.format.channels:
            raise InvalidAudio(
                BLOCK,
                f"{samples.shape[1]} channels in a stream of {self.format.channels}",
            )
        step = PIECE_BYTES // self.format.frame_bytes
        for start in range(0, len(samples), step):
            yield from _cut(self._written(samples[start : start + step]))

    def close(self) -> Iterator[bytes]:
        """What was held back. Nothing may be written afterwards."""
        if self._resampler is not None:
            yield from _cut(_bytes(self._resampler.close()))

    def _written(self, samples: NDArray[Any]) -> bytes:
        with np.errstate(over="ignore"):  # too large for 32 bits is infinite, which is told
            block = samples.T.astype(np.float32)
        block /= np.float32(_FULL_SCALE[samples.dtype.kind, samples.dtype.itemsize])
        if self._resampler is None:
            return _bytes(block)
        if not make_sound(block):
            raise InvalidAudio(BLOCK, "samples must be finite numbers")
        return _bytes(self._resampler.feed(block))


class BlockReader:
    """The blocks of an iterable as the pieces of a stream.

    The first piece is empty: from then on `format` is that of the first block. Without any
    block it is that of one channel.
    """

    def __init__(self, blocks: Iterable[object], sample_rate: float) -> None:
        self._blocks = blocks
        self._rate = sample_rate
        self._encoder = BlockEncoder(sample_rate, 1)

    @property
    def format(self) -> AudioFormat:
        """How the pieces are to be read."""
        return self._encoder.format

    def pieces(self) -> Generator[bytes, None, None]:
        """All samples in order; closing this closes a generator that is read.

        Raises:
            InvalidAudio: a block is not as `BlockEncoder.pieces` wants it.
        """
        iterator = iter(self._blocks)
        with closing(iterator) if isinstance(iterator, Generator) else nullcontext():
            for number, block in enumerate(iterator):
                if number == 0:
                    self._encoder = BlockEncoder(self._rate, as_samples(block).shape[1])
                    yield b""
                yield from self._encoder.pieces(block)
        yield from self._encoder.close()


def as_samples(block: object) -> NDArray[Any]:
    """`block` as an array [samples, channels], its numbers as they are.

    Raises:
        InvalidAudio: it is no array of samples.
    """
    try:
        array = np.asarray(block)
    except (TypeError, ValueError) as error:
        raise InvalidAudio(BLOCK, f"not an array: {error}") from None
    if (array.dtype.kind, array.dtype.itemsize) not in _FULL_SCALE:
        raise InvalidAudio(
            BLOCK, f"numbers of type {array.dtype}; use float32, float64, int16 or int32"
        )
    if array.ndim not in (1, 2):
        raise InvalidAudio(
            BLOCK, f"{array.ndim} dimensions; a block is [samples] or [samples, channels]"
        )
    return array[:, None] if array.ndim == 1 else array


def file_blocks(path: Path) -> Generator[FloatArray, None, None]:
    """The samples of a recording in any container, at 16 kHz, all channels mixed.

    Raises:
        InvalidAudio: it is not there, not audio, or damaged; all samples before were given.
    """
    with open_recording(path) as recording:
        yield from recording.blocks()


def _whole_rate(sample_rate: float) -> int:
    if not (math.isfinite(sample_rate) and LOWEST_RATE <= sample_rate <= HIGHEST_RATE):
        raise InvalidConfig(
            "sample_rate", f"{sample_rate:g} Hz is not within {LOWEST_RATE} and {HIGHEST_RATE}"
        )
    if sample_rate != round(sample_rate):
        raise InvalidConfig("sample_rate", f"{sample_rate!r} Hz is not a whole number")
    return round(sample_rate)


def _bytes(block: FloatArray) -> bytes:
    """Samples [channels, samples] as interleaved little-endian floats."""
    return block.T.astype("<f4").tobytes()


def _cut(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), PIECE_BYTES):
        yield data[start : start + PIECE_BYTES]
