"""What of the scheduling can be turned off, to measure what it is worth."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Order(enum.Enum):
    """Who goes first."""

    EARLIEST_DEADLINE = "edf"
    """The earliest deadline, finals before interims."""
    FIFO = "fifo"
    """The oldest, whatever it is."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How a scheduler decides. The defaults are what is served with.

    `coalesce`: an interim is bound to the newest audio when it is dispatched, and replaces an
    older one of its stream; without, each is recognized as it was asked for.
    `adaptive_interims`: interims become rarer under load.
    `split_phases`: encode in small batches and decode in wide ones where that is predicted to
    be cheaper; without, each call does both.
    """

    order: Order = Order.EARLIEST_DEADLINE
    coalesce: bool = True
    adaptive_interims: bool = True
    split_phases: bool = True
