"""Which samples a window covers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sori_server.domain.audio import samples
from sori_server.session.text import Token

HOP: Final = 160
"""Windows start on this grid, so that cached spectrogram frames fit."""
TAIL: Final = samples(0.2)
"""Silence kept after speech: Whisper reads a last word better with some air after it."""
MOVE_AFTER: Final = samples(15.0)
"""Windows longer than this move past committed words."""
CUT_RANGE: Final = samples(5.0)
"""An utterance without a pause is cut in the quietest place of this much newest audio."""


def aligned(position: int) -> int:
    """The last window start that is not after `position`."""
    return position - position % HOP


def border_after(sealed: Sequence[Token], following: Sequence[Token]) -> int | None:
    """Where a window starts that moved past `sealed`; None when their times are not known.

    Between the last word that leaves and the first that stays.
    """
    if not sealed or sealed[-1].end is None:
        return None
    end = sealed[-1].end
    start = following[0].start if following else None
    return aligned(end if start is None else (end + max(start, end)) // 2)


def quietest(probabilities: Sequence[float], frame: int, end: int) -> int:
    """The middle of the frame with the least speech in the last `CUT_RANGE` before `end`.

    `probabilities` are those of the newest frames, the last one ending at `end`.
    """
    recent = probabilities[-(CUT_RANGE // frame) :]
    index = min(range(len(recent)), key=lambda i: (recent[i], -i))
    return end - (len(recent) - index) * frame + frame // 2
