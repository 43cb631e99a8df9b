"""Where a session of this server begins: anew, or with what a token tells of it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Final

from sori_server.domain.checkpoint import Checkpoint
from sori_server.runtime.resume_tokens import Ticket, Turn

_ID_BYTES: Final = 9


def new_session_id() -> str:
    """A name that no other session has."""
    return secrets.token_urlsafe(_ID_BYTES)


@dataclass(frozen=True, slots=True)
class Origin:
    """The session's name, the text its client has, and the turn of its first connection here."""

    session_id: str = field(default_factory=new_session_id)
    checkpoint: Checkpoint | None = None
    """None for no text."""
    last_sequence: int = 0
    turn: Turn = field(default_factory=Turn.first)
    spent: Turn | None = None
    """The turn of the token that brought the session here."""

    @classmethod
    def told_by(cls, ticket: Ticket, last_sequence: int) -> Origin:
        """That of a session of which only a token is left."""
        turn = ticket.turn
        return cls(ticket.session_id, ticket.checkpoint, last_sequence, turn.next(), turn)
