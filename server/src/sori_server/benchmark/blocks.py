"""From recordings with transcripts to blocks: one utterance and its silence each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from sori_server.benchmark.scripts import CHUNK, Block, Spoken
from sori_server.benchmark.target import Pcm
from sori_server.domain.audio import SAMPLE_RATE, samples
from sori_server.domain.errors import InvalidConfig
from sori_server.evaluation.references import Corpus, Track, Utterance

MARGIN: Final = 0.15
"""Seconds of the recording kept around an utterance, if the next one is not nearer."""
FADE: Final = 0.01
NOISE: Final = 16.0
"""Root mean square of the noise in silences: 66 dB below full scale."""
EVEN: Final = 12_800
"""Samples: chunks, VAD frames and spectrogram hops fall alike in all multiples of this."""


@dataclass(frozen=True, slots=True)
class Piece:
    """The audio of one utterance, and the utterance at its place in it."""

    language: str
    pcm: Pcm
    spoken: Spoken

    @property
    def duration(self) -> float:
        """Seconds."""
        return len(self.pcm) / SAMPLE_RATE


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How much silence goes before and after a piece, and what blocks are a multiple of."""

    before: Callable[[Piece], float]
    after: Callable[[Piece], float]
    multiple: int = EVEN


def pieces_of(corpus: Corpus) -> tuple[Piece, ...]:
    """The utterances of all recordings with one channel.

    Raises:
        InvalidConfig: there are none.
    """
    mono = [track for track in corpus.tracks if track.name == track.recording]
    found = tuple(piece for track in mono for piece in _pieces(track))
    if not found:
        raise InvalidConfig("recordings", "no utterances in recordings with one channel")
    return found


def block_of(piece: Piece, rhythm: Rhythm, seed: int) -> Block:
    """The piece between its silences; noise depends on nothing but `seed`."""
    first = samples(rhythm.before(piece))
    least = first + len(piece.pcm) + samples(rhythm.after(piece))
    length = -(-least // rhythm.multiple) * rhythm.multiple
    mixed = quiet(length, seed).astype(np.float64)
    mixed[first : first + len(piece.pcm)] += _faded(piece.pcm)
    pcm = np.round(mixed).clip(-32_768, 32_767).astype(np.int16)
    return Block(piece.language, pcm, piece.spoken.later(first / SAMPLE_RATE))


def quiet(length: int, seed: int) -> Pcm:
    """A silence as rooms have it: noise, and no digital zeros."""
    noise = np.random.default_rng(seed).normal(0.0, NOISE, length)
    return np.round(noise).astype(np.int16)


def _pieces(track: Track) -> Iterator[Piece]:
    utterances = track.utterances
    for number, utterance in enumerate(utterances):
        start, end = _cut(track, utterances, number)
        pcm = track.pcm[samples(start) : samples(end)]
        spoken = Spoken(
            f"{track.name}/{number}",
            utterance.text,
            utterance.start,
            utterance.end,
            utterance.places,
        )
        if len(pcm) >= CHUNK:
            yield Piece(utterance.language, pcm, spoken.later(-start))


def _cut(track: Track, utterances: Sequence[Utterance], number: int) -> tuple[float, float]:
    """Where to cut: `MARGIN` from the utterance, or halfway to the next one."""
    this = utterances[number]
    before = utterances[number - 1].end if number else 0.0
    after = utterances[number + 1].start if number + 1 < len(utterances) else track.duration
    gap_before, gap_after = max(this.start - before, 0.0), max(after - this.end, 0.0)
    start = this.start - min(MARGIN, gap_before / 2)
    return start, this.end + min(MARGIN, gap_after / 2)


def _faded(pcm: Pcm) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    faded = pcm.astype(np.float64)
    ramp = np.linspace(0.0, 1.0, samples(FADE))
    faded[: len(ramp)] *= ramp
    faded[-len(ramp) :] *= ramp[::-1]
    return faded
