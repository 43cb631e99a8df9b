"""LocalAgreement-2: text two successive hypotheses agree on is committed.

After Macháček, Dabre and Bojar, "Turning Whisper into Real-Time Transcription System"
(2023). Committed text only grows; what the newest hypothesis says beyond it is tentative.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sori_server.session.text import Token, aligned_length

HOLD_BACK: Final = 1
"""Newest words of a hypothesis that are never committed: they may be cut in the middle."""


class Agreement:
    """Committed and tentative tokens of one recognition window."""

    def __init__(self) -> None:
        self._committed: list[Token] = []
        self._tentative: list[Token] = []

    @property
    def committed(self) -> Sequence[Token]:
        """Tokens that stay, oldest first, with the times of the newest hypothesis if it had any."""
        return self._committed

    @property
    def tentative(self) -> Sequence[Token]:
        """Tokens of the newest hypothesis beyond the committed ones."""
        return self._tentative

    def receive(self, tokens: Sequence[Token]) -> None:
        """Take the next hypothesis for the window, grown by some audio."""
        rest = self._beyond_committed(tokens)
        agreed = _agreeing(rest, self._tentative, len(rest) - HOLD_BACK)
        self._committed.extend(rest[:agreed])
        self._tentative = rest[agreed:]

    def finish(self, tokens: Sequence[Token]) -> list[Token]:
        """The window's final tokens: the committed ones, then what the final hypothesis adds."""
        return self._committed + self._beyond_committed(tokens)

    def seal(self) -> list[Token]:
        """Take the committed tokens out: the window moves past them."""
        sealed, self._committed = self._committed, []
        return sealed

    def _beyond_committed(self, tokens: Sequence[Token]) -> list[Token]:
        """What `tokens` add to the committed ones, whose times are brought up to date."""
        count = aligned_length(self._committed, tokens)
        self._committed = _retimed(self._committed, tokens[:count])
        return list(tokens[count:])


def _agreeing(tokens: Sequence[Token], earlier: Sequence[Token], most: int) -> int:
    """How many leading tokens agree with `earlier`, at most `most`."""
    count = 0
    for token, other in zip(tokens, earlier, strict=False):
        if count >= most or token.key != other.key:
            break
        count += 1
    return max(count, 0)


def _retimed(committed: Sequence[Token], spoken: Sequence[Token]) -> list[Token]:
    """`committed` with the times of `spoken`, which says the same in perhaps other words."""
    if not spoken or spoken[0].start is None:
        return list(committed)
    timed = []
    for i, token in enumerate(committed):
        first = spoken[i * len(spoken) // len(committed)]
        last = spoken[max((i + 1) * len(spoken) // len(committed) - 1, 0)]
        end = max(last.end or 0, first.end or 0)
        confidence = min(first.confidence, last.confidence)
        timed.append(Token(token.text, token.key, first.start, end, confidence))
    return timed
