"""Raw samples in any announced format to float32 at 16 kHz."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sori_server.domain.audio import AudioEncoding, AudioFormat
from sori_server.domain.errors import InvalidAudio
from sori_server.domain.events import AudioProblem
from sori_server.media.resampling import FloatArray, Resampler, mixed

AUDIO_FIELD: Final = "audio.data"
"""The field that errors about the bytes themselves name."""


class PcmDecoder:
    """Decodes raw audio; how the bytes are split makes no difference to the samples.

    Blocks have the shape [channels, samples], or [1, samples] with the mean of the channels
    unless they are kept `apart`. Other rates than 16 kHz are resampled by soxr (HQ).
    """

    def __init__(self, audio_format: AudioFormat, *, apart: bool = False) -> None:
        self._format = audio_format
        self._expand = _EXPANSIONS[audio_format.encoding]
        self._apart = apart
        self._partial = b""
        self._finite = True
        self._resampler = Resampler(audio_format.sample_rate, audio_format.channels if apart else 1)

    @property
    def problems(self) -> frozenset[AudioProblem]:
        """What was wrong with the samples so far."""
        return frozenset() if self._finite else frozenset({AudioProblem.NOT_FINITE})

    @property
    def trailing_bytes(self) -> int:
        """Bytes received of a sample that is not complete yet."""
        return len(self._partial)

    def feed(self, data: bytes) -> FloatArray:
        """Samples completed by these bytes; may be none. Those that are no numbers are zero."""
        data = self._partial + data
        whole = len(data) - len(data) % self._format.frame_bytes
        self._partial = data[whole:]
        samples = self._expand(data[:whole])
        if self._format.encoding is AudioEncoding.FLOAT32:
            self._finite &= make_sound(samples)
        block = samples.reshape(-1, self._format.channels).T
        return self._resampler.feed(block if self._apart else mixed(block))

    def close(self) -> FloatArray:
        """The samples the resampler still held. Nothing may be fed afterwards."""
        return self._resampler.close()

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


def make_sound(samples: FloatArray) -> bool:
    """Bring samples, in place, to -1 to 1, those that are no numbers to zero.

    Returns whether all were finite.
    """
    finite = np.isfinite(samples)
    all_finite = bool(finite.all())
    if not all_finite:
        samples[~finite] = 0.0
    np.clip(samples, -1.0, 1.0, out=samples)
    return all_finite


def _expand_linear16(data: bytes) -> FloatArray:
    return np.frombuffer(data, "<i2").astype(np.float32) / np.float32(32768)


def _expand_float32(data: bytes) -> FloatArray:
    return np.frombuffer(data, "<f4").astype(np.float32)


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
