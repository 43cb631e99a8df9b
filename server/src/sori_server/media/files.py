"""Local recordings in any container FFmpeg reads, as 16 kHz mono samples.

For files of the person who runs the program. Bytes from the network never come here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import av

from sori_server.domain.audio import AudioEncoding, AudioFormat
from sori_server.domain.errors import InvalidAudio
from sori_server.media.pcm import PcmDecoder
from sori_server.media.resampling import FloatArray

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.container import InputContainer


class Recording:
    """An open file with sound. Made by `open_recording`."""

    def __init__(self, path: Path, container: InputContainer) -> None:
        self._path = path
        self._container = container

    @property
    def duration(self) -> float | None:
        """Seconds, as the container tells; None when it does not."""
        length = self._container.duration
        return None if length is None else length / av.time_base

    @property
    def channels(self) -> int:
        """Channels of the sound."""
        return self._container.streams.audio[0].codec_context.layout.nb_channels

    def blocks(self, *, apart: bool = False) -> Iterator[FloatArray]:
        """All samples in order, in blocks of one codec frame; call it once.

        Of the shape [samples], or [samples, channels] where these are to be kept `apart`.

        Raises:
            InvalidAudio: the file is damaged from here on; all samples before were handed out.
        """
        packed = av.AudioResampler(format="flt")
        decoder: PcmDecoder | None = None
        damage: Exception | None = None
        try:
            for decoded in self._container.decode(audio=0):
                for frame in packed.resample(decoded):
                    decoder = decoder or _decoder_for(frame, apart=apart)
                    yield _shaped(decoder.feed(_samples_of(frame)), apart=apart)
        except (av.FFmpegError, ValueError) as error:
            damage = error
        if decoder is not None:
            yield _shaped(decoder.close(), apart=apart)
        if damage is not None:
            raise InvalidAudio(str(self._path), f"damaged audio: {_reason(damage)}") from damage


@contextmanager
def open_recording(path: Path) -> Iterator[Recording]:
    """Open a recording and close it at the end of the block.

    Raises:
        InvalidAudio: no such file, not readable, or without sound; names the path.
    """
    try:
        # Tags in old Korean and Western encodings are common and must not matter.
        container = av.open(f"file:{path}", metadata_errors="ignore")
    except av.FFmpegError as error:
        raise InvalidAudio(str(path), _reason(error)) from error
    with container:
        if not container.streams.audio:
            raise InvalidAudio(str(path), "the file has no sound")
        yield Recording(path, container)


def _decoder_for(frame: AudioFrame, *, apart: bool) -> PcmDecoder:
    channels = frame.layout.nb_channels
    audio_format = AudioFormat(AudioEncoding.FLOAT32, frame.sample_rate, channels)
    return PcmDecoder(audio_format, apart=apart)


def _shaped(block: FloatArray, *, apart: bool) -> FloatArray:
    return block.T if apart else block[0]


def _samples_of(frame: AudioFrame) -> bytes:
    size = frame.samples * frame.layout.nb_channels * AudioEncoding.FLOAT32.bytes_per_sample
    return bytes(frame.planes[0])[:size]


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
