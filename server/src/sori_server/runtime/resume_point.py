"""From which byte a session is heard again that has lost everything but a checkpoint. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from sori_server.domain.audio import SAMPLE_RATE, AudioFormat, samples
from sori_server.domain.checkpoint import Checkpoint
from sori_server.engine.port import START_GRID

WARM_UP: Final = samples(1.0)
"""Audio before the checkpoint that is heard again, so that speech is told from silence as it
was; its text is not."""


@dataclass(frozen=True, slots=True)
class ResumePoint:
    """The first sample that is heard, and the client's byte from which audio is wanted.

    They are the same place, except in containers, which can only be read from their start.
    """

    sample: int
    byte: int


def resume_point(checkpoint: Checkpoint, audio_format: AudioFormat) -> ResumePoint:
    """Where to go on from `checkpoint`.

    The sample lies on the engine's grid, and at the start of a frame of the client's: that may
    be some seconds earlier for rates that fit badly.
    """
    wanted = max(checkpoint.position - WARM_UP, 0)
    if audio_format.encoding.is_container:
        return ResumePoint(wanted // START_GRID * START_GRID, 0)
    rate = audio_format.sample_rate
    grid = math.lcm(START_GRID, SAMPLE_RATE // math.gcd(SAMPLE_RATE, rate))
    sample = wanted // grid * grid
    return ResumePoint(sample, sample * rate // SAMPLE_RATE * audio_format.frame_bytes)
