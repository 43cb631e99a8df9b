"""Blocks of samples at any rate to the session's 16 kHz."""

from __future__ import annotations

from typing import Final

import numpy as np
import soxr
from numpy.typing import NDArray

from sori_server.domain.audio import SAMPLE_RATE

FloatArray = NDArray[np.float32]

QUALITY: Final = "HQ"
"""soxr's recipe: 20 bits of precision, the pass band up to 91 % of the lower rate's half."""


class Resampler:
    """Streams blocks of shape [channels, samples]; how they are cut makes no difference."""

    def __init__(self, rate: int, channels: int) -> None:
        self._channels = channels
        self._stream = (
            None
            if rate == SAMPLE_RATE
            else soxr.ResampleStream(rate, SAMPLE_RATE, channels, dtype="float32", quality=QUALITY)
        )

    def feed(self, block: FloatArray) -> FloatArray:
        """The samples at 16 kHz that these complete; may be none."""
        return self._resample(block, last=False)

    def close(self) -> FloatArray:
        """The samples still held back. Nothing may be fed afterwards."""
        return self._resample(silence(self._channels), last=True)

    def _resample(self, block: FloatArray, *, last: bool) -> FloatArray:
        if self._stream is None:
            return block
        rows = np.ascontiguousarray(block.T) if self._channels > 1 else block[0]
        resampled: FloatArray = self._stream.resample_chunk(rows, last=last)
        channels: FloatArray = resampled.reshape(-1, self._channels).T
        return channels


def mixed(block: FloatArray) -> FloatArray:
    """The mean of all channels: [channels, samples] to [1, samples]."""
    if len(block) == 1:
        return block
    mean: FloatArray = block.mean(axis=0, dtype=np.float32, keepdims=True)
    return mean


def silence(channels: int) -> FloatArray:
    """A block of no samples."""
    return np.empty((channels, 0), np.float32)
