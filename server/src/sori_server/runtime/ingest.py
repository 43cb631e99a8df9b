"""Client bytes to samples and speech probabilities, with the byte accounts of a stream."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sori_server.domain.audio import SAMPLE_RATE, AudioFormat
from sori_server.domain.config import ChannelMode, Priority
from sori_server.domain.errors import AudioGap
from sori_server.domain.events import AudioProblem, AudioWarning
from sori_server.domain.limits import Limits
from sori_server.engine.port import StreamAudio
from sori_server.media.clipping import ClippingCheck
from sori_server.media.decoder import open_decoder
from sori_server.runtime.door import AudioBytes, EndOfAudio
from sori_server.runtime.ears import Ears, Heard
from sori_server.runtime.resume_point import ResumePoint

PIECE: Final = SAMPLE_RATE
"""Most samples judged in one go, so that a large chunk does not hold up other streams."""

_MESSAGES: Final = {
    AudioProblem.NOT_FINITE: "samples that are no finite numbers were taken for silence",
    AudioProblem.CLIPPED: "much of the audio is at full scale: words may be misheard",
    AudioProblem.DAMAGED: "part of the audio was damaged or cut off, and left out",
}


Judged = tuple[int, Heard]
"""A number of samples, and for each channel the speech probabilities they completed."""


class Ingest:
    """Decodes one stream's bytes and gives each channel to the engine's side of it.

    `audios` has one entry for each channel that is kept apart, one for mixed channels; they
    hear with the `ears` they share with other streams, live ones first.
    """

    def __init__(
        self,
        audio_format: AudioFormat,
        channel_mode: ChannelMode,
        audios: Sequence[StreamAudio],
        limits: Limits,
        ears: Ears,
        priority: Priority = Priority.LIVE,
    ) -> None:
        self._decoder = open_decoder(audio_format, channel_mode, limits)
        self._audios = tuple(audios)
        self._hear = partial(ears.hear, self._audios, priority=priority)
        self._clipping = tuple(ClippingCheck() for _ in audios)
        self._received_bytes = self._taken_bytes = 0
        self._judged = self._unheard = 0
        self._warned: set[AudioProblem] = set()
        self._warnings: list[AudioWarning] = []

    @property
    def received_bytes(self) -> int:
        """Bytes received and judged, in the client's encoding."""
        return self._received_bytes

    @property
    def taken_bytes(self) -> int:
        """Bytes received, whether or not they were judged."""
        return self._taken_bytes

    def start_at(self, start: ResumePoint) -> None:
        """Before any audio: it goes on at this byte, and what is before this sample is unheard."""
        self._received_bytes = self._taken_bytes = start.byte
        self._judged = start.sample
        self._unheard = 0 if start.byte else start.sample

    def accept(self, message: AudioBytes) -> AsyncGenerator[Judged, None]:
        """Take a run of audio; bytes received before are dropped.

        Raises:
            AudioGap: bytes before it are missing.
            InvalidAudio: it cannot be decoded.
            CapacityExhausted: too many containers are being decoded.
        """
        data = message.data
        if message.offset is not None:
            if message.offset > self._received_bytes:
                raise AudioGap(self._received_bytes, message.offset, "audio.byte_offset")
            data = data[self._received_bytes - message.offset :]
        self._taken_bytes += len(data)
        return self._judge(self._decoder.feed(data), len(data))

    def close(self) -> AsyncGenerator[Judged, None]:
        """Take what the decoder still held.

        Raises:
            InvalidAudio: what was received is no audio.
        """
        return self._judge(self._decoder.close(), 0)

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

    def warnings(self) -> list[AudioWarning]:
        """What was found wrong with the audio since the last call; each problem once."""
        warnings, self._warnings = self._warnings, []
        return warnings

    async def aclose(self) -> None:
        """Give back what decoding holds; at the end of the stream, however it ended."""
        await self._decoder.aclose()

    async def _judge(
        self, blocks: AsyncGenerator[NDArray[np.float32], None], byte_count: int
    ) -> AsyncGenerator[Judged, None]:
        """Judge the blocks that `byte_count` bytes became; these count as received after it."""
        async with aclosing(blocks):
            async for decoded in blocks:
                block = decoded[:, min(self._unheard, decoded.shape[1]) :]
                self._unheard -= decoded.shape[1] - block.shape[1]
                for start in range(0, block.shape[1], PIECE):
                    piece = block[:, start : start + PIECE]
                    channels = [np.ascontiguousarray(samples) for samples in piece]
                    for check, samples in zip(self._clipping, channels, strict=True):
                        check.look(samples)
                    self._warn()
                    heard = await self._hear(channels)
                    self._judged += piece.shape[1]
                    yield piece.shape[1], heard
        self._warn()
        self._received_bytes += byte_count

    def _warn(self) -> None:
        """Note problems there was no warning of yet, at the place that was being judged."""
        clipped = any(check.clipped for check in self._clipping)
        problems = self._decoder.problems | ({AudioProblem.CLIPPED} if clipped else set())
        if problems <= self._warned:
            return
        for problem in sorted(problems - self._warned, key=lambda problem: problem.value):
            self._warned.add(problem)
            self._warnings.append(AudioWarning(problem, self._judged, _MESSAGES[problem]))
