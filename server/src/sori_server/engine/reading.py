"""What a window's tokens are worth: the verdict of the guards on them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from sori_server.engine.hallucination import is_doubtful, is_silence, letters, without_loop
from sori_server.engine.vocabulary import Vocabulary
from sori_server.engine.whisper_calls import Decoded


@dataclass(frozen=True, slots=True, repr=False)
class Reading:
    """Text tokens of a window, whole characters and no loop, and the guards' verdict on them.

    `confidence` is the geometric mean of the token probabilities, less by the share of the
    text that a loop took: a decoder in a loop is sure of itself.
    """

    tokens: tuple[int, ...]
    confidence: float
    no_speech: bool
    doubtful: bool


def judged(
    decoded: Decoded, vocabulary: Vocabulary, *, seconds: float, no_speech_threshold: float
) -> Reading:
    """The reading of what was decoded of a window of so many seconds."""
    confidence = min(math.exp(decoded.log_probability), 1.0)
    if is_silence(decoded.log_probability, decoded.no_speech_probability, no_speech_threshold):
        return Reading((), confidence, no_speech=True, doubtful=False)
    text = vocabulary.text(decoded.tokens)
    once = without_loop(text) if letters(text) else ""
    return Reading(
        vocabulary.spelled(once, decoded.tokens),
        confidence * len(once) / len(text) if text else confidence,
        no_speech=False,
        doubtful=bool(text) and is_doubtful(text, decoded.log_probability, seconds),
    )


def best(readings: Iterable[Reading]) -> Reading:
    """The first of the most confident among those no guard objects to, or among all."""
    return max(readings, key=lambda reading: (not reading.doubtful, reading.confidence))
