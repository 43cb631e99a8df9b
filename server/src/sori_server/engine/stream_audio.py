"""One stream's audio as Whisper wants it."""

from __future__ import annotations

import copy

from sori_server.engine.logmel import LogMel
from sori_server.engine.port import FloatArray
from sori_server.engine.vad import VAD_FRAME, StreamingVad


class WhisperStreamAudio:
    """Implements `StreamAudio`: Silero speech probabilities and log-mel windows."""

    def __init__(self, mels: int) -> None:
        self._logmel = LogMel(mels)
        self.vad = StreamingVad()

    def in_bands(self, mels: int) -> WhisperStreamAudio:
        """The same stream as another model wants it; only one of the two is fed."""
        view = copy.copy(self)
        view._logmel = self._logmel.in_bands(mels)
        return view

    @property
    def vad_frame(self) -> int:
        """Samples of one speech probability."""
        return VAD_FRAME

    @property
    def received(self) -> int:
        """Position up to which samples were accepted."""
        return self._logmel.received

    def start_at(self, position: int) -> None:
        """Before any samples: the first one has this position, a multiple of `START_GRID`."""
        self._logmel.start_at(position)

    def accept(self, samples: FloatArray) -> list[float]:
        """Take the next mono samples at 16 kHz, -1 to 1; one probability per VAD frame."""
        self.append(samples)
        return self.vad.accept(samples)

    def append(self, samples: FloatArray) -> None:
        """Take the next samples without judging them: `vad` wants them, too."""
        self._logmel.append(samples)

    def window(self, start: int, end: int) -> FloatArray:
        """Features of samples [start, end): float32 [mels, (end - start) // 160], not padded.

        The frame beyond the end is dropped, as faster-whisper does.

        Raises:
            ValueError: part of the window was discarded or not yet received.
        """
        return self._logmel.window(start, end)[:, :-1].copy()

    def discard(self, before: int) -> None:
        """Forget samples before this position; no window will start earlier."""
        self._logmel.discard(before)
