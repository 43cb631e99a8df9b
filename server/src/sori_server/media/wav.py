"""RIFF WAVE as it arrives, split anywhere, to float32 at 16 kHz."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from sori_server.domain.audio import (
    MAX_CHANNELS,
    MAX_SAMPLE_RATE,
    MIN_SAMPLE_RATE,
    AudioEncoding,
    AudioFormat,
)
from sori_server.domain.errors import InvalidAudio
from sori_server.domain.events import AudioProblem
from sori_server.media.channels import check_channels
from sori_server.media.pcm import AUDIO_FIELD, PcmDecoder
from sori_server.media.resampling import FloatArray, silence

MAX_HEADER_BYTES: Final = 64 * 1024
"""Bytes before the samples, above which a stream is not taken for WAVE."""

_MOST_BYTES: Final = 0x7FFF_0000
"""Programs that cannot seek back (pipes) write no size, or one from here on: the most that fits.
The samples run to the end then."""

_EXTENSIBLE: Final = 0xFFFE
_SUBFORMAT_TAIL: Final = bytes.fromhex("0000000010008000" + "00aa00389b71")
"""What follows the format tag in the GUIDs of WAVE_FORMAT_EXTENSIBLE."""

_ENCODINGS: Final = {
    (1, 16): AudioEncoding.LINEAR16,
    (3, 32): AudioEncoding.FLOAT32,
    (6, 8): AudioEncoding.ALAW,
    (7, 8): AudioEncoding.MULAW,
}
"""By format tag and bits per sample (RFC 2361 for the tags)."""


_OTHERS: Final = {
    0x0001: "PCM",
    0x0002: "Microsoft ADPCM",
    0x0003: "float",
    0x0011: "IMA ADPCM",
    0x0031: "GSM",
    0x0050: "MPEG layer 2",
    0x0055: "MP3",
    0x00FF: "AAC",
}
"""Format tags, with whatever bits per sample, that are left to FFmpeg."""


class OtherWave(InvalidAudio):
    """A WAVE file that is sound, but none of the plain formats `WavDecoder` reads."""


@dataclass(frozen=True, slots=True)
class WavHeader:
    """What precedes the samples: their format, where they start, how many bytes they are.

    `data_bytes` is None when the writer did not know.
    """

    audio_format: AudioFormat
    data_start: int
    data_bytes: int | None


class WavDecoder:
    """Decodes one WAVE file; how the bytes are split makes no difference to the samples.

    `apart` is the number of channels that are kept apart; 0 mixes however many there are.
    """

    def __init__(self, apart: int = 0) -> None:
        self._apart = apart
        self._header = bytearray()
        self._reader = WavHeaderReader()
        self._samples: PcmDecoder | None = None
        self._missing: int | None = None
        self._cut = False

    @property
    def problems(self) -> frozenset[AudioProblem]:
        """What was wrong with the samples so far."""
        found = self._samples.problems if self._samples else frozenset()
        return found | {AudioProblem.DAMAGED} if self._cut else found

    @property
    def trailing_bytes(self) -> int:
        """Bytes received that are not samples yet: of the header or of one sample."""
        return self._samples.trailing_bytes if self._samples else len(self._header)

    def feed(self, data: bytes) -> FloatArray:
        """Samples completed by these bytes; none before the header is complete.

        Raises:
            InvalidAudio: the header is not that of a WAVE file this server reads, or the
                file has another number of channels than those to keep apart.
        """
        if self._samples is not None:
            return self._decode(self._samples, data)
        self._header += data
        header = self._reader.read(self._header)
        if header is None:
            return silence(self._apart or 1)
        if self._apart:
            check_channels(header.audio_format.channels, self._apart)
        self._samples = PcmDecoder(header.audio_format, apart=bool(self._apart))
        self._missing = header.data_bytes
        data = bytes(self._header[header.data_start :])
        self._header.clear()
        return self._decode(self._samples, data)

    def close(self) -> FloatArray:
        """The samples the resampler still held. Nothing may be fed afterwards.

        Fewer samples than the header told of are `DAMAGED`.
        """
        self._cut = bool(self._missing)
        return self._samples.close() if self._samples else silence(self._apart or 1)

    def check_complete(self) -> None:
        """Ask after `close` whether the bytes were complete.

        Raises:
            InvalidAudio: they ended inside the header or inside a sample.
        """
        if self._samples is not None:
            self._samples.check_complete()
        elif self._header:
            raise InvalidAudio(
                AUDIO_FIELD,
                f"the audio ended inside its WAVE header, after {len(self._header)} bytes",
                trailing_bytes=str(len(self._header)),
            )

    def _decode(self, samples: PcmDecoder, data: bytes) -> FloatArray:
        if self._missing is not None:
            data = data[: self._missing]
            self._missing -= len(data)
        return samples.feed(data)


class WavHeaderReader:
    """Reads the header of one WAVE file as it arrives, each chunk of it once.

    Source: "Multimedia Programming Interface and Data Specifications 1.0" (IBM, Microsoft,
    1991), RIFF; `WAVEFORMATEXTENSIBLE` in Microsoft's documentation.
    """

    def __init__(self) -> None:
        self._format: AudioFormat | None = None
        self._position = 12

    def read(self, data: bytes | bytearray) -> WavHeader | None:
        """The header of a plain file that starts with `data`; None while it is incomplete.

        `data` must begin with what was passed before.

        Raises:
            OtherWave: it is not plain: a format or a rate for FFmpeg to read.
            InvalidAudio: not a WAVE file, a format nobody here reads, or a header longer than
                `MAX_HEADER_BYTES`.
        """
        _check_signature(data)
        while len(data) >= self._position + 8:
            name, size = struct.unpack_from("<4sI", data, self._position)
            start = self._position + 8
            if name == b"data":
                return self._header(start, size)
            end = start + size + size % 2
            _check_length(end)
            if name == b"fmt ":
                if len(data) < start + size:
                    return None
                self._format = _parse_format(bytes(data[start : start + size]))
            self._position = end
        return None

    def _header(self, start: int, size: int) -> WavHeader:
        if self._format is None:
            raise InvalidAudio(AUDIO_FIELD, "WAVE chunk `data` comes before `fmt `")
        return WavHeader(self._format, start, size if 0 < size < _MOST_BYTES else None)


def _check_length(position: int) -> None:
    if position > MAX_HEADER_BYTES:
        raise InvalidAudio(
            AUDIO_FIELD,
            f"no samples in the first {MAX_HEADER_BYTES} bytes of the WAVE file",
            max_header_bytes=str(MAX_HEADER_BYTES),
        )


def _check_signature(data: bytes | bytearray) -> None:
    riff, wave = bytes(data[:4]), bytes(data[8:12])
    if riff == b"RF64":
        raise OtherWave(AUDIO_FIELD, "WAVE with 64-bit sizes is not plain")
    if not (b"RIFF".startswith(riff) and b"WAVE".startswith(wave)):
        raise InvalidAudio(AUDIO_FIELD, "the audio does not start with a RIFF WAVE header")


def _parse_format(chunk: bytes) -> AudioFormat:
    if len(chunk) < 16:
        raise InvalidAudio(AUDIO_FIELD, f"WAVE chunk `fmt ` has {len(chunk)} bytes, not 16 or more")
    tag, channels, rate, _, block, bits = struct.unpack_from("<HHIIHH", chunk)
    if tag == _EXTENSIBLE and chunk[26:40] == _SUBFORMAT_TAIL:
        (tag,) = struct.unpack_from("<H", chunk, 24)
    encoding = _ENCODINGS.get((tag, bits))
    if encoding is None and tag in _OTHERS:
        raise OtherWave(
            AUDIO_FIELD, f"WAVE format {tag:#06x} with {bits} bits per sample is not plain"
        )
    if encoding is None:
        known = ", ".join(_OTHERS.values())
        raise InvalidAudio(
            AUDIO_FIELD,
            f"WAVE format {tag:#06x} with {bits} bits per sample is none of {known}, 8-bit mu-law"
            " and 8-bit A-law",
        )
    audio_format = AudioFormat(encoding, rate, channels)
    _check_ranges(audio_format, block)
    return audio_format


def _check_ranges(audio_format: AudioFormat, block: int) -> None:
    rate, channels = audio_format.sample_rate, audio_format.channels
    if not MIN_SAMPLE_RATE <= rate <= MAX_SAMPLE_RATE:
        raise OtherWave(
            AUDIO_FIELD,
            f"WAVE sample rate is {rate} Hz, allowed are {MIN_SAMPLE_RATE} to {MAX_SAMPLE_RATE}",
        )
    if not 1 <= channels <= MAX_CHANNELS:
        raise InvalidAudio(
            AUDIO_FIELD, f"WAVE file has {channels} channels, allowed are 1 to {MAX_CHANNELS}"
        )
    if block != audio_format.frame_bytes:
        raise InvalidAudio(
            AUDIO_FIELD,
            f"WAVE block size is {block} bytes, its format needs {audio_format.frame_bytes}",
        )
