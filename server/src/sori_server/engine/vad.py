"""Streaming speech detection with Silero VAD v6."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import as_strided

from sori_server.engine.port import FloatArray
from sori_server.engine.silero import INPUT, Memory, silero

VAD_FRAME: Final = 512
"""Samples of one speech probability."""

_CONTEXT: Final = INPUT - VAD_FRAME


class StreamingVad:
    """Speech probabilities of one stream; they do not depend on how it is cut into chunks.

    The network is shared by all streams; its memory of this one and the 64 samples it wants
    before each frame are kept here.
    """

    def __init__(self) -> None:
        self.memory = Memory.of(1)
        self._pending: FloatArray = np.zeros(_CONTEXT, np.float32)

    def accept(self, samples: FloatArray) -> list[float]:
        """Take the next samples at 16 kHz; one probability for each frame they complete."""
        return judge_together([(self, samples)])[0]

    def frames(self, samples: FloatArray) -> FloatArray:
        """Take the next samples; what the network sees of each frame they complete."""
        audio = np.concatenate((self._pending, samples), dtype=np.float32)
        count = (len(audio) - _CONTEXT) // VAD_FRAME
        self._pending = audio[count * VAD_FRAME :].copy()
        step = audio.itemsize
        return as_strided(audio, (count, INPUT), (VAD_FRAME * step, step), writeable=False)


def judge_together(pieces: Sequence[tuple[StreamingVad, FloatArray]]) -> list[list[float]]:
    """Give each stream its next samples: what `accept` of each returns, in less time.

    No stream may be there twice.
    """
    frames = [vad.frames(samples) for vad, samples in pieces]
    probabilities: list[list[float]] = [[] for _ in pieces]
    longest_first = sorted(range(len(pieces)), key=lambda place: -len(frames[place]))
    order = [place for place in longest_first if len(frames[place])]
    if not order:
        return probabilities
    vads = [pieces[place][0] for place in order]
    memory = Memory.joined([vad.memory for vad in vads])
    inputs = np.concatenate([frames[place] for place in order])
    judged = silero().judge(inputs, [len(frames[place]) for place in order], memory).tolist()
    first = 0
    for row, (place, vad) in enumerate(zip(order, vads, strict=True)):
        vad.memory = memory.row(row)
        probabilities[place] = judged[first : first + len(frames[place])]
        first += len(frames[place])
    return probabilities
