"""A container of an announced or unknown kind, decoded by what it turns out to be."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from sori_server.domain.audio import AudioEncoding
from sori_server.domain.errors import InvalidAudio
from sori_server.domain.events import AudioProblem
from sori_server.domain.limits import Limits
from sori_server.media.inline import InlineDecoder
from sori_server.media.pcm import AUDIO_FIELD
from sori_server.media.resampling import FloatArray
from sori_server.media.sandbox import SandboxedDecoder
from sori_server.media.sniffing import DISPLAY_NAMES, sniff
from sori_server.media.wav import WavDecoder

_DEMUXERS: Final = {
    AudioEncoding.FLAC: "flac",
    AudioEncoding.OGG_OPUS: "ogg",
    AudioEncoding.WEBM_OPUS: "matroska",
    AudioEncoding.MP3: "mp3",
    AudioEncoding.M4A: "mov",
}
"""FFmpeg's names. A demuxer is always named, so that none that opens other files is guessed."""


class ContainerDecoder:
    """Reads the first bytes, then hands all to the decoder of that container.

    `apart` is the number of channels that are kept apart; 0 mixes however many there are.
    """

    def __init__(self, encoding: AudioEncoding, apart: int, limits: Limits) -> None:
        self._encoding = encoding
        self._apart = apart
        self._limits = limits
        self._head = b""
        self._decoder: InlineDecoder | SandboxedDecoder | None = None

    @property
    def problems(self) -> frozenset[AudioProblem]:
        """What was wrong with the audio so far."""
        return self._decoder.problems if self._decoder else frozenset()

    async def feed(self, data: bytes) -> AsyncGenerator[FloatArray, None]:
        """Samples completed by these bytes; may be none.

        Raises:
            InvalidAudio: the bytes are not audio in the announced container.
            CapacityExhausted: no process to decode it can be had now.
        """
        if self._decoder is None:
            self._head += data
            found = sniff(self._head)
            if found is None:
                return
            data, self._head = self._head, b""
            self._decoder = self._decoder_for(found)
        async with aclosing(self._decoder.feed(data)) as blocks:
            async for block in blocks:
                yield block

    async def close(self) -> AsyncGenerator[FloatArray, None]:
        """The samples still held back. Nothing may be fed afterwards.

        Raises:
            InvalidAudio: the bytes are not audio in the announced container.
        """
        if self._decoder is not None:
            async with aclosing(self._decoder.close()) as blocks:
                async for block in blocks:
                    yield block

    def check_complete(self) -> None:
        """Ask after `close` whether the bytes were complete.

        Raises:
            InvalidAudio: they ended inside a header or a sample.
        """
        if self._decoder is not None:
            self._decoder.check_complete()
        elif self._head:
            raise InvalidAudio(
                AUDIO_FIELD, f"the audio ended inside its header, after {len(self._head)} bytes"
            )

    async def aclose(self) -> None:
        """End the process that decodes, if there is one."""
        if self._decoder is not None:
            await self._decoder.aclose()

    def _decoder_for(self, found: AudioEncoding) -> InlineDecoder | SandboxedDecoder:
        if self._encoding not in {AudioEncoding.CONTAINER, found}:
            announced, actual = DISPLAY_NAMES[self._encoding], DISPLAY_NAMES[found]
            raise InvalidAudio(AUDIO_FIELD, f"the audio is {actual}, {announced} was announced")
        if found is AudioEncoding.WAV:
            return InlineDecoder(WavDecoder(self._apart))
        return SandboxedDecoder(_DEMUXERS[found], self._apart, self._limits)
