"""Which samples a window covers, and where unbroken speech is cut."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sori_server.domain.audio import HOP, Span, samples

TAIL: Final = samples(0.2)
"""Silence kept after speech: Whisper reads a last word better with some air after it."""
MOVE_AFTER: Final = samples(15.0)
"""Windows longer than this move past committed words."""
CUT_RANGE: Final = samples(5.0)
"""An utterance without a pause is cut in the quietest place of this much newest audio."""
LONGEST_WINDOW: Final = samples(30.0)
"""What a model hears in one go: Whisper's encoder has no more positions."""
HOLD_BACK: Final = 2
"""Newest words of speech that goes on: the last may be cut in the middle, and the one before
it misheard for lack of what follows."""


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


def word_border(
    words: Sequence[Span], spoken: Span, overlap: int, least: int, back: int
) -> tuple[int, int]:
    """Where to cut speech between words: how many stay, and the position of the cut.

    Words that end in the last `overlap` samples of `spoken` may be cut themselves, and the
    newest `HOLD_BACK` may be misheard: they are left to the next window, which starts before
    the first of them. At least `least` words stay. The cut is in the last `back` samples and
    in the second half of `spoken`, so that every cut moves on: where words are too long for
    that, fewer are left, or none.
    """
    limit = spoken.end - overlap
    earliest = max((spoken.start + spoken.end) // 2, spoken.end - back)
    whole = sum(word.end <= limit for word in words)
    for stay in range(max(min(whole, len(words) - HOLD_BACK), least, 0), len(words) + 1):
        before = words[stay - 1].end if stay else spoken.start
        after = words[stay].start if stay < len(words) else 2 * limit - before
        cut = min((before + max(after, before)) // 2, spoken.end)
        if cut >= earliest:
            return stay, cut
    return len(words), spoken.end
