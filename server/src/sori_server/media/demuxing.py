"""Containers as they arrive to blocks of samples. Runs in the decoder process."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet

from sori_server.media.reading import PageWatch, Readable, Refused, in_reading_order
from sori_server.media.resampling import FloatArray

_PCM: Final = (
    *("pcm_u8", "pcm_s8", "pcm_alaw", "pcm_mulaw"),
    *(f"pcm_{kind}{end}" for kind in ("s16", "s24", "s32", "f32", "f64") for end in ("le", "be")),
)
_CODECS: Final = (
    *("flac", "opus", "vorbis", "mp3float", "mp2", "mp1float", "aac", "alac"),
    *("amrnb", "amrwb", "adpcm_ms", "adpcm_ima_wav", "adpcm_ima_qt", "gsm_ms"),
    *_PCM,
)
_OPTIONS: Final = {
    # Headers say all there is to know: look at little audio before handing any out.
    "probesize": "4096",
    "analyzeduration": "1",
    "codec_whitelist": ",".join(_CODECS),
}
_STRICT: Final = {"err_detect": "crccheck+explode"}
"""Frames with a wrong checksum are left out: they would be loud noise."""
_FULL_SCALE: Final = {"u8": 2**7, "s16": 2**15, "s32": 2**31, "flt": 1, "dbl": 1}
_MAX_FAILURES: Final = 20
"""Reads that may fail in a row before the rest of the container is given up."""


@dataclass(frozen=True, slots=True)
class Sound:
    """Samples of shape [channels, samples] at `rate` hertz, as the codec gave them."""

    block: FloatArray
    rate: int


class Container:
    """One container, decoded as its bytes arrive. What is damaged is left out."""

    def __init__(self, source: Readable, demuxer: str, most_seekable: int) -> None:
        self._source = source
        self._demuxer = demuxer
        self._most_seekable = most_seekable
        self._logged = _errors_logged()
        self._failures = 0

    @property
    def damaged(self) -> bool:
        """Whether something was left out so far, or mended."""
        return self._failures > 0 or _errors_logged() > self._logged

    def sounds(self) -> Iterator[Sound]:
        """All of its audio in order; call it once.

        Raises:
            Refused: it cannot be read at all, or all audio in it is damaged.
        """
        source = self._readable()
        with self._open(source) as opened:
            if not opened.streams.audio:
                raise Refused("the container has no audio")
            stream = opened.streams.audio[0]
            codec = stream.codec_context.name if stream.codec_context else "sound nobody here reads"
            if codec not in _CODECS:
                raise Refused(f"the container holds {codec}")
            if opened.streams.video:  # FFmpeg complains that nobody may look at it
                self._logged = _errors_logged()
            stream.codec_context.thread_count = 1
            stream.codec_context.options = _STRICT
            silent = True
            for packet in self._packets(opened, stream):
                for frame in self._decode(packet):
                    silent = False
                    yield Sound(_samples_of(frame), frame.sample_rate)
            if isinstance(source, PageWatch) and source.cut:
                self._failures += 1
        if silent and self.damaged:
            raise Refused("the audio is damaged throughout, or ended before its first sample")

    def _readable(self) -> Readable:
        if self._demuxer == "mov":
            return in_reading_order(self._source, self._most_seekable)
        return PageWatch(self._source) if self._demuxer == "ogg" else self._source

    def _open(self, source: Readable) -> InputContainer:
        try:
            return av.open(
                source,
                "r",
                format=self._demuxer,
                options=_OPTIONS,
                metadata_errors="ignore",
            )
        except (av.FFmpegError, ValueError) as error:
            raise Refused(
                "the audio has no readable header, or ends before its first sample"
            ) from error

    def _packets(
        self, opened: InputContainer, stream: AudioStream
    ) -> Iterator[Packet[AudioStream]]:
        in_a_row = 0
        while in_a_row < _MAX_FAILURES:
            try:
                for packet in opened.demux(stream):
                    in_a_row = 0
                    yield packet
            except av.FFmpegError:
                self._failures += 1
                in_a_row += 1
            else:
                return

    def _decode(self, packet: Packet[AudioStream]) -> list[AudioFrame]:
        try:
            return packet.decode()
        except av.FFmpegError:
            self._failures += 1
            return []


def _samples_of(frame: AudioFrame) -> FloatArray:
    samples = frame.to_ndarray()
    if not frame.format.is_planar:
        samples = samples.reshape(-1, frame.layout.nb_channels).T
    name = frame.format.name.removesuffix("p")
    block: FloatArray = samples.astype(np.float32) / np.float32(_FULL_SCALE[name])
    return block - np.float32(1.0) if name == "u8" else block


def _errors_logged() -> int:
    """Errors FFmpeg has mentioned; it mends some without failing. Its level must be ERROR."""
    count: int = av.logging.get_last_error()[0]
    return count
