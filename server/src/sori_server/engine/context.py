"""How many tokens of what comes before a window its prompt holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

CONTEXT_STEP: Final = 16
"""Windows share a call only with prompts of one length: longer ones are cut to multiples."""


def composed(
    hotwords: Sequence[int], text: Sequence[int], most: int, step: int = CONTEXT_STEP
) -> tuple[int, ...]:
    """`hotwords`, at most `most` tokens, and as much of the end of `text` as fits after them.

    Up to `step` tokens together are taken as they are; of more, text is dropped until a
    multiple of `step` is left. Hotwords are never cut for that: they would silently do
    nothing, while a length of their own only costs company.
    """
    length = min(len(hotwords) + len(text), most)
    if length > step:
        length -= length % step
    room = max(length - len(hotwords), 0)
    return (*hotwords, *text[len(text) - min(room, len(text)) :])
