"""A track as a client sends it: pieces of 100 ms, in lock step or at the pace of speech."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from typing import Final, Protocol

from sori_server.domain.audio import SAMPLE_RATE
from sori_server.evaluation.measuring import CHUNK
from sori_server.evaluation.references import Track

PIECE: Final = round(CHUNK * SAMPLE_RATE)
SAMPLE_BYTES: Final = 2

Finalize = None
"""In a feed: end the utterance here."""
Feed = AsyncGenerator[bytes | None, None]
Settled = Callable[[], Awaitable[None]]
"""Returns when all that was asked was answered and told."""


class Clock(Protocol):
    """When something arrives, in seconds from the first sample of the track."""

    def now(self) -> float:
        """The time."""


def pieces(track: Track, finalized_at: Sequence[float] = ()) -> Iterator[bytes | None]:
    """The audio in order, with None wherever the utterance is to end."""
    ends = list(finalized_at)
    for first in range(0, len(track.pcm), PIECE):
        piece = track.pcm[first : first + PIECE]
        yield piece.astype("<i2").tobytes()
        while ends and ends[0] * SAMPLE_RATE <= first + len(piece):
            yield Finalize
            ends.pop(0)


class LockStep:
    """A feed that gives a piece when everything asked before was answered and told.

    Its clock is the audio handed over, so that the texts and times of a stream are a
    function of the audio, whatever the machine is doing.
    """

    latest: Final = 0.0
    """Nothing is late."""

    def __init__(self) -> None:
        self._samples = 0

    def now(self) -> float:
        """Seconds of audio handed over."""
        return self._samples / SAMPLE_RATE

    async def feed(self, parts: Iterator[bytes | None], settled: Settled) -> Feed:
        """The parts, each after `settled` has returned."""
        for part in parts:
            await settled()
            self._samples += len(part or b"") // SAMPLE_BYTES
            yield part
        await settled()


class Paced:
    """A feed that gives a piece when its last sample has just been spoken.

    The schedule is absolute, so a late piece delays none after it. The clock starts with
    the first piece asked for.
    """

    def __init__(self) -> None:
        self._began = 0.0
        self.latest = 0.0
        """Most seconds a piece was given too late."""

    def now(self) -> float:
        """Seconds since the first sample was spoken."""
        return asyncio.get_running_loop().time() - self._began

    async def feed(self, parts: Iterator[bytes | None], settled: Settled | None = None) -> Feed:
        """The parts, on time; speech waits for nobody."""
        del settled
        self._began = asyncio.get_running_loop().time()
        sent = 0
        for part in parts:
            sent += len(part or b"") // SAMPLE_BYTES
            due = sent / SAMPLE_RATE
            if (early := due - self.now()) > 0:
                await asyncio.sleep(early)
            self.latest = max(self.latest, self.now() - due)
            yield part
