"""A stream's audio that the runner feeds while the engine reads windows from it."""

from __future__ import annotations

import threading

from sori_server.engine.port import FloatArray, StreamAudio
from sori_server.engine.stream_audio import WhisperStreamAudio
from sori_server.engine.vad import StreamingVad


class SharedAudio:
    """Implements `StreamAudio` around another one: one call at a time, from any thread."""

    def __init__(self, audio: StreamAudio, lock: threading.Lock | None = None) -> None:
        """Views of one stream share a `lock`."""
        self._audio = audio
        self._lock = lock or threading.Lock()

    @property
    def vad_frame(self) -> int:
        """Samples of one speech probability."""
        return self._audio.vad_frame

    @property
    def received(self) -> int:
        """Position up to which samples were accepted."""
        return self._audio.received

    def start_at(self, position: int) -> None:
        """Before any samples: the first one has this position, a multiple of `START_GRID`."""
        self._audio.start_at(position)

    def accept(self, samples: FloatArray) -> list[float]:
        """Take the next mono samples at 16 kHz, -1 to 1; one probability per VAD frame."""
        with self._lock:
            return self._audio.accept(samples)

    def append(self, samples: FloatArray) -> StreamingVad | None:
        """Take the next samples as `accept` does, but leave it to the caller to judge them.

        None, and nothing was taken, where only `accept` can judge them.
        """
        if not isinstance(self._audio, WhisperStreamAudio):
            return None
        with self._lock:
            self._audio.append(samples)
        return self._audio.vad

    def window(self, start: int, end: int) -> object:
        """The model's input for samples [start, end), a picklable value.

        Raises:
            ValueError: part of the window was discarded or not yet received.
        """
        with self._lock:
            return self._audio.window(start, end)

    def discard(self, before: int) -> None:
        """Forget samples before this position; no window will start earlier."""
        with self._lock:
            self._audio.discard(before)
