"""LocalAgreement-2: text two successive hypotheses agree on is committed.

After Macháček, Dabre and Bojar, "Turning Whisper into Real-Time Transcription System"
(2023). Committed text only grows; what the newest hypothesis says beyond it is tentative.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from sori_server.session.text import Token, align, alike
from sori_server.session.windowing import HOLD_BACK

ANCHOR: Final = 2
"""Committed words that stay when the window moves: hypotheses of the new window say them
again, and are lined up by them."""


class Agreement:
    """Committed and tentative tokens of one recognition window."""

    def __init__(self) -> None:
        self._committed: list[Token] = []
        self._tentative: list[Token] = []
        self._border: int | None = None
        self._committed_end = 0
        self._heard_end = 0

    @property
    def committed(self) -> Sequence[Token]:
        """Tokens that stay, oldest first, with the times of the newest hypothesis if it had any."""
        return self._committed

    @property
    def tentative(self) -> Sequence[Token]:
        """Tokens of the newest hypothesis beyond the committed ones."""
        return self._tentative

    @property
    def committed_end(self) -> int:
        """No committed word is spoken after this position."""
        return self._committed_end

    @property
    def border(self) -> int | None:
        """Position between the committed words that may leave and the `ANCHOR` that stay.

        None unless the two newest hypotheses both had the two words beside it, in the same
        places: a word more or less somewhere would move the border across words.
        """
        return self._border

    def receive(self, tokens: Sequence[Token], end: int, *, sure: bool = True) -> None:
        """Take the next hypothesis for the window, which was heard up to `end`.

        It commits nothing unless the model is `sure` of it.
        """
        earlier = [*self._committed, *self._tentative]
        ends = self._retime(tokens)
        count = ends[-1] if ends else 0
        most = len(tokens) - count - HOLD_BACK if sure else 0
        agreed = max(min(alike(tokens[count:], self._tentative), most), 0)
        if agreed:
            self._committed_end = self._heard_end
        self._heard_end = end
        ends.extend(range(count + 1, count + agreed + 1))
        self._committed.extend(tokens[count : count + agreed])
        self._tentative = list(tokens[count + agreed :])
        self._border = _agreed_border(earlier, tokens, ends[:-ANCHOR])

    def said_by(self, tokens: Sequence[Token]) -> int:
        """How many of `tokens` say the committed text."""
        ends = align(self._committed, tokens)
        return ends[-1] if ends else 0

    def finish(self, tokens: Sequence[Token]) -> list[Token]:
        """The window's final tokens: the committed ones, then what the final hypothesis adds.

        Committed ones that it lacks have no times: those they had need not fit between its own.
        """
        ends = self._retime(tokens)
        if not tokens:
            return list(self._committed)
        kept = [
            token if start < end else token.untimed()
            for token, start, end in zip(self._committed, [0, *ends], ends, strict=False)
        ]
        return kept + list(tokens[ends[-1] if ends else 0 :])

    def seal(self) -> list[Token]:
        """Take out the committed tokens before `border`: the window moves there."""
        sealed, self._committed = self._committed[:-ANCHOR], self._committed[-ANCHOR:]
        self._border = None
        return sealed

    def _retime(self, tokens: Sequence[Token]) -> list[int]:
        """Give the committed tokens the times of `tokens`; how many say the text up to each."""
        ends = align(self._committed, tokens)
        start = 0
        for i, end in enumerate(ends):
            if start < end and tokens[start].start is not None:
                self._committed[i] = _timed(self._committed[i], tokens[start:end])
            start = end
        return ends


def _timed(token: Token, spoken: Sequence[Token]) -> Token:
    """`token` with the times of `spoken`, which says the same."""
    confidence = min(other.confidence for other in spoken)
    return replace(token, start=spoken[0].start, end=spoken[-1].end, confidence=confidence)


def _agreed_border(
    earlier: Sequence[Token], tokens: Sequence[Token], ends: Sequence[int]
) -> int | None:
    """The border after the words that `ends` counts, if both hypotheses have it there."""
    if not ends or not 0 < ends[-1] < len(tokens):
        return None
    leaving, staying = tokens[ends[-1] - 1], tokens[ends[-1]]
    if not _same_place(leaving, earlier[len(ends) - 1]):
        return None
    if not _same_place(staying, earlier[len(ends)]):
        return None
    end, start = leaving.end or 0, staying.start or 0
    return (end + max(start, end)) // 2


def _same_place(token: Token, other: Token) -> bool:
    """Whether both are the same word, spoken at the same time."""
    if token.start is None or token.end is None or other.start is None or other.end is None:
        return False
    return token.key == other.key and token.start <= other.end and other.start <= token.end
