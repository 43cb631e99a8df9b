"""The one place that chooses a decoder for what a client announced."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Protocol

from sori_server.domain.audio import AudioFormat
from sori_server.domain.config import ChannelMode
from sori_server.domain.events import AudioProblem
from sori_server.domain.limits import Limits
from sori_server.media.container import ContainerDecoder
from sori_server.media.inline import InlineDecoder
from sori_server.media.pcm import PcmDecoder
from sori_server.media.resampling import FloatArray


class AudioDecoder(Protocol):
    """Turns bytes into float32 samples at 16 kHz, -1 to 1, in order and exactly once.

    Blocks have the shape [channels, samples]; [1, samples] when channels are mixed. They
    are made as they are taken. After an error there is no more audio.

    The end has two steps, so that a bad last byte costs no word: take the samples of
    `close`, then ask `check_complete`. At last, whatever happened, `aclose`.
    """

    @property
    def problems(self) -> frozenset[AudioProblem]:
        """What was wrong with the audio so far."""

    def feed(self, data: bytes) -> AsyncGenerator[FloatArray, None]:
        """Samples completed by these bytes; may be none.

        Raises:
            InvalidAudio: the bytes are not audio in the announced format.
            CapacityExhausted: too many containers are being decoded.
        """

    def close(self) -> AsyncGenerator[FloatArray, None]:
        """The samples still held back. Nothing may be fed afterwards.

        Raises:
            InvalidAudio: the bytes are not audio in the announced format.
        """

    def check_complete(self) -> None:
        """Ask after `close` whether the bytes were complete.

        Raises:
            InvalidAudio: they ended inside a header or a sample.
        """

    async def aclose(self) -> None:
        """Give back what the decoder holds; may be called again."""


def open_decoder(
    audio_format: AudioFormat, channel_mode: ChannelMode, limits: Limits
) -> AudioDecoder:
    """A decoder for one stream in this format, which must be within the domain's ranges."""
    separate = channel_mode is ChannelMode.SEPARATE
    apart = audio_format.channels if separate else 0
    if audio_format.encoding.is_container:
        return ContainerDecoder(audio_format.encoding, apart, limits)
    return InlineDecoder(PcmDecoder(audio_format, apart=separate))
