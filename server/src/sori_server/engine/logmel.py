"""Whisper's log-mel features of any window of a stream, without repeating Fourier transforms.

Frame i of a window starting at s needs samples [s + 160 i - 200, s + 160 i + 200). On the
160-sample grid it is therefore the same frame for all windows, except the two at either
edge that see padding. The power spectrum of inner frames is kept. The projection onto mel
bands is not: the last bit of a matrix product depends on the width of the matrix, and the
features here are those of faster-whisper's `FeatureExtractor`, bit for bit.
"""

from __future__ import annotations

import copy
import functools
from typing import Final

import numpy as np
from faster_whisper.feature_extractor import FeatureExtractor

from sori_server.domain.audio import HOP
from sori_server.engine.port import FloatArray
from sori_server.engine.tape import Tape

_FFT: Final = 400
_HALF: Final = _FFT // 2
_BINS: Final = _HALF + 1
_PADDING: Final = HOP
_EDGE: Final = 2
_WINDOW: Final[FloatArray] = np.hanning(_FFT + 1)[:-1].astype(np.float32)
_SHORTEST_CACHED: Final = 2 * _FFT
"""Samples; in shorter windows most frames are at an edge."""


class LogMel:
    """Log-mel features of one stream, `mels` bands, 100 frames a second.

    Spectra are computed when a window first needs them: silence that no window covers
    costs nothing but its samples.
    """

    def __init__(self, mels: int) -> None:
        self._filters = _filters(mels)
        self._samples = Tape()
        self._power = Tape((_BINS,))

    @property
    def received(self) -> int:
        """Position up to which samples were appended."""
        return self._samples.end

    def in_bands(self, mels: int) -> LogMel:
        """The same stream for another model: one recording and one set of spectra for both."""
        view = copy.copy(self)
        view._filters = _filters(mels)
        return view

    def start_at(self, position: int) -> None:
        """Before any samples: the first one has this position."""
        self._samples.restart(position)

    def append(self, samples: FloatArray) -> None:
        """Take the next samples at 16 kHz."""
        self._samples.append(samples)

    def discard(self, before: int) -> None:
        """Forget samples before this position; no window will start earlier."""
        self._samples.discard(before)
        self._power.discard(before // HOP)

    def window(self, start: int, end: int) -> FloatArray:
        """Features of samples [start, end), shape [mels, (end - start) // 160 + 1].

        Equal in every bit to `FeatureExtractor()(samples[start:end])`. Windows that start
        off the 160-sample grid are computed from scratch.

        Raises:
            ValueError: part of the window was discarded or not yet received.
        """
        samples = self._samples.read(start, end)
        if start % HOP or len(samples) < _SHORTEST_CACHED:
            return _normalized(self._filters @ _padded_power(samples).T)
        frames = len(samples) // HOP + 1
        inner_end = (len(samples) - _HALF) // HOP + 1
        power = np.empty((frames, _BINS), np.float32)
        power[:_EDGE] = _padded_power(samples[: _EDGE * HOP + _HALF])[:_EDGE]
        power[_EDGE:inner_end] = self._inner(start // HOP + _EDGE, start // HOP + inner_end)
        power[inner_end:] = _padded_power(samples[(inner_end - _EDGE) * HOP :])[_EDGE:]
        return _normalized(self._filters @ power.T)

    def _inner(self, first: int, end: int) -> FloatArray:
        """Power spectra [frames, bins] of the frames first to end of the stream's grid."""
        if not self._power.start <= first <= self._power.end:
            self._power.restart(first)
        if self._power.end < end:
            samples = self._samples.read(self._power.end * HOP - _HALF, (end - 1) * HOP + _HALF)
            self._power.append(_power(samples, center=False))
        return self._power.read(first, end)


@functools.cache
def _filters(mels: int) -> FloatArray:
    filters: FloatArray = FeatureExtractor(feature_size=mels).mel_filters
    return filters


def _power(samples: FloatArray, center: bool) -> FloatArray:
    spectrum = FeatureExtractor.stft(
        samples, _FFT, HOP, window=_WINDOW, center=center, return_complex=True
    ).astype(np.complex64)
    power: FloatArray = (np.abs(spectrum) ** 2).T
    return power


def _padded_power(samples: FloatArray) -> FloatArray:
    return _power(np.pad(samples, (0, _PADDING)), center=True)[:-1]


def _normalized(mel: FloatArray) -> FloatArray:
    log_spec = np.log10(np.clip(mel, 1e-10, None))
    log_spec = np.maximum(log_spec, log_spec.max() - 8.0)
    features: FloatArray = (log_spec + 4.0) / 4.0
    return features
