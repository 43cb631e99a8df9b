"""What streams say: audio without an end, and what is said in it and when."""

from __future__ import annotations

import enum
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final

from sori_server.benchmark.target import Pcm
from sori_server.domain.audio import SAMPLE_RATE

CHUNK: Final = 1_600
"""Samples sent at a time."""
CHUNK_SECONDS: Final = CHUNK / SAMPLE_RATE


@dataclass(frozen=True, slots=True)
class Spoken:
    """An utterance and where it lies. Times are seconds; `words` are starts and ends."""

    block: str
    """Names the block it is part of, the same in all scripts."""
    text: str = field(repr=False)
    start: float
    end: float
    words: tuple[tuple[float, float], ...] = field(repr=False)

    def later(self, seconds: float) -> Spoken:
        """The same utterance, said `seconds` later."""
        words = tuple((start + seconds, end + seconds) for start, end in self.words)
        return Spoken(self.block, self.text, self.start + seconds, self.end + seconds, words)


@dataclass(frozen=True, slots=True)
class Block:
    """One utterance with the silence around it: the same samples wherever it is used.

    `language` is Whisper's code.
    """

    language: str
    pcm: Pcm = field(repr=False)
    spoken: Spoken


@dataclass(frozen=True, slots=True)
class Script:
    """Runs of audio one after another, again and again. `language` is Whisper's code.

    The runs are shared by all scripts they are in; `firsts` are the numbers of their first
    chunks, and at the end the number of all.
    """

    language: str
    parts: tuple[Pcm, ...] = field(repr=False)
    firsts: tuple[int, ...] = field(repr=False)
    spoken: tuple[Spoken, ...]

    @classmethod
    def of(cls, language: str, parts: Sequence[Pcm], spoken: Sequence[Spoken] = ()) -> Script:
        """A script of runs whose lengths are multiples of `CHUNK`."""
        firsts = accumulate((len(part) // CHUNK for part in parts), initial=0)
        return cls(language, tuple(parts), tuple(firsts), tuple(spoken))

    @property
    def duration(self) -> float:
        """Seconds of one round."""
        return self.firsts[-1] * CHUNK / SAMPLE_RATE

    def chunk(self, number: int) -> Pcm:
        """The chunk of this number, 0 and up without end."""
        number %= self.firsts[-1]
        part = bisect_right(self.firsts, number) - 1
        first = (number - self.firsts[part]) * CHUNK
        return self.parts[part][first : first + CHUNK]

    def spoken_until(self, seconds: float) -> Iterator[Spoken]:
        """Everything that starts before, round after round."""
        for number in range(int(seconds // self.duration) + 1):
            for spoken in self.spoken:
                if (said := spoken.later(number * self.duration)).start < seconds:
                    yield said


def script_of(blocks: Sequence[Block], lead: Pcm) -> Script:
    """`lead`, then blocks of one language in this order; all lengths are multiples of `CHUNK`."""
    spoken, position = [], len(lead)
    for block in blocks:
        spoken.append(block.spoken.later(position / SAMPLE_RATE))
        position += len(block.pcm)
    return Script.of(blocks[0].language, [lead, *(block.pcm for block in blocks)], spoken)


class Manner(enum.Enum):
    """How a client behaves."""

    STEADY = "steady"
    """Sends at the pace of speech and reads all answers."""
    HASTY = "looping"
    """Sends as fast as the server takes it."""
    DEAF = "not reading"
    """Sends at the pace of speech and never reads an answer."""
    GARBLED = "rubbish"
    """As a steady one, but what it sends is no speech."""


@dataclass(frozen=True, slots=True)
class StreamPlan:
    """One stream of a run: when it connects and when its first chunk is due, in seconds."""

    number: int
    script: Script
    opens: float
    starts: float
    manner: Manner = Manner.STEADY

    @property
    def measured(self) -> bool:
        """Whether it is one of those whose figures count."""
        return self.manner is Manner.STEADY

    def due(self, position: float) -> float:
        """When the chunk that holds this second of the stream's audio is due."""
        return self.starts + int(position / CHUNK_SECONDS + 1e-9) * CHUNK_SECONDS
