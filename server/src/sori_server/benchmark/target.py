"""What is measured: a server that is spoken to in conversations, whatever its protocol.

One module for each protocol implements `Target` and `Conversation`; `targets.py` lists them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sori_server.domain.errors import SoriError

Pcm = NDArray[np.int16]
"""Mono samples at 16 kHz."""


class ConversationFailed(SoriError):
    """The server, or the way to it, ended a conversation that was not over."""


@dataclass(frozen=True, slots=True)
class Told:
    """What the server itself says of one result. Times are seconds."""

    queue: float
    """Waiting for the engine."""
    total: float
    """From the moment the window was wanted until its text was ready."""
    endpointing: float
    """Silence waited for before the utterance counted as over; zero if none was."""
    batch_size: int
    """Windows that shared the model call."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One result. `start` and `end` are seconds of the stream's audio it covers."""

    utterance: int
    """The same for all results of one utterance, the final one among them."""
    text: str = field(repr=False)
    is_final: bool
    start: float
    end: float
    told: Told | None = None


class Conversation(Protocol):
    """One stream. One task sends, another one takes the events.

    Each method raises `CapacityExhausted` if the server had no room for the stream and
    `ConversationFailed` for any other end before the time.
    """

    async def send(self, samples: Pcm) -> None:
        """Send audio; returns when the connection has taken it, so it may wait for the server."""

    async def end(self) -> None:
        """Say that no more audio follows."""

    def events(self) -> AsyncIterator[Heard]:
        """All results as they come, until the server has said everything."""

    @property
    def acknowledged(self) -> int | None:
        """Samples the server says it has received; None where it does not tell."""


class Target(Protocol):
    """A server to measure: a frozen value that can be pickled, since other processes use it."""

    @property
    def url(self) -> str:
        """How a user names it."""

    def open(self, language: str) -> AbstractAsyncContextManager[Conversation]:
        """A conversation in this language (Whisper's code) on a connection of its own.

        Entering connects and may raise what the methods of a conversation raise; leaving
        takes the connection down, whatever state it is in.
        """
