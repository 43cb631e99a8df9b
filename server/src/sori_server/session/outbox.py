"""Events on their way out: numbered when taken, finals kept, stale interims replaced."""

from __future__ import annotations

from collections import deque

from sori_server.domain.checkpoint import Checkpoint
from sori_server.domain.events import Event, NumberedEvent, Result


class Outbox:
    """Events a client has not been sent yet, oldest first.

    Holds at most one interim result per channel: a newer one takes the place of a waiting
    one, and a final result removes it. Numbers are given when an event is taken, so that
    the client's sequence has no gaps.
    """

    def __init__(self) -> None:
        self._events: deque[tuple[Event, Checkpoint | None]] = deque()
        self._sequence = 0

    def __len__(self) -> int:
        return len(self._events)

    def put(self, event: Event, checkpoint: Checkpoint | None = None) -> None:
        """Add `event` after those that wait; `checkpoint` is where a client goes on that has it."""
        if isinstance(event, Result):
            self._drop_interim(event.channel)
        self._events.append((event, checkpoint))

    def take(self) -> NumberedEvent | None:
        """The next event with its number; None when there is none."""
        if not self._events:
            return None
        self._sequence += 1
        return NumberedEvent(self._sequence, *self._events.popleft())

    def _drop_interim(self, channel: int) -> None:
        for place, (event, _) in reversed(list(enumerate(self._events))):
            if isinstance(event, Result) and event.channel == channel:
                if not event.is_final:
                    del self._events[place]
                return
