"""Guards against text that nobody said. Pure: they see text and scores, never audio.

Whisper invents text in silence, repeats itself until its tokens run out and fills noise
with improbable words. The first two thresholds are those of OpenAI's `transcribe()`
(Radford et al., 2022, section 4.5); lengths are counted so that scripts compare: in letters
of the canonical decomposition, where a Korean syllable has two or three, as it has sounds.
"""

from __future__ import annotations

import unicodedata
import zlib
from typing import Final

DOUBTFUL_LOG_PROBABILITY: Final = -1.0
"""Average log-probability of the tokens below which a text is doubtful."""
DOUBTFUL_COMPRESSION: Final = 2.4
"""Ratio of compression above which a text repeats itself."""
COMPRESSIBLE: Final = 64
"""Bytes of UTF-8 below which the ratio says nothing."""
LOOP_REPEATS: Final = 4
"""Times something is said in a row that make a loop."""
LOOP_LETTERS: Final = 24
"""Letters a loop has at least: "no no no no" and "네 네 네 네" are speech, and a decoder in a
loop does not stop there."""
LETTERS_PER_SECOND: Final = 30.0
"""Letters nobody says in a second. Our recordings have up to 17.8 in English, 13.3 in Korean."""
LETTERS_AT_ONCE: Final = 15
"""Letters that any window may hold beyond that rate: it may cut words at both ends."""


def is_silence(log_probability: float, no_speech_probability: float, threshold: float) -> bool:
    """Whether a text is noise read as words: improbable, where speech is improbable too."""
    improbable = log_probability < DOUBTFUL_LOG_PROBABILITY
    return improbable and no_speech_probability > threshold


def is_doubtful(text: str, log_probability: float, seconds: float) -> bool:
    """Whether any guard objects to the text, loop included, of so many seconds of audio.

    Marks without a word are what is left of a prompt that the model cannot go on from.
    """
    return (
        log_probability < DOUBTFUL_LOG_PROBABILITY
        or not letters(text)
        or compression_ratio(text) > DOUBTFUL_COMPRESSION
        or letters(text) > LETTERS_AT_ONCE + LETTERS_PER_SECOND * seconds
        or without_loop(text) != text
    )


def compression_ratio(text: str) -> float:
    """How much smaller zlib makes the text; 1.0 where it is too short to tell."""
    raw = text.strip().encode()
    return len(raw) / len(zlib.compress(raw)) if len(raw) >= COMPRESSIBLE else 1.0


def without_loop(text: str) -> str:
    """The text with a loop at its end said once: words, characters or parts of a long word.

    A loop is the longest end that repeats itself, case and punctuation aside, at least
    `LOOP_REPEATS` times; the last time may be unfinished.
    """
    plain, places = _plain(text)
    for period in range(1, len(plain) // LOOP_REPEATS + 1):
        length = period
        while length < len(plain) and plain[-1 - length] == plain[-1 - length + period]:
            length += 1
        if length < LOOP_REPEATS * period or letters(plain[-length:]) < LOOP_LETTERS:
            continue
        last = places[len(plain) - length + period - 1]
        return text[: _past_marks(text, last + 1)].rstrip()
    return text


def letters(text: str) -> int:
    """Letters and digits of the canonical decomposition."""
    return sum(character.isalnum() for character in unicodedata.normalize("NFD", text))


def _plain(text: str) -> tuple[str, list[int]]:
    """Letters in lower case with one space before each word, and the place of each character."""
    kept: list[tuple[str, int]] = [(" ", 0)]
    for place, character in enumerate(text):
        if character.isalnum():
            kept.append((character.lower()[0], place))
        elif character.isspace() and kept[-1][0] != " ":
            kept.append((" ", place))
    if kept[-1][0] == " ":
        kept.pop()
    return "".join(character for character, _ in kept), [place for _, place in kept]


def _past_marks(text: str, end: int) -> int:
    """`end` moved past the punctuation that follows it."""
    while end < len(text) and not (text[end].isalnum() or text[end].isspace()):
        end += 1
    return end
