"""Sizes of the Whisper models that are measured, and what their encoder must at least cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

POSITIONS_PER_SECOND: Final = 50
DECODER_POSITIONS: Final = 448
ENCODER_POSITIONS: Final = 1500


@dataclass(frozen=True, slots=True)
class Geometry:
    """Sizes of one Whisper model; a head has 64 dimensions."""

    name: str
    width: int
    encoder_layers: int
    decoder_layers: int
    mels: int
    languages: int

    @property
    def heads(self) -> int:
        """Attention heads of a layer."""
        return self.width // 64

    def encoder_flops(self, seconds: float) -> float:
        """Operations of encoding one window: L(24 d² P + 4 P² d) and the cross-attention keys.

        The convolutions before the layers are left out: about 2 %.
        """
        positions = POSITIONS_PER_SECOND * seconds
        layer = 24 * self.width**2 * positions + 4 * positions**2 * self.width
        return self.encoder_layers * layer + 4 * self.decoder_layers * self.width**2 * positions


GEOMETRIES: Final = {
    geometry.name: geometry
    for geometry in (
        Geometry("large-v3-turbo", 1280, 32, 4, mels=128, languages=100),
        Geometry("small", 768, 12, 12, mels=80, languages=99),
        Geometry("base", 512, 6, 6, mels=80, languages=99),
        Geometry("tiny-random", 128, 2, 2, mels=80, languages=99),
    )
}
