"""Streaming speech detection with the Silero VAD v6 that faster-whisper ships."""

from __future__ import annotations

from typing import Final

import numpy as np
from faster_whisper.vad import get_vad_model

from sori_server.engine.port import FloatArray

VAD_FRAME: Final = 512
"""Samples of one speech probability."""

_CONTEXT: Final = 64
_STATE: Final = (1, 1, 128)
_FRAMES_PER_RUN: Final = 256
"""Bounds the memory of one run; longer audio is taken in several."""


class StreamingVad:
    """Speech probabilities of one stream; they do not depend on how it is cut into chunks.

    The network is shared by all streams; its recurrent state and the 64 samples it wants
    before each frame are kept here. (The library's own call starts afresh every time.)
    """

    def __init__(self) -> None:
        self._session = get_vad_model().session
        self._h: FloatArray = np.zeros(_STATE, np.float32)
        self._c: FloatArray = np.zeros(_STATE, np.float32)
        self._pending: FloatArray = np.zeros(_CONTEXT, np.float32)

    def accept(self, samples: FloatArray) -> list[float]:
        """Take the next samples at 16 kHz; one probability for each frame they complete."""
        audio = np.concatenate([self._pending, samples], dtype=np.float32)
        frames = (len(audio) - _CONTEXT) // VAD_FRAME
        self._pending = audio[frames * VAD_FRAME :].copy()
        probabilities: list[float] = []
        for first in range(0, frames, _FRAMES_PER_RUN):
            count = min(_FRAMES_PER_RUN, frames - first)
            probabilities += self._run(audio[first * VAD_FRAME :], count)
        return probabilities

    def _run(self, audio: FloatArray, frames: int) -> list[float]:
        windows = np.lib.stride_tricks.sliding_window_view(audio, _CONTEXT + VAD_FRAME)
        batch = np.ascontiguousarray(windows[: frames * VAD_FRAME : VAD_FRAME])
        output, self._h, self._c = self._session.run(
            None, {"input": batch, "h": self._h, "c": self._c}
        )
        probabilities: list[float] = output.reshape(-1).tolist()
        return probabilities
