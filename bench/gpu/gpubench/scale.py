"""How much is measured: on a GPU, and in seconds on a CPU to test the script itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Scale:
    """Sizes of the micro-benchmarks."""

    encode_batches: tuple[int, ...]
    frames: tuple[int, ...]
    sweep_batch: int
    decode_batches: tuple[int, ...]
    wide_batches: tuple[int, ...]
    tokens: int
    repeats: int

    @property
    def full_window(self) -> int:
        """Frames of the longest window."""
        return max(self.frames)


SCALES: Final = {
    "gpu": Scale(
        encode_batches=(1, 4, 8, 16, 32),
        frames=(400, 800, 1200, 1600, 2400, 3000),
        sweep_batch=16,
        decode_batches=(1, 4, 8, 16, 32, 64, 128),
        wide_batches=(32, 64, 128),
        tokens=32,
        repeats=3,
    ),
    "test": Scale(
        encode_batches=(1, 2),
        frames=(100, 200),
        sweep_batch=2,
        decode_batches=(1, 2),
        wide_batches=(2,),
        tokens=6,
        repeats=1,
    ),
}
