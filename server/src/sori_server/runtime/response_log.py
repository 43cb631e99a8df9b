"""What a session has said, as far as its client may not have received it. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from sori_server.domain.checkpoint import Checkpoint
from sori_server.domain.errors import InvalidConfig, ProtocolViolation
from sori_server.domain.events import Event, NumberedEvent, SessionStarted


class ResponseLog:
    """Numbers the responses of a session and keeps them until they were received.

    Interim results are numbered and not kept. A client that comes back gets what it lacks
    under new numbers, so that it sees no gap: old numbers above the last one that it received
    are forgotten.
    """

    def __init__(self, most: int, checkpoint: Checkpoint, last_sequence: int = 0) -> None:
        """Full with `most` responses. The client has those up to `last_sequence`."""
        self._most = most
        self._kept: deque[NumberedEvent] = deque()
        self._last = self._told = self._received = last_sequence
        self._received_checkpoint = self._told_checkpoint = checkpoint

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def full(self) -> bool:
        """Whether no more audio should be read until the client has received something."""
        return len(self._kept) >= self._most

    @property
    def complete(self) -> bool:
        """Whether the client has received everything."""
        return not self._kept

    @property
    def told_checkpoint(self) -> Checkpoint:
        """Where a client goes on that received all it was told on this connection."""
        return self._told_checkpoint

    def add(self, event: Event, checkpoint: Checkpoint | None = None) -> NumberedEvent:
        """Number the next response; keep it unless it is an interim result."""
        self._last += 1
        numbered = NumberedEvent(self._last, event, checkpoint)
        if not numbered.is_interim:
            self._kept.append(numbered)
        return numbered

    def tell(self, numbered: NumberedEvent) -> None:
        """Take note that from now on the client may have received this response."""
        self._told = numbered.sequence
        self._told_checkpoint = numbered.checkpoint or self._told_checkpoint

    def acknowledge(self, sequence: int) -> None:
        """Forget responses up to this one, which the client has received.

        Raises:
            ProtocolViolation: it was not sent yet.
        """
        if sequence > self._told:
            raise ProtocolViolation(
                f"response_ack.sequence: {sequence} was not sent; the last one was {self._told}",
                metadata={"field": "response_ack.sequence", "last_sequence": str(self._told)},
            )
        self._received = max(self._received, sequence)
        while self._kept and self._kept[0].sequence <= sequence:
            received = self._kept.popleft()
            self._received_checkpoint = received.checkpoint or self._received_checkpoint

    def check(self, last_sequence: int) -> None:
        """Check what a client that comes back says to have received last.

        Raises:
            InvalidConfig: it was not sent, or the client has told of a later one before.
        """
        field = "config.resume.last_sequence"
        if last_sequence > self._told:
            raise InvalidConfig(
                field,
                f"{last_sequence} was not sent; the last one was {self._told}",
                last_sequence=str(self._told),
            )
        if last_sequence < self._received:
            raise InvalidConfig(
                field,
                f"{last_sequence} is below {self._received}, which was acknowledged",
                acknowledged=str(self._received),
            )

    def again(self, last_sequence: int, started: SessionStarted) -> list[NumberedEvent]:
        """What a client is sent first that received all up to `last_sequence`, renumbered.

        Raises:
            InvalidConfig: as `check`.
        """
        self.check(last_sequence)
        self.acknowledge(last_sequence)
        numbers = enumerate(self._kept, last_sequence + 2)
        lacking = [replace(each, sequence=number) for number, each in numbers]
        self._kept = deque(lacking)
        self._last = last_sequence + 1 + len(lacking)
        self._told, self._told_checkpoint = last_sequence, self._received_checkpoint
        return [NumberedEvent(last_sequence + 1, started, self._received_checkpoint), *lacking]
