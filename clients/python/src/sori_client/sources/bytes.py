"""Audio from any iterator of bytes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Iterable
from contextlib import aclosing

from sori_client.sources.source import split
from sori_client.sources.threads import from_thread
from sori_client.types import AudioFormat


class Bytes:
    """The bytes an iterable or async iterable gives, of any lengths, in order.

    An iterable is iterated on a thread, so it may block. When the stream ends early, a
    generator is closed.
    """

    def __init__(self, chunks: Iterable[bytes] | AsyncIterable[bytes], format: AudioFormat) -> None:
        self._chunks = chunks
        self._format = format

    @property
    def format(self) -> AudioFormat:
        """As given."""
        return self._format

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """The audio, long items split and empty ones left out."""
        async with aclosing(_items(self._chunks)) as items:
            async for data in items:
                for piece in split(data):
                    yield piece


async def _items(chunks: Iterable[bytes] | AsyncIterable[bytes]) -> AsyncGenerator[bytes, None]:
    iterator = aiter(chunks) if isinstance(chunks, AsyncIterable) else from_thread(chunks)
    try:
        async for data in iterator:
            yield data
    finally:
        if isinstance(iterator, AsyncGenerator):
            await iterator.aclose()
