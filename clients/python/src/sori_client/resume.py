"""How a stream outlives its connection: the policy, and when one loss is tried again. No clock."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

SETTLED: Final = 10.0
"""Seconds a new connection must hold, if it brings nothing new, before a loss is another one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    """How hard streams try to go on after a lost connection.

    Pauses between attempts are random, from nothing to a bound that doubles each time (full
    jitter), so that the clients of a server that died do not come back as one.
    """

    patience: float = 60.0
    """Seconds without a connection after which a stream ends with `ConnectionLost`."""
    first_pause: float = 0.1
    """Longest pause before the first attempt, in seconds."""
    longest_pause: float = 3.0
    """Longest pause before any attempt, in seconds."""
    replay_bytes: int = 32 * 1024 * 1024
    """Audio kept to be sent again, as it is sent. What a server has received is forgotten
    first when there is more; a server that asks for it is a `ReplayLimitExceeded`."""


class Outage:
    """One loss of a connection, with every attempt to repair it.

    It goes on when a new connection is lost again before it brought anything, so that a server
    that fails at the same place each time is given up.
    """

    def __init__(
        self, policy: Resume, now: float, chance: Callable[[], float] = random.random
    ) -> None:
        self._policy = policy
        self._chance = chance
        self._lost_at = now
        self._spent = 0.0
        self._connected_at: float | None = None
        self._repaired = False
        self.attempts = 0

    def pause(self, now: float, advice: float = 0.0) -> float | None:
        """Seconds to wait before the next attempt, if there is one; None: the patience is over.

        `advice` is what the server wants waited at least.
        """
        left = self._policy.patience - self._spent - (now - self._lost_at)
        if left <= 0:
            return None
        bound = min(self._policy.first_pause * 2.0**self.attempts, self._policy.longest_pause)
        self.attempts += 1
        return min(max(self._chance() * bound, advice), left)

    def connected(self, now: float) -> float:
        """The session goes on; how long it did not, in seconds."""
        self._connected_at = now
        self._spent += now - self._lost_at
        return now - self._lost_at

    def progressed(self) -> None:
        """The new connection brought something that was not there before."""
        self._repaired = True

    def lost_again(self, now: float) -> bool:
        """Whether a loss now belongs to this outage; its clock then goes on."""
        if self._connected_at is None:
            return True
        if self._repaired or now - self._connected_at >= SETTLED:
            return False
        self._lost_at, self._connected_at = now, None
        return True
