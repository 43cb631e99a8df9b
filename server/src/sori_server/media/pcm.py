"""Raw samples in any announced format to mono float32 at 16 kHz."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import soxr
from numpy.typing import NDArray

from sori_server.domain.audio import SAMPLE_RATE, AudioEncoding, AudioFormat
from sori_server.domain.errors import InvalidAudio

FloatArray = NDArray[np.float32]

AUDIO_FIELD: Final = "audio.data"
"""The field that errors about the bytes themselves name."""


class PcmDecoder:
    """Decodes raw audio; how the bytes are split makes no difference to the samples.

    Channels are mixed to their mean; other rates than 16 kHz are resampled by soxr (HQ).
    """

    def __init__(self, audio_format: AudioFormat) -> None:
        self._format = audio_format
        self._expand = _EXPANSIONS[audio_format.encoding]
        self._partial = b""
        self._resampler = (
            None
            if audio_format.sample_rate == SAMPLE_RATE
            else soxr.ResampleStream(
                audio_format.sample_rate, SAMPLE_RATE, 1, dtype="float32", quality="HQ"
            )
        )

    @property
    def trailing_bytes(self) -> int:
        """Bytes received of a sample that is not complete yet."""
        return len(self._partial)

    def feed(self, data: bytes) -> FloatArray:
        """Samples completed by these bytes; may be none.

        Raises:
            InvalidAudio: a FLOAT32 sample is infinite or not a number.
        """
        data = self._partial + data
        whole = len(data) - len(data) % self._format.frame_bytes
        self._partial = data[whole:]
        mono = _mix(self._expand(data[:whole]), self._format.channels)
        return self._resample(mono, last=False)

    def close(self) -> FloatArray:
        """The samples the resampler still held. Nothing may be fed afterwards."""
        return self._resample(np.empty(0, np.float32), last=True)

    def check_complete(self) -> None:
        """Ask after `close` whether the bytes were complete.

        Raises:
            InvalidAudio: they ended inside a sample.
        """
        if self._partial:
            raise InvalidAudio(
                AUDIO_FIELD,
                f"{len(self._partial)} bytes left over at the end of the audio: the announced"
                f" format has {self._format.frame_bytes} bytes per sample of all channels",
                trailing_bytes=str(len(self._partial)),
                frame_bytes=str(self._format.frame_bytes),
            )

    def _resample(self, mono: FloatArray, *, last: bool) -> FloatArray:
        if self._resampler is None:
            return mono
        resampled: FloatArray = self._resampler.resample_chunk(mono, last=last)
        return resampled


def _mix(interleaved: FloatArray, channels: int) -> FloatArray:
    if channels == 1:
        return interleaved
    mean: FloatArray = interleaved.reshape(-1, channels).mean(axis=1, dtype=np.float32)
    return mean


def _expand_linear16(data: bytes) -> FloatArray:
    return np.frombuffer(data, "<i2").astype(np.float32) / np.float32(32768)


def _expand_float32(data: bytes) -> FloatArray:
    samples = np.frombuffer(data, "<f4").astype(np.float32)
    if not np.isfinite(samples).all():
        raise InvalidAudio(AUDIO_FIELD, "FLOAT32 samples must be finite numbers from -1 to 1")
    return samples.clip(-1, 1)


def _mulaw_table() -> FloatArray:
    """Values of the 256 codes of ITU-T G.711, table 2 (mu-law), on the 16-bit scale."""
    code = ~np.arange(256) & 0xFF
    magnitude = ((((code & 0x0F) << 3) + 0x84) << (code >> 4 & 0x07)) - 0x84
    return _signed(magnitude, negative=code & 0x80 != 0)


def _alaw_table() -> FloatArray:
    """Values of the 256 codes of ITU-T G.711, table 1 (A-law), on the 16-bit scale."""
    code = np.arange(256) ^ 0x55
    segment = code >> 4 & 0x07
    step = ((code & 0x0F) << 4) + np.where(segment == 0, 0x08, 0x108)
    return _signed(step << np.maximum(segment - 1, 0), negative=code & 0x80 == 0)


def _signed(magnitude: NDArray[np.int64], *, negative: NDArray[np.bool_]) -> FloatArray:
    return (np.where(negative, -magnitude, magnitude) / 32768).astype(np.float32)


_MULAW: Final = _mulaw_table()
_ALAW: Final = _alaw_table()

_EXPANSIONS: Final[dict[AudioEncoding, Callable[[bytes], FloatArray]]] = {
    AudioEncoding.LINEAR16: _expand_linear16,
    AudioEncoding.FLOAT32: _expand_float32,
    AudioEncoding.MULAW: lambda data: _MULAW[np.frombuffer(data, np.uint8)],
    AudioEncoding.ALAW: lambda data: _ALAW[np.frombuffer(data, np.uint8)],
}
