"""Word-bearing audio and its checker: the transcript is a function of the audio.

After any history of faults one assertion suffices: `assert_heard(finals, words)`.
The encoding is described in `sori_server.engine.fake`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from sori_server.engine.fake import WORD_SAMPLES, level

Audio = NDArray[np.float32]

_WORD = re.compile(r"w(\d+)")


def speak(words: Iterable[int]) -> Audio:
    """100 ms of audio for each word, mono float32 at 16 kHz."""
    levels = np.array([level(word) for word in words], np.float32)
    return np.repeat(levels, WORD_SAMPLES)


def silence(frames: int) -> Audio:
    """Silence of this many 100 ms frames, so that words stay on their grid."""
    return np.zeros(frames * WORD_SAMPLES, np.float32)


def conversation(utterances: Iterable[Sequence[int]], pause: int = 8) -> Audio:
    """Utterances with `pause` frames of 100 ms silence before, between and after them."""
    parts = [silence(pause)]
    for words in utterances:
        parts += [speak(words), silence(pause)]
    return np.concatenate(parts)


def linear16(audio: Audio) -> bytes:
    """The audio as LINEAR16 bytes."""
    return np.round(audio * 32_768).astype("<i2").tobytes()


def float32(audio: Audio) -> bytes:
    """The audio as FLOAT32 bytes."""
    return audio.astype("<f4").tobytes()


def heard_words(text: str) -> list[int]:
    """The words of a transcript; -1 for one that was never spoken."""
    matches = (_WORD.fullmatch(piece) for piece in text.split())
    return [int(match[1]) if match else -1 for match in matches]


def assert_heard(finals: Iterable[str], spoken: Sequence[int]) -> None:
    """The finals, joined, are all words spoken: in order, no gap, none twice."""
    heard = [word for text in finals for word in heard_words(text)]
    if heard == list(spoken):
        return
    pairs = zip(heard, spoken, strict=False)
    first = next((i for i, (got, want) in enumerate(pairs) if got != want), None)
    place = min(len(heard), len(spoken)) if first is None else first
    raise AssertionError(
        f"{len(heard)} words heard, {len(spoken)} spoken; at word {place}: "
        f"heard {heard[place : place + 5]}, spoken {list(spoken[place : place + 5])}"
    )
