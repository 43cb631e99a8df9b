"""Workloads: what the streams of a run say, how much of the time, and who disturbs them."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np

from sori_server.benchmark.blocks import EVEN, Piece, Rhythm, block_of, quiet
from sori_server.benchmark.scripts import CHUNK, Block, Manner, Script, StreamPlan, script_of
from sori_server.domain.audio import SAMPLE_RATE, samples

ROUND: Final = 300.0
"""Seconds a script has at least before it begins again."""
SHORT_PAUSE: Final = 0.3
"""Seconds between utterances of continuous speech."""
SHORTEST_PAUSE: Final = 1.0
"""Seconds between utterances that silence is to end."""
LOOP: Final = 10 * CHUNK
"""Samples of the speech that a looping client repeats."""


class Workload(enum.Enum):
    """The kinds of load."""

    CONTINUOUS = "continuous"
    """Speech with pauses of 0.3 s."""
    CONVERSATIONAL = "conversational"
    """Each utterance is followed by as much silence as it was long."""
    IDLE = "idle"
    """A fifth of the time is speech."""
    BURST = "burst"
    """The utterances of all streams end at the same instant."""
    HOSTILE = "hostile"
    """Conversational, with three clients more that disturb and are not measured."""


@dataclass(frozen=True, slots=True)
class Cast:
    """Everything streams can say; `seed` decides who says what."""

    workload: Workload
    seed: int
    blocks: tuple[Block, ...]

    def plans(self, streams: int, ramp: float) -> tuple[StreamPlan, ...]:
        """`streams` measured streams that connect in the first `ramp` seconds, and disturbers.

        A stream says the same whatever the number of streams is, and has its own place to begin
        at. When streams start to speak is random, but for `BURST`, where all start
        together.
        """
        rng = np.random.default_rng([self.seed, streams])
        together = self.workload is Workload.BURST
        plans = []
        for number, phase in enumerate(rng.uniform(0.0, ramp / streams, streams)):
            opens = ramp * number / streams
            starts = ramp if together else opens + float(phase)
            plans.append(StreamPlan(number, self._script(number), opens, starts))
        disturb = DISTURBERS if self.workload is Workload.HOSTILE else ()
        for number, manner in enumerate(disturb, start=streams):
            plans.append(StreamPlan(number, self._disturbance(manner), 0.0, 0.0, manner))
        return tuple(plans)

    def rehearsal(self) -> tuple[StreamPlan, ...]:
        """One stream for each language that says all its blocks once: what WER(1) is from.

        A block is the same samples in all scripts, after the same block, at the same place
        among chunks, VAD frames and hops: what is heard of it under load compares with what
        is heard of it here.
        """
        languages = sorted({block.language for block in self.blocks})
        scripts = (_script(self._in_order(language)) for language in languages)
        return tuple(StreamPlan(number, script, 0.0, 0.0) for number, script in enumerate(scripts))

    def _script(self, number: int) -> Script:
        """Blocks of one language in the order of all streams, from a place of its own on.

        The order is one for all because speech detection has a memory of some seconds: what
        it hears of a block depends on the block before.
        """
        order = np.random.default_rng(self.seed).permutation(len(self.blocks))
        blocks = self._in_order(self.blocks[order[number % len(order)]].language)
        first = np.random.default_rng([self.seed, 1]).permutation(len(blocks))[number % len(blocks)]
        chosen: list[Block] = []
        left = ROUND * SAMPLE_RATE
        while left > 0:
            chosen.append(blocks[(first + len(chosen)) % len(blocks)])
            left -= len(chosen[-1].pcm)
        return _script(chosen)

    def _in_order(self, language: str) -> list[Block]:
        """The blocks of a language, shuffled by the seed."""
        known = [block for block in self.blocks if block.language == language]
        order = np.random.default_rng([self.seed, len(known)]).permutation(len(known))
        return [known[place] for place in order]

    def _disturbance(self, manner: Manner) -> Script:
        if manner is Manner.DEAF:
            return self._script(len(self.blocks))
        if manner is Manner.GARBLED:
            noise = np.random.default_rng(self.seed).integers(-32_768, 32_768, 100 * CHUNK)
            return Script.of(self.blocks[0].language, [noise.astype(np.int16)])
        block = self.blocks[0]
        first = samples(block.spoken.start) // CHUNK * CHUNK
        return Script.of(block.language, [block.pcm[first : first + LOOP]])


def cast_of(pieces: Sequence[Piece], workload: Workload, seed: int) -> Cast:
    """The blocks of a workload."""
    rhythm = _burst(pieces) if workload is Workload.BURST else RHYTHMS[workload]
    blocks = (block_of(piece, rhythm, number) for number, piece in enumerate(pieces))
    return Cast(workload, seed, tuple(blocks))


def _script(blocks: Sequence[Block]) -> Script:
    return script_of(blocks, quiet(EVEN, seed=0))


def _burst(pieces: Sequence[Piece]) -> Rhythm:
    """Blocks of one length, in which speech ends at one place."""
    latest = max(piece.spoken.end for piece in pieces)

    def after(piece: Piece) -> float:
        return latest / 2 + SHORTEST_PAUSE - (piece.duration - piece.spoken.end)

    return Rhythm(lambda piece: latest - piece.spoken.end, after)


def _none(_: Piece) -> float:
    return 0.0


def _short_pause(piece: Piece) -> float:
    """What is missing in the margins of pieces."""
    return max(SHORT_PAUSE - piece.spoken.start - (piece.duration - piece.spoken.end), 0.0)


RHYTHMS: Final[Mapping[Workload, Rhythm]] = MappingProxyType(
    {
        Workload.CONTINUOUS: Rhythm(_none, _short_pause, CHUNK),
        Workload.CONVERSATIONAL: Rhythm(_none, lambda piece: max(piece.duration, SHORTEST_PAUSE)),
        Workload.IDLE: Rhythm(_none, lambda piece: 4 * piece.duration),
        Workload.HOSTILE: Rhythm(_none, lambda piece: max(piece.duration, SHORTEST_PAUSE)),
    }
)
DISTURBERS: Final = (Manner.HASTY, Manner.DEAF, Manner.GARBLED)
