"""Notices audio that was recorded too loud."""

from __future__ import annotations

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
    """Looks at whole seconds of one channel, however they are cut into blocks."""

    def __init__(self) -> None:
        self.clipped = False
        self._second = np.empty(0, np.float32)

    def look(self, samples: FloatArray) -> None:
        """Judge the seconds these samples at 16 kHz complete."""
        if self.clipped:
            return
        heard = np.concatenate((self._second, samples))
        whole = len(heard) - len(heard) % SAMPLE_RATE
        rows = heard[:whole].reshape(-1, SAMPLE_RATE)
        shares = (np.abs(rows) >= FULL_SCALE).mean(axis=1)
        self.clipped = any(float(row.std()) >= LOUD for row in rows[shares >= SHARE])
        self._second = heard[whole:]
