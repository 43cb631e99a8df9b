"""Notices audio that was recorded too loud."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from sori_server.domain.audio import SAMPLE_RATE
from sori_server.media.resampling import FloatArray

FULL_SCALE: Final = 0.98
"""What counts as full scale: mu-law ends at 0.9804, and resampling rounds clipped peaks."""
SHARE: Final = 0.01
"""Share of a second at full scale that counts as clipped. Speech normalised to full scale has
less than 0.001 there."""
LOUD: Final = 0.1
"""Least standard deviation of such a second: full scale that does not move is no clipped sound."""


class ClippingCheck:
    """Looks at whole seconds of one channel, however they are cut into blocks; keeps no audio."""

    def __init__(self) -> None:
        self.clipped = False
        self._seen = self._full = 0
        self._sum = self._power = 0.0

    def look(self, samples: FloatArray) -> None:
        """Judge the seconds these samples at 16 kHz complete."""
        while len(samples) and not self.clipped:
            part = samples[: SAMPLE_RATE - self._seen]
            samples = samples[len(part) :]
            self._add(part)
            if self._seen == SAMPLE_RATE:
                self._judge()

    def _add(self, part: FloatArray) -> None:
        self._seen += len(part)
        self._sum += float(part.sum())
        self._power += float(part @ part)
        if max(part.max(), -part.min()) >= FULL_SCALE:
            self._full += int(np.count_nonzero(np.abs(part) >= FULL_SCALE))

    def _judge(self) -> None:
        mean = self._sum / SAMPLE_RATE
        deviation = math.sqrt(max(self._power / SAMPLE_RATE - mean * mean, 0.0))
        self.clipped = self._full >= SHARE * SAMPLE_RATE and deviation >= LOUD
        self._seen = self._full = 0
        self._sum = self._power = 0.0
