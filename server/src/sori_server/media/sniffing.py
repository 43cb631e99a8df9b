"""Containers told apart by their first bytes."""

from __future__ import annotations

from typing import Final

from sori_server.domain.audio import AudioEncoding
from sori_server.domain.errors import InvalidAudio
from sori_server.media.pcm import AUDIO_FIELD

HEAD_BYTES: Final = 12
"""Bytes that are enough to tell."""

DISPLAY_NAMES: Final = {
    AudioEncoding.WAV: "WAV",
    AudioEncoding.FLAC: "FLAC",
    AudioEncoding.OGG_OPUS: "Ogg",
    AudioEncoding.WEBM_OPUS: "WebM",
    AudioEncoding.MP3: "MP3",
    AudioEncoding.M4A: "M4A",
}

_MAGIC: Final = {
    (0, b"RIFF"): AudioEncoding.WAV,
    (0, b"fLaC"): AudioEncoding.FLAC,
    (0, b"OggS"): AudioEncoding.OGG_OPUS,
    (0, b"\x1aE\xdf\xa3"): AudioEncoding.WEBM_OPUS,
    (0, b"ID3"): AudioEncoding.MP3,
    (4, b"ftyp"): AudioEncoding.M4A,
}


def sniff(head: bytes | bytearray) -> AudioEncoding | None:
    """The container that starts with `head`; None if it is too short to tell.

    Raises:
        InvalidAudio: none of those this server reads.
    """
    for (place, magic), encoding in _MAGIC.items():
        if head[place : place + len(magic)] == magic:
            return encoding
    if len(head) < HEAD_BYTES:
        return None
    if _is_mpeg_frame(head):
        return AudioEncoding.MP3
    known = ", ".join(DISPLAY_NAMES.values())
    raise InvalidAudio(AUDIO_FIELD, f"the audio starts like none of {known}")


def _is_mpeg_frame(head: bytes | bytearray) -> bool:
    """Whether there is a frame header of MPEG audio: its sync bits and a layer (not ADTS)."""
    return head[0] == 0xFF and head[1] & 0xE0 == 0xE0 and head[1] & 0x06 != 0
