"""Names of sessions."""

from __future__ import annotations

import secrets
from typing import Final

_BYTES: Final = 9


def new_session_id() -> str:
    """A name that no other session has."""
    return secrets.token_urlsafe(_BYTES)
