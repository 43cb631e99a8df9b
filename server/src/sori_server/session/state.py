"""The life of a session as a table.

Rules of this file: every trigger that may move a session, and where it moves it, is
here; what else happens then is in `core`.
"""

from __future__ import annotations

import enum
from typing import Final

from sori_server.domain.errors import ProtocolViolation


class State(enum.Enum):
    """Where a session is in its life."""

    OPEN = "open"
    """Audio may come."""
    ENDING = "ending"
    """All audio came; final results are outstanding."""
    CLOSED = "closed"
    """Everything was said; the summary is the last event."""


class Trigger(enum.Enum):
    """What can happen to a session."""

    AUDIO = "audio"
    FINALIZE = "finalize"
    END_OF_AUDIO = "end of audio"
    OUTCOME = "outcome of a window"
    ALL_FINAL = "all final"


TRANSITIONS: Final[dict[State, dict[Trigger, State]]] = {
    State.OPEN: {
        Trigger.AUDIO: State.OPEN,
        Trigger.FINALIZE: State.OPEN,
        Trigger.OUTCOME: State.OPEN,
        Trigger.END_OF_AUDIO: State.ENDING,
    },
    State.ENDING: {
        Trigger.OUTCOME: State.ENDING,
        Trigger.END_OF_AUDIO: State.ENDING,
        Trigger.ALL_FINAL: State.CLOSED,
    },
    State.CLOSED: {
        Trigger.OUTCOME: State.CLOSED,
        Trigger.END_OF_AUDIO: State.CLOSED,
    },
}
"""Everything that may happen; nothing else may. Ending twice is no error, and outcomes of
withdrawn windows may come late."""


def next_state(state: State, trigger: Trigger) -> State:
    """Where `trigger` leads from `state`.

    Raises:
        ProtocolViolation: it may not happen there.
    """
    try:
        return TRANSITIONS[state][trigger]
    except KeyError:
        raise ProtocolViolation(f"{trigger.value} after the session was {state.value}") from None
