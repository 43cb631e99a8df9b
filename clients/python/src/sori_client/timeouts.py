"""How long a client waits for what."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Every wait of a client, in seconds; longer ones end with `DeadlineExceeded`."""

    connect: float = 5.0
    """One attempt to connect, encryption included; then `Unavailable`."""
    response: float = 60.0
    """An answer: to a question, to the start of a stream, to its end, and between two
    events after that. While audio is sent, a server may be silent."""
    recognize: float = 600.0
    """The text of a whole recording."""
    resume: float = 10.0
    """The answer to an attempt to go on after a lost connection; then comes the next attempt."""
