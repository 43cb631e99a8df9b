"""Containers told apart by their first bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sori_server.domain.audio import AudioEncoding
from sori_server.domain.errors import InvalidAudio
from sori_server.media.pcm import AUDIO_FIELD

HEAD_BYTES: Final = 12
"""Bytes that are enough to tell."""


@dataclass(frozen=True, slots=True)
class ContainerKind:
    """A container: its name for people, and FFmpeg's for what takes it apart.

    `encoding` is what clients announce it as; without one it is found in `CONTAINER` only.
    A demuxer is always named, so that none that opens other files is guessed.
    """

    name: str
    demuxer: str
    encoding: AudioEncoding = AudioEncoding.CONTAINER


WAVE: Final = ContainerKind("WAV", "wav", AudioEncoding.WAV)
FLAC: Final = ContainerKind("FLAC", "flac", AudioEncoding.FLAC)
OGG: Final = ContainerKind("Ogg", "ogg", AudioEncoding.OGG_OPUS)
MATROSKA: Final = ContainerKind("WebM", "matroska", AudioEncoding.WEBM_OPUS)
MP3: Final = ContainerKind("MP3", "mp3", AudioEncoding.MP3)
MP4: Final = ContainerKind("M4A", "mov", AudioEncoding.M4A)
ADTS: Final = ContainerKind("AAC", "aac")
AMR: Final = ContainerKind("AMR", "amr")
MPEG: Final = ContainerKind("MPEG", "mpeg")

KINDS: Final = (WAVE, FLAC, OGG, MATROSKA, MP3, MP4, ADTS, AMR, MPEG)

_MAGIC: Final = {
    (0, b"RIFF"): WAVE,
    (0, b"RF64"): WAVE,
    (0, b"fLaC"): FLAC,
    (0, b"OggS"): OGG,
    (0, b"\x1aE\xdf\xa3"): MATROSKA,
    (0, b"ID3"): MP3,
    (0, b"#!AMR"): AMR,
    (0, b"\0\0\1\xba"): MPEG,
    (4, b"ftyp"): MP4,
    (4, b"moov"): MP4,
    (4, b"mdat"): MP4,
    (4, b"wide"): MP4,
    (4, b"free"): MP4,
    (4, b"skip"): MP4,
}
"""QuickTime files may start without `ftyp`."""


def sniff(head: bytes | bytearray) -> ContainerKind | None:
    """The container that starts with `head`; None if it is too short to tell.

    Raises:
        InvalidAudio: none of those this server reads.
    """
    for (place, magic), kind in _MAGIC.items():
        if head[place : place + len(magic)] == magic:
            return kind
    if len(head) < HEAD_BYTES:
        return None
    if head[0] == 0xFF and head[1] & 0xE0 == 0xE0:  # sync bits of MPEG audio
        return MP3 if head[1] & 0x06 else ADTS
    known = ", ".join(kind.name for kind in KINDS)
    raise InvalidAudio(AUDIO_FIELD, f"the audio starts like none of {known}")
