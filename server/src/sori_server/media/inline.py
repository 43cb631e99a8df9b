"""Decoders that need no process of their own, behind the decoders' common face."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from sori_server.domain.events import AudioProblem
from sori_server.media.pcm import PcmDecoder
from sori_server.media.resampling import FloatArray
from sori_server.media.wav import WavDecoder


class InlineDecoder:
    """Decodes raw audio or WAVE where it is called."""

    def __init__(self, decoder: PcmDecoder | WavDecoder) -> None:
        self._decoder = decoder

    @property
    def problems(self) -> frozenset[AudioProblem]:
        """What was wrong with the audio so far."""
        return self._decoder.problems

    async def feed(self, data: bytes) -> AsyncGenerator[FloatArray, None]:
        """Samples completed by these bytes, if any.

        Raises:
            InvalidAudio: the bytes are not audio in the announced format.
        """
        block = self._decoder.feed(data)
        if block.shape[1]:
            yield block

    async def close(self) -> AsyncGenerator[FloatArray, None]:
        """The samples still held back, if any. Nothing may be fed afterwards."""
        block = self._decoder.close()
        if block.shape[1]:
            yield block

    def check_complete(self) -> None:
        """Ask after `close` whether the bytes were complete.

        Raises:
            InvalidAudio: they ended inside a header or a sample.
        """
        self._decoder.check_complete()

    async def aclose(self) -> None:
        """There is nothing to end."""
