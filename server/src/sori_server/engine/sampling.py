"""Text sampled at a temperature, the same one every time.

CTranslate2 seeds its random numbers once for each of its threads, so what it samples
depends on everything it sampled before. Here it only continues texts with their most
probable tokens and says the logits of each step; the tokens are drawn from those, by
inversion of the distribution function (Devroye, 1986, chapter III), with numbers that are
fixed. At the first token drawn that is not the most probable one, the text is continued
from there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sori_server.engine.port import FloatArray

SAMPLES: Final = 5
"""Texts sampled of one window: `best_of` of other Whisper programs."""
ROUNDS: Final = 8
"""Times a text is drawn from and continued; what is left then keeps its most probable end."""

_SEED: Final = 448


@dataclass(frozen=True, slots=True, repr=False)
class Continuation:
    """A text with its most probable end.

    `logits` [steps, end + 1] are those of each token and, where the text ended by itself, of
    the end of text, the last column; there may be more.
    """

    tokens: tuple[int, ...]
    logits: FloatArray
    no_speech_probability: float = 0.0

    @property
    def log_probability(self) -> float:
        """The average over all tokens and the end of text."""
        count = len(self.tokens)
        chosen = [*self.tokens, self.logits.shape[1] - 1][: len(self.logits)]
        logits = self.logits[: len(chosen)]
        spread = np.logaddexp.reduce(logits, axis=1)
        return float(np.sum(logits[np.arange(len(chosen)), chosen] - spread)) / (count + 1)


@dataclass(frozen=True, slots=True, repr=False)
class _Draft:
    """The tokens drawn so far; `finished` when the end of text was drawn, too."""

    tokens: tuple[int, ...] = ()
    finished: bool = False


Continue = Callable[[Sequence[tuple[int, ...]]], list[Continuation]]
"""The most probable ends of texts: each result starts with the tokens given."""


def sample(continued: Continue, steps: int, temperature: float) -> list[Continuation]:
    """`SAMPLES` texts of at most `steps` tokens."""
    chances = np.random.default_rng(_SEED).random((SAMPLES, steps))
    drafts = [_Draft()] * SAMPLES
    texts = continued([draft.tokens for draft in drafts])
    for _ in range(ROUNDS):
        drafts = [
            draft if draft.finished else _drawn(draft, text, row, temperature)
            for draft, text, row in zip(drafts, texts, chances, strict=True)
        ]
        texts = continued([draft.tokens for draft in drafts])
        if all(draft.finished for draft in drafts):
            break
    return [
        replace(text, tokens=draft.tokens) if draft.finished else text
        for draft, text in zip(drafts, texts, strict=True)
    ]


def _drawn(
    draft: _Draft, text: Continuation, chances: NDArray[np.float64], temperature: float
) -> _Draft:
    """The draft with further tokens, up to the first that is not the most probable one."""
    end = text.logits.shape[1] - 1
    expected = [*text.tokens, end]
    steps = min(len(text.logits), len(chances))
    for step in range(len(draft.tokens), steps):
        token = _inverted(text.logits[step], temperature, chances[step])
        if token == end:
            return _Draft(text.tokens[:step], finished=True)
        if token != expected[step]:
            return _Draft((*text.tokens[:step], token))
    return _Draft(text.tokens[:steps], finished=True)


def _inverted(logits: FloatArray, temperature: float, chance: float) -> int:
    """The token whose stretch of the distribution function holds `chance`, 0 to 1."""
    scaled = (logits.astype(np.float64) - logits.max()) / temperature
    weights = np.cumsum(np.exp(scaled))
    return int(np.searchsorted(weights, chance * weights[-1], side="right"))
