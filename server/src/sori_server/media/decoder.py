"""The one place that chooses a decoder for what a client announced."""

from __future__ import annotations

from typing import Protocol

from sori_server.domain.audio import AudioEncoding, AudioFormat
from sori_server.media.pcm import FloatArray, PcmDecoder
from sori_server.media.wav import WavDecoder


class AudioDecoder(Protocol):
    """Turns bytes into mono float32 samples at 16 kHz, in order and exactly once.

    The end has two steps, so that a bad last byte costs no word: take the samples of
    `close`, then ask `check_complete`.
    """

    @property
    def trailing_bytes(self) -> int:
        """Bytes received that make no whole sample yet."""

    def feed(self, data: bytes) -> FloatArray:
        """Samples completed by these bytes; may be none.

        Raises:
            InvalidAudio: the bytes are not audio in the announced format.
        """

    def close(self) -> FloatArray:
        """The samples still held back. Nothing may be fed afterwards."""

    def check_complete(self) -> None:
        """Ask after `close` whether the bytes were complete.

        Raises:
            InvalidAudio: they ended inside a header or a sample.
        """


def open_decoder(audio_format: AudioFormat) -> AudioDecoder:
    """A decoder for one stream in this format, which must be within the domain's ranges."""
    if audio_format.encoding is AudioEncoding.WAV:
        return WavDecoder()
    return PcmDecoder(audio_format)
