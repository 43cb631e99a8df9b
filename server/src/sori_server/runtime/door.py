"""What a transport hands to the runtime: client messages in, numbered events out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from sori_server.domain.events import NumberedEvent


@dataclass(frozen=True, slots=True, repr=False)
class AudioBytes:
    """A run of encoded audio; `offset` is that of its first byte in the stream, if told."""

    data: bytes
    offset: int | None = None

    def __repr__(self) -> str:
        return f"AudioBytes({len(self.data)} bytes at {self.offset})"


@dataclass(frozen=True, slots=True)
class FinalizeUtterance:
    """End the current utterance now."""

    request_id: str


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """The client is there, without audio."""


@dataclass(frozen=True, slots=True)
class EndOfAudio:
    """No audio follows; `total_bytes` is what the client sent, if told."""

    total_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class ResponsesReceived:
    """The client has kept the responses up to the one with this number."""

    sequence: int


ClientMessage = AudioBytes | FinalizeUtterance | KeepAlive | EndOfAudio | ResponsesReceived


class Door(Protocol):
    """One client's stream, whatever the transport. One reader and one writer use it."""

    async def receive(self) -> ClientMessage | None:
        """The next message; None when the client sends no more.

        Raises:
            ClientError: the message is malformed.
        """

    async def send(self, event: NumberedEvent) -> None:
        """Deliver `event`; returns when the transport has taken it."""
