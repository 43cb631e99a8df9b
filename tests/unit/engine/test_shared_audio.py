"""Windows are read in one thread while audio is accepted in another."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from sori_server.engine.fake import FakeStreamAudio
from sori_server.engine.port import FloatArray
from sori_server.engine.shared_audio import SharedAudio

pytestmark = pytest.mark.unit


class Watched(FakeStreamAudio):
    """Notices when two threads are inside at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.inside = 0
        self.met = False

    def _stay(self) -> None:
        self.inside += 1
        time.sleep(0.001)
        self.met = self.met or self.inside > 1
        self.inside -= 1

    def accept(self, samples: FloatArray) -> list[float]:
        self._stay()
        return super().accept(samples)

    def window(self, start: int, end: int) -> object:  # type: ignore[override]
        self._stay()
        return super().window(start, end)

    def discard(self, before: int) -> None:
        self._stay()
        super().discard(before)


def test_calls_of_two_threads_never_overlap() -> None:
    watched = Watched()
    shared = SharedAudio(watched)

    def feed() -> None:
        for _ in range(30):
            shared.accept(np.zeros(512, np.float32))

    feeder = threading.Thread(target=feed)
    feeder.start()
    while feeder.is_alive():
        received = shared.received
        shared.window(received, received)
        shared.discard(received - 512)
    feeder.join()

    assert shared.received == 30 * 512
    assert shared.vad_frame == 512
    assert not watched.met
