"""Which samples a window covers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sori_server.domain.audio import HOP, samples

TAIL: Final = samples(0.2)
"""Silence kept after speech: Whisper reads a last word better with some air after it."""
MOVE_AFTER: Final = samples(15.0)
"""Windows longer than this move past committed words."""
CUT_RANGE: Final = samples(5.0)
"""An utterance without a pause is cut in the quietest place of this much newest audio."""


def aligned(position: int) -> int:
    """The last window start, a multiple of `HOP`, that is not after `position`."""
    return position - position % HOP


def quietest(probabilities: Sequence[float], frame: int, end: int, earliest: int) -> int:
    """The middle of the frame with the least speech, the newest of equals.

    `probabilities` are those of the newest frames, the last one ending at `end`. Where
    none of them has its middle at or after `earliest`, the first position that is not
    before both.
    """
    allowed = max((end - earliest + frame // 2) // frame, 0)
    count = min(allowed, len(probabilities))
    if not count:
        return max(end, earliest)
    age = min(range(1, count + 1), key=lambda k: (probabilities[-k], k))
    return end - age * frame + frame // 2
