"""Names of models that mean the one served here."""

from __future__ import annotations

from typing import Final

ALIASES: Final = frozenset(
    {"auto", "gpt-4o-mini-transcribe", "gpt-4o-transcribe", "gpt-transcribe", "whisper-1"}
)
"""What programs made for OpenAI ask for."""


def served_name(name: str) -> str:
    """`name` for the backend: empty, the server's own model, if it is an alias."""
    return "" if name in ALIASES else name
