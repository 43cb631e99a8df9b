"""What an interim result shows of what was heard: text that rarely has to be taken back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from sori_server.session.text import Token, alike

MASKED: Final = 1
"""Newest words that are not shown: the last one is often cut in the middle."""
_STOPS: Final = ".,?!;:…。、，？！"


class Display:
    """The tentative text of one utterance, steadied in two ways.

    While speech goes on, the newest word is masked (Arivazhagan and others, "Re-translation
    versus Streaming for Simultaneous Translation", 2020). And words that contradict shown
    ones replace them only when two hypotheses in a row say so: what one hypothesis alone
    changes or drops, the next one mostly brings back. The first hypothesis is shown whole, as
    there is nothing else. A stop at the end neither comes nor goes as long as no word does.
    """

    def __init__(self) -> None:
        self._shown: list[Token] = []
        self._heard: Sequence[Token] = ()
        self._ended = False

    def show(
        self, committed: Sequence[Token], tentative: Sequence[Token], *, speaking: bool
    ) -> list[Token]:
        """The tentative tokens to show after `committed`, which holds all committed so far.

        `speaking` tells whether speech went on to the end of what was heard.
        """
        sure, heard = len(committed), [*committed, *tentative]
        masked = MASKED if self._heard and speaking else 0
        wanted = heard[: max(len(heard) - masked, sure)]
        before = [token.key for token in self._shown]
        same = alike(wanted, self._shown)
        if same < len(self._shown) and same >= sure and not self._confirmed(wanted, same):
            self._shown[:sure] = committed
        else:
            self._shown = wanted
        self._heard = heard
        if [token.key for token in self._shown] != before:
            self._ended = not speaking
        return self._shown[sure:] if self._ended else _open_ended(self._shown[sure:])

    def _confirmed(self, wanted: Sequence[Token], place: int) -> bool:
        """Whether the hypothesis before had the same word at this place."""
        if place >= min(len(wanted), len(self._heard)):
            return False
        return wanted[place].key == self._heard[place].key


def _open_ended(tokens: list[Token]) -> list[Token]:
    """The tokens without a stop at their end: Whisper closes every window with one."""
    if not tokens:
        return tokens
    last = replace(tokens[-1], text=tokens[-1].text.rstrip(_STOPS))
    return [*tokens[:-1], last] if last.text.strip() else tokens[:-1]
