"""The Silero VAD v6 network for many streams at once.

The ONNX file that faster-whisper ships takes the frames of one stream a run, at 60 to 120
microseconds a frame. These are its weights and its layers (a short-time Fourier transform,
four convolutions, an LSTM, one output) as matrix products over the frames of all streams
that wait: a third of the time for four streams. Source of the network: Silero Team, MIT.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from faster_whisper.utils import get_assets_path
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from sori_server.engine.onnx_weights import read_weights
from sori_server.engine.port import FloatArray

INPUT: Final = 576
"""Samples the network sees for one probability: the frame and the 64 before it."""
STATE: Final = 128
"""Size of each of the two vectors that go from frame to frame."""
SPEECH: Final = 0.5
"""Speech probability from which on a frame is no silence."""
FORGETTING: Final = 31
"""Silent frames after speech, a second, with which the network starts afresh."""

_FFT: Final = 256
_HOP: Final = 128
_BINS: Final = _FFT // 2 + 1
_COLUMNS: Final = 4
_REFLECTED: Final = _FFT + (_COLUMNS - 1) * _HOP - INPUT
_STRIDES: Final = (1, 2, 2, 1)
_MOST_FRAMES: Final = 256
"""Frames encoded in one go; bounds the memory of it."""


class Silero:
    """The network; stateless and shared by all streams."""

    def __init__(self, weights: dict[str, FloatArray]) -> None:
        """`weights` by the names they have in the file.

        Raises:
            KeyError: they are those of another network.
        """
        self._basis = _transposed(weights["encoder.feature_extractor.forward_basis_buffer"][:, 0])
        self._layers = [
            _Convolution(
                weights[f"encoder.conv_layers.{layer}.weight"],
                weights[f"encoder.conv_layers.{layer}.bias"],
                stride,
            )
            for layer, stride in enumerate(_STRIDES)
        ]
        self._from_input = _transposed(weights["onnx::LSTM_209"][0])
        self._from_state = _transposed(weights["onnx::LSTM_210"][0])
        self._gate_bias = weights["onnx::LSTM_211"][0].reshape(2, -1).sum(axis=0)
        self._out = weights["decoder.conv1d.weight"][0, :, 0].copy()
        self._out_bias = weights["decoder.conv1d.bias"]

    def judge(self, inputs: FloatArray, counts: Sequence[int], memory: Memory) -> FloatArray:
        """Speech probabilities of frames [n, 576] of several streams, stream after stream.

        `counts[i]`, not above `counts[i - 1]`, is how many of the frames are of stream i.
        The rows i of `memory` are of that stream, and are changed in place.
        """
        gates = self._gates(inputs)
        probabilities = np.empty(len(inputs), np.float32)
        first = np.cumsum([0, *counts[:-1]])
        longest = np.array(counts)
        for step in range(counts[0]):
            going = int((longest > step).sum())
            rows = first[:going] + step
            heard = self._step(gates[rows], memory.hidden[:going], memory.cell[:going])
            judged = _sigmoid(np.maximum(heard, 0) @ self._out + self._out_bias)
            probabilities[rows] = judged
            memory.forget(judged)
        return probabilities

    def _gates(self, inputs: FloatArray) -> FloatArray:
        """What the input contributes to the LSTM's gates, [n, 4 * 128]."""
        gates = np.empty((len(inputs), 4 * STATE), np.float32)
        for first in range(0, len(inputs), _MOST_FRAMES):
            block = slice(first, first + _MOST_FRAMES)
            np.matmul(self._encoded(inputs[block]), self._from_input, out=gates[block])
        gates += self._gate_bias
        return gates

    def _encoded(self, inputs: FloatArray) -> FloatArray:
        columns = _magnitudes(inputs, self._basis)
        for layer in self._layers:
            columns = layer(columns)
        return columns.reshape(len(inputs), STATE)

    def _step(self, gates: FloatArray, hidden: FloatArray, cell: FloatArray) -> FloatArray:
        """One frame of each stream: the new hidden state. Gates: input, output, forget, cell."""
        gates += hidden @ self._from_state
        opened = _sigmoid(gates[:, : 3 * STATE])
        cell *= opened[:, 2 * STATE :]
        cell += opened[:, :STATE] * np.tanh(gates[:, 3 * STATE :])
        np.multiply(opened[:, STATE : 2 * STATE], np.tanh(cell), out=hidden)
        return hidden


