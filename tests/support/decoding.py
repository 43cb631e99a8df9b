"""Bytes through a real decoder, as a stream's ingest would take them."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import aclosing
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from sori_server.domain.audio import AudioEncoding, AudioFormat
from sori_server.domain.config import ChannelMode
from sori_server.domain.errors import SoriError
from sori_server.domain.events import AudioProblem
from sori_server.domain.limits import Limits
from sori_server.media.decoder import open_decoder


@dataclass(frozen=True)
class Decoded:
    """What came out, [channels, samples], and how it ended."""

    samples: NDArray[np.float32]
    problems: frozenset[AudioProblem]
    error: SoriError | None

    @property
    def seconds(self) -> float:
        return int(self.samples.shape[1]) / 16_000


async def decoded(
    pieces: Iterable[bytes],
    encoding: AudioEncoding = AudioEncoding.CONTAINER,
    *,
    apart: int = 0,
    limits: Limits | None = None,
) -> Decoded:
    """Feed all pieces, close, and give everything back."""
    mode = ChannelMode.SEPARATE if apart else ChannelMode.MIX
    decoder = open_decoder(AudioFormat(encoding, 0, apart), mode, limits or Limits())
    blocks = [np.empty((apart or 1, 0), np.float32)]
    error = None
    try:
        for piece in pieces:
            async with aclosing(decoder.feed(piece)) as fed:
                blocks.extend([block async for block in fed])
        async with aclosing(decoder.close()) as rest:
            blocks.extend([block async for block in rest])
        decoder.check_complete()
    except SoriError as caught:
        error = caught
    finally:
        await decoder.aclose()
    return Decoded(np.concatenate(blocks, axis=1), decoder.problems, error)


def pieces_of(data: bytes, seed: int) -> list[bytes]:
    """The bytes in pieces of one byte to some thousands."""
    rng = np.random.default_rng(seed)
    sizes = np.exp(rng.uniform(0, 9, len(data))).astype(int)
    ends = np.minimum(np.cumsum(sizes), len(data)).tolist()
    places = [0, *sorted({*ends, len(data)})]
    return [data[a:b] for a, b in pairwise(places)]
