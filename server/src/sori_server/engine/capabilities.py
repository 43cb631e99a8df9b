"""What a model is known to bear, beyond what its weights say."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sori_server.domain.config import LONGEST_UTTERANCE

CARD: Final = "sori.json"
"""File beside the weights that holds these fields; absent for stock models."""

CONTEXT_TOKENS: Final = 208
"""Most tokens of a prompt: the multiple of 16 within Whisper's own limit of 223. Next to them
224 new tokens find room in 448 positions."""

STOCK_SLACK: Final = 2.56
"""128 positions of the encoder, what large-v3 was tried with by others: it lost 2 points of WER
so, and large-v3-turbo 47."""

SLACK: Final = 1.28
"""64 positions: what models that were trained for short windows want."""

COMMIT_CONFIDENCE: Final = 0.6
"""For models whose card does not say; not measured on stock models yet."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Properties of a model that decide how its windows are decoded.

    `short_windows`: the model reads windows that are not padded to 30 s; stock Whisper
    models do not (large-v3-turbo: WER 15 becomes 63).
    `window_slack`: seconds of padding that a short window has at least.
    `buckets`: short windows are padded to one of a few lengths, so that they batch. Without
    (`dataclasses.replace`: no card or setting says so) each has a length of its own, to
    measure what buckets are worth.
    `timestamps`: decode with timestamp tokens instead of `<|notimestamps|>`.
    `max_utterance`: seconds of speech the model reads well in one go; utterances are cut
    there unless a client asks for another length.
    `commit_confidence`: least confidence (geometric mean of token probabilities) of an
    interim that commits words.
    `context_tokens`: tokens before a window (hotwords, prompt, earlier text) the model bears.
    `condition_on_previous_text`: earlier text of a stream helps the model; Whisper models
    are trained on it, and windows that start in mid-sentence need it.
    `languages`: ISO 639-1 codes the model was trained for; empty for all it has tokens for.
    """

    short_windows: bool = False
    window_slack: float = STOCK_SLACK
    buckets: bool = True
    timestamps: bool = False
    max_utterance: float = LONGEST_UTTERANCE
    commit_confidence: float = COMMIT_CONFIDENCE
    context_tokens: int = CONTEXT_TOKENS
    condition_on_previous_text: bool = True
    languages: tuple[str, ...] = ()

    @classmethod
    def of(cls, folder: Path) -> Capabilities:
        """What the card in a model's folder says; the defaults where there is none.

        Raises:
            ValueError: the card is not a JSON object.
        """
        card = folder / CARD
        if not card.is_file():
            return cls()
        fields = json.loads(card.read_text(encoding="utf-8"))
        if not isinstance(fields, dict):
            raise ValueError(f"{card} must hold a JSON object")
        short_windows = bool(fields.get("short_windows", False))
        slack = SLACK if short_windows else STOCK_SLACK
        return cls(
            short_windows=short_windows,
            window_slack=max(float(fields.get("window_slack", slack)), 0.0),
            timestamps=bool(fields.get("timestamps", False)),
            max_utterance=float(fields.get("max_utterance", LONGEST_UTTERANCE)),
            commit_confidence=float(fields.get("commit_confidence", COMMIT_CONFIDENCE)),
            context_tokens=min(int(fields.get("context_tokens", CONTEXT_TOKENS)), CONTEXT_TOKENS),
            condition_on_previous_text=bool(fields.get("condition_on_previous_text", True)),
            languages=tuple(fields.get("languages", ())),
        )
