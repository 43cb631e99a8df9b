"""Where a session can go on that has lost everything but this."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ChannelPoint:
    """One channel: all text before `position`, a sample, is final, in `utterances` utterances."""

    position: int = 0
    utterances: int = 0


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The channels of a session at a moment at which each was told all its text so far."""

    channels: tuple[ChannelPoint, ...]

    @property
    def position(self) -> int:
        """The sample from which on some channel still needs audio."""
        return min(point.position for point in self.channels)

    @classmethod
    def start(cls, channels: int) -> Checkpoint:
        """That of a session that has not begun."""
        return cls((ChannelPoint(),) * channels)
