"""One stream's samples, kept as they are: the baseline computes features anew for each window."""

from __future__ import annotations

from sori_server.engine.port import FloatArray
from sori_server.engine.tape import Tape
from sori_server.engine.vad import VAD_FRAME, StreamingVad


class KeptAudio:
    """Implements `StreamAudio`: Sori's speech probabilities, and windows of plain samples."""

    def __init__(self) -> None:
        self._samples = Tape()
        self._vad = StreamingVad()

    @property
    def vad_frame(self) -> int:
        """Samples of one speech probability."""
        return VAD_FRAME

    @property
    def received(self) -> int:
        """Position up to which samples were accepted."""
        return self._samples.end

    def start_at(self, position: int) -> None:
        """Before any samples: the first one has this position."""
        self._samples.restart(position)

    def accept(self, samples: FloatArray) -> list[float]:
        """Take the next mono samples at 16 kHz, -1 to 1; one probability per VAD frame."""
        self._samples.append(samples)
        return self._vad.accept(samples)

    def window(self, start: int, end: int) -> FloatArray:
        """A copy of the samples [start, end).

        Raises:
            ValueError: part of the window was discarded or not yet received.
        """
        return self._samples.read(start, end).copy()

    def discard(self, before: int) -> None:
        """Forget samples before this position; no window will start earlier."""
        self._samples.discard(before)