@dataclass(frozen=True, slots=True)
class Memory:
    """What the network remembers of streams: one row each, [n, 128], and [n] frames of silence.

    Silero's own memory never ends. After some utterances of loud speakers it missed up to two
    seconds of a quieter one, whom it hears at once with none: so it ends with `FORGETTING`
    frames of silence after speech. In longer silence nothing more is forgotten: an empty memory
    takes a little more noise for speech.
    """

    hidden: FloatArray
    cell: FloatArray
    silent: NDArray[np.int64]

    @classmethod
    def of(cls, streams: int) -> Memory:
        """That of streams of which nothing was heard."""
        hidden, cell = np.zeros((2, streams, STATE), np.float32)
        return cls(hidden, cell, np.full(streams, FORGETTING, np.int64))

    @classmethod
    def joined(cls, memories: Sequence[Memory]) -> Memory:
        """A copy with the rows of all."""
        return cls(
            np.concatenate([memory.hidden for memory in memories]),
            np.concatenate([memory.cell for memory in memories]),
            np.concatenate([memory.silent for memory in memories]),
        )

    def row(self, place: int) -> Memory:
        """A copy of that of one stream."""
        one = slice(place, place + 1)
        return Memory(self.hidden[one].copy(), self.cell[one].copy(), self.silent[one].copy())

    def forget(self, probabilities: FloatArray) -> None:
        """Count the next frame of the first rows, and empty those that were silent for long."""
        silent = self.silent[: len(probabilities)]
        silent += 1
        silent[probabilities >= SPEECH] = 0
        long = np.flatnonzero(silent == FORGETTING)
        self.hidden[long] = 0
        self.cell[long] = 0


class _Convolution:
    """Three columns wide, one of padding at either side, rectified; [n, columns, channels]."""

    def __init__(self, weight: FloatArray, bias: FloatArray, stride: int) -> None:
        self._kernel = np.ascontiguousarray(weight.transpose(2, 1, 0).reshape(-1, len(weight)))
        self._bias = bias
        self._stride = stride

    def __call__(self, columns: FloatArray) -> FloatArray:
        frames, width, channels = columns.shape
        padded = np.zeros((frames, width + 2, channels), np.float32)
        padded[:, 1:-1] = columns
        places = (width - 1) // self._stride + 1
        by_frame, by_column, by_channel = padded.strides
        seen = as_strided(
            padded,
            (frames, places, 3 * channels),
            (by_frame, self._stride * by_column, by_channel),
        )
        out = seen.reshape(frames * places, 3 * channels) @ self._kernel
        out += self._bias
        np.maximum(out, 0, out=out)
        rectified: FloatArray = out.reshape(frames, places, -1)
        return rectified


def _magnitudes(inputs: FloatArray, basis: FloatArray) -> FloatArray:
    """Spectra of four windows of each frame, the last one reflected at its end: [n, 4, 129]."""
    padded = np.empty((len(inputs), INPUT + _REFLECTED), np.float32)
    padded[:, :INPUT] = inputs
    padded[:, INPUT:] = inputs[:, -2 : -2 - _REFLECTED : -1]
    by_frame, by_sample = padded.strides
    shape = (len(inputs), _COLUMNS, _FFT)
    windows = as_strided(padded, shape, (by_frame, _HOP * by_sample, by_sample))
    spectrum = windows.reshape(-1, _FFT) @ basis
    spectrum *= spectrum
    power = spectrum[:, :_BINS] + spectrum[:, _BINS:]
    magnitudes: FloatArray = np.sqrt(power, out=power).reshape(len(inputs), _COLUMNS, _BINS)
    return magnitudes


def _sigmoid(values: FloatArray) -> FloatArray:
    squashed: FloatArray = np.tanh(values * np.float32(0.5))
    squashed *= np.float32(0.5)
    squashed += np.float32(0.5)
    return squashed


def _transposed(matrix: FloatArray) -> FloatArray:
    return np.ascontiguousarray(matrix.T)


@functools.cache
def silero() -> Silero:
    """The network of the file that faster-whisper ships."""
    return Silero(read_weights(Path(get_assets_path()) / "silero_vad_v6.onnx"))
