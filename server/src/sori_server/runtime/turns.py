"""Which tokens of a session are good: those that its client may hold as its newest. Pure."""

from __future__ import annotations

from typing import Final

from sori_server.runtime.resume_tokens import Turn

MOST_TRIES: Final = 16
"""Turns in a row without a sign of the client that are remembered."""


class Turns:
    """The turns of a session's connections, as far as tokens of theirs resume it.

    Once the client was heard in a turn it has a token of it, and no older one is good. Until then
    it may hold any from the last one on in which it was heard: answers get lost, and of two
    tries the earlier one may be the later to come.
    """

    def __init__(self, newest: Turn, spent: Turn | None = None) -> None:
        """`spent` is that of the token that brought the session here, if one did."""
        self._good = [newest] if spent is None else [spent, newest]

    @property
    def newest(self) -> Turn:
        """That of the newest connection."""
        return self._good[-1]

    def accept(self, turn: Turn) -> bool:
        """Whether tokens given out in `turn` resume the session."""
        return turn in self._good

    def are_older_than(self, turn: Turn) -> bool:
        """Whether the client went on elsewhere after it was heard here last."""
        return turn not in self._good and turn.number > self._good[0].number

    def begin(self, spent: Turn) -> None:
        """A connection was opened with a token of the turn `spent`."""
        oldest, *others = self._good
        self._good = [oldest, *others[2 - MOST_TRIES :], spent.next()]

    def confirm(self) -> None:
        """The client was heard on the newest connection: it has a token of its turn."""
        del self._good[:-1]
