"""The search for the most streams that are served: doubling, then bisection. Pure."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

FINENESS: Final = 32
"""The search ends when what is left between served and not is at most 1/FINENESS of it."""


class Verdict(enum.Enum):
    """Of one number of streams."""

    SERVED = "served"
    NOT_SERVED = "not served"
    VOID = "void"
    """The generator did not keep its schedule, however often it was tried."""


@dataclass(frozen=True, slots=True)
class Bracket:
    """What is known: `low` streams are served (0: none tried was), `high` are not."""

    low: int
    high: int | None

    @property
    def closed(self) -> bool:
        """Whether nothing is left to try."""
        return self.high is not None and self.high - self.low <= max(1, self.low // FINENESS)


def bracket(verdicts: Mapping[int, Verdict]) -> Bracket:
    """What verdicts by number of streams say.

    A number below one that is not served does not count as served above it, so noise makes
    the answer smaller, never larger.
    """
    failed = [n for n, verdict in verdicts.items() if verdict is not Verdict.SERVED]
    high = min(failed, default=None)
    served = [n for n, verdict in verdicts.items() if verdict is Verdict.SERVED]
    return Bracket(max((n for n in served if high is None or n < high), default=0), high)


def next_streams(verdicts: Mapping[int, Verdict], first: int, most: int) -> int | None:
    """How many streams to try next; None when the search is over.

    Args:
        verdicts: of the numbers tried.
        first: where to begin.
        most: no more than this.
    """
    known = bracket(verdicts)
    if known.closed:
        return None
    if not verdicts:
        return min(first, most)
    if known.high is None:
        return min(2 * known.low, most) if known.low < most else None
    return (known.low + known.high) // 2
