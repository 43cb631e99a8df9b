"""A GPU by the roofline: what calls of a Whisper model take on an H200.

Encoding is arithmetic: two calls at a time take twice as long each. Decoding is mostly launches
of small kernels and waits for memory: it hardly disturbs an encoder beside it. The figures
are those of the reference roofline (encoder with unfused attention; decoder step 0.6 ms
and 0.12 ms for each layer, plus memory traffic), not measurements.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from sori_server.engine.cost import CallLoad, CostModel, Phase, Sample


@dataclass(frozen=True, slots=True)
class Roofline:
    """Seconds of a model's calls for windows of `frames` feature frames."""

    name: str
    frames: int
    encode_row: float
    encode_call: float
    step: float
    step_row: float

    def encoding(self, load: CallLoad) -> float:
        """Seconds of arithmetic."""
        return (self.encode_call + self.encode_row * load.rows) * (load.phase is not Phase.DECODE)

    def decoding(self, load: CallLoad) -> float:
        """Seconds of steps."""
        beams = load.rows * load.beam_size
        return load.steps * (self.step + self.step_row * beams) * (load.phase is not Phase.ENCODE)

    def fitted(self) -> CostModel:
        """A cost model that knows it, as one does after the warm-up."""
        cost, load = CostModel(), CallLoad(self.frames, 1, 4, 1, Phase.ENCODE)
        loads = [
            replace(load, rows=rows, steps=steps, phase=phase)
            for rows in (1, 4)
            for steps in (4, 12)
            for phase in (Phase.ENCODE, Phase.DECODE)
        ]
        cost.fit([Sample(each, self.encoding(each) + self.decoding(each)) for each in loads])
        return cost


TURBO_30 = Roofline("large-v3-turbo, 30 s", 3000, 0.0124, 0.001, 0.0011, 0.00001)
BASE_30 = Roofline("base, 30 s", 3000, 0.0007, 0.0005, 0.0013, 0.000006)


@dataclass(slots=True)
class Gpu:
    """Runs calls; encoders share it, decoders run beside them.

    `later(seconds, call)` calls back in virtual time.
    """

    roofline: Roofline
    later: Callable[[float, Callable[[], None]], None]
    _free_at: float = field(default=0.0)

    def run(self, load: CallLoad, now: float, done: Callable[[], None]) -> float:
        """Run a call that starts now; how long it takes."""
        work = self.roofline.encoding(load)
        begins = max(now, self._free_at) if work else now
        self._free_at = begins + work if work else self._free_at
        seconds = begins - now + work + self.roofline.decoding(load)
        self.later(seconds, done)
        return seconds
