"""Results as styled text: what is committed is solid, what may change is dim."""

from __future__ import annotations

from rich.text import Text
from sori_client.types import Result

DIM = "bright_black"
"""Grey on dark and on light terminals; `dim` is lost on some."""


def interim(result: Result) -> Text:
    """The text so far."""
    return Text.assemble(result.committed_text.lstrip(), (result.tentative_text, DIM))


def speaker(result: Result) -> str:
    """Which channel was heard, where channels are recognized separately."""
    return f"[{result.channel}] " if result.channel else ""


def words(result: Result) -> Text:
    """Each word with the second it starts at."""
    parts = [Text.assemble(f"{word.text} ", (f"{word.start:.2f}", DIM)) for word in result.words]
    return Text("  ").join(parts)


def clock(seconds: float) -> str:
    """Minutes, seconds and tenths; hours when there are any."""
    minutes, rest = divmod(round(seconds * 10), 600)
    hours, minutes = divmod(minutes, 60)
    head = f"{hours}:{minutes:02}" if hours else f"{minutes}"
    return f"{head}:{rest // 10:02}.{rest % 10}"
