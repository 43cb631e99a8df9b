"""Client bytes to samples and speech probabilities, with the byte accounts of a stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sori_server.domain.audio import SAMPLE_RATE, AudioFormat
from sori_server.domain.errors import AudioGap
from sori_server.engine.port import StreamAudio
from sori_server.media.decoder import open_decoder
from sori_server.runtime.door import AudioBytes, EndOfAudio

PIECE: Final = SAMPLE_RATE
"""Most samples judged in one go, so that a large chunk does not hold up other streams."""

Judged = tuple[int, list[float]]
"""A number of samples and the speech probabilities they completed."""


class Ingest:
    """Decodes one stream's bytes and gives them to the engine's side of the stream."""

    def __init__(self, audio_format: AudioFormat, audio: StreamAudio) -> None:
        self._decoder = open_decoder(audio_format)
        self._audio = audio
        self._received_bytes = 0

    @property
    def received_bytes(self) -> int:
        """Bytes received and judged, in the client's encoding."""
        return self._received_bytes

    async def accept(self, message: AudioBytes) -> AsyncGenerator[Judged, None]:
        """Take a run of audio; bytes received before are dropped.

        Raises:
            AudioGap: bytes before it are missing.
            InvalidAudio: it cannot be decoded.
        """
        data = message.data
        if message.offset is not None:
            if message.offset > self._received_bytes:
                raise AudioGap(self._received_bytes, message.offset, "audio.byte_offset")
            data = data[self._received_bytes - message.offset :]
        async for judged in self._judge(self._decoder.feed(data)):
            yield judged
        self._received_bytes += len(data)

    async def close(self) -> AsyncIterator[Judged]:
        """Take what the decoder still held."""
        async for judged in self._judge(self._decoder.close()):
            yield judged

    def check_complete(self, end: EndOfAudio) -> None:
        """Ask after `close` whether everything the client sent is here.

        Raises:
            AudioGap: the client counted other bytes.
            InvalidAudio: the bytes ended inside a sample.
        """
        total = end.total_bytes
        if total is not None and total != self._received_bytes:
            raise AudioGap(self._received_bytes, total, "end_of_audio.total_bytes")
        self._decoder.check_complete()

    async def _judge(self, samples: NDArray[np.float32]) -> AsyncIterator[Judged]:
        for start in range(0, len(samples), PIECE):
            piece = samples[start : start + PIECE]
            yield len(piece), await asyncio.to_thread(self._audio.accept, piece)
