"""What a stream asks of a source of audio."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from typing import Final, Protocol

from sori_client.types import AudioFormat

MAX_CHUNK_BYTES: Final = 64 * 1024
"""Largest chunk of a source; servers accept at least this."""


class Source(Protocol):
    """Audio in one format, read once."""

    @property
    def format(self) -> AudioFormat:
        """How the bytes are to be read."""
        ...

    def chunks(self) -> AsyncGenerator[bytes, None]:
        """The audio in order, in chunks of at most `MAX_CHUNK_BYTES`.

        Closing the generator releases whatever the source holds.
        """
        ...


def split(data: bytes) -> Iterator[bytes]:
    """`data` in pieces of at most `MAX_CHUNK_BYTES`; empty data gives none."""
    for start in range(0, len(data), MAX_CHUNK_BYTES):
        yield data[start : start + MAX_CHUNK_BYTES]
