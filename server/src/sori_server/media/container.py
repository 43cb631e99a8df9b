"""A container of an announced or unknown kind, decoded by what it turns out to be."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from sori_server.domain.audio import AudioEncoding
from sori_server.domain.errors import InvalidAudio
from sori_server.domain.events import AudioProblem
from sori_server.domain.limits import Limits
from sori_server.media.inline import InlineDecoder
from sori_server.media.pcm import AUDIO_FIELD
from sori_server.media.resampling import FloatArray
from sori_server.media.sandbox import SandboxedDecoder
from sori_server.media.sniffing import KINDS, WAVE, sniff
from sori_server.media.wav import OtherWave, WavDecoder, WavHeaderReader


class ContainerDecoder:
    """Reads the first bytes, then hands all to the decoder of that container.

    Plain WAVE is decoded here, everything else in a process of its own.

    `apart` is the number of channels that are kept apart; 0 mixes however many there are.
    """

    def __init__(self, encoding: AudioEncoding, apart: int, limits: Limits) -> None:
        self._encoding = encoding
        self._apart = apart
        self._limits = limits
        self._head = b""
        self._wave = WavHeaderReader()
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
            self._decoder = self._decoder_for(self._head)
            if self._decoder is None:
                return
            data, self._head = self._head, b""
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

    def _decoder_for(self, head: bytes) -> InlineDecoder | SandboxedDecoder | None:
        """What decodes a container that starts with `head`; None if it is too short to tell."""
        kind = sniff(head)
        if kind is None:
            return None
        if self._encoding not in {AudioEncoding.CONTAINER, kind.encoding}:
            announced = next(each.name for each in KINDS if each.encoding is self._encoding)
            raise InvalidAudio(AUDIO_FIELD, f"the audio is {kind.name}, {announced} was announced")
        if kind is WAVE:
            try:
                if self._wave.read(head) is None:
                    return None
                return InlineDecoder(WavDecoder(self._apart))
            except OtherWave:
                pass
        return SandboxedDecoder(kind.demuxer, self._apart, self._limits)
