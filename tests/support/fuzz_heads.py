"""Hostile heads of files and resume tokens by what they are."""

from __future__ import annotations

import struct


def wave_file(tag: int = 1, bits: int = 16, channels: int = 1, rate: int = 16_000) -> bytes:
    """A WAVE file of a few samples, whose header need not be true."""
    block = channels * bits // 8 & 0xFFFF
    form = struct.pack("<HHIIHH", tag, channels, rate, rate * block & 0xFFFFFFFF, block, bits)
    return (
        b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0"
        + form
        + b"data\xff\xff\xff\xff"
        + bytes(range(99))
    )


def heads() -> dict[str, bytes]:
    heads = {
        "wave": wave_file(),
        "wave in stereo": wave_file(channels=2),
        "wave in float": wave_file(3, 32),
        "wave in mu-law": wave_file(7, 8, rate=8_000),
        "wave without channels": wave_file(channels=0),
        "wave of MP3": wave_file(0x55, 0),
        "wave at no rate": wave_file(rate=0),
        "wave at every rate": wave_file(rate=2**32 - 1),
        "wave, extensible": wave_file(0xFFFE)
        .replace(b"fmt \x10", b"fmt \x28")
        .replace(b"data", b"\x16\0\x10\0\3\0\0\0\1\0\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71data"),
        "wave, RF64": b"RF64" + wave_file()[4:],
        "wave, samples first": b"RIFF\0\0\0\0WAVEdata\0\0\0\0",
        "wave, a chunk that is all there is": b"RIFF\0\0\0\0WAVEjunk\xff\xff\xff\xff",
        "wave, chunks of nothing": b"RIFF\0\0\0\0WAVE" + b"junk\0\0\0\0" * 300,
        "wave, an odd chunk": b"RIFF\0\0\0\0WAVEjunk\1\0\0\0x" + wave_file()[12:],
        "wave, a format of 4 bytes": b"RIFF\0\0\0\0WAVEfmt \4\0\0\0\1\0\1\0",
        "film": b"\0\0\0\x18ftypM4A \0\0\0\0M4A mp42\0\0\0\x10moov\0\0\0\x08free",
        "film, its index last": b"\0\0\0\x08free\0\0\0\x20mdat" + bytes(24) + b"\0\0\0\x08moov",
        "film, a box of 2**64": b"\0\0\0\x08free\0\0\0\1wide" + b"\xff" * 8 + bytes(99),
        "film, a box of nothing": b"\0\0\0\x08free\0\0\0\0mdat" + bytes(99),
        "film, boxes too small": b"\0\0\0\3free" * 200,
        "ogg": b"OggS\0\2" + bytes(20) + b"\3\1\2\3" + bytes(6),
        "ogg, cut": b"OggS\0\2" + bytes(20) + b"\xff" + b"\xff" * 200,
        "ogg, pages of nothing": (b"OggS" + bytes(23)) * 40,
        "MP3": b"\xff\xfb\x90\x64" + bytes(60),
        "FLAC": b"fLaC\0\0\0\x22" + bytes(34),
        "text": b"this is no audio at all",
    }
    cuts = {name: bytes([0]) + head for name, head in heads.items()}
    return cuts | {f"{name}, in one piece": b"\xff" + head for name, head in heads.items()}


def huge_heads() -> dict[str, bytes]:
    return {
        "chunks of nothing": b"\xffRIFF\0\0\0\0WAVE" + b"junk\0\0\0\0" * 10_000,
        "boxes of nothing": b"\xff" + b"\0\0\0\x08free" * 10_000,
        "pages of nothing": b"\xff" + (b"OggS" + bytes(23)) * 2_000,
    }


def tokens() -> dict[str, bytes]:
    head = struct.Struct(">BBdI16s")

    def ticket(version: int, length: int, expires: float, rest: bytes) -> bytes:
        return b"me\0" + head.pack(version, length, expires, 2**32 - 1, b"n" * 16) + rest

    return {
        "nothing": b"",
        "no base64": b"me\0!!!",
        "one character": b"me\0A",
        "no ASCII": "me\0\u00e9\u00e9".encode(),
        "another version": ticket(2, 1, 2e9, b"s" + bytes(12)),
        "no channel": ticket(1, 1, 2e9, b"s"),
        "half a channel": ticket(1, 1, 2e9, b"s" + bytes(11)),
        "a name longer than all": ticket(1, 255, 2e9, b"s" + bytes(12)),
        "a name that is no text": ticket(1, 1, 2e9, b"\xff" + bytes(12)),
        "the greatest place": ticket(1, 1, 2e9, b"s" + b"\xff" * 12),
        "an end that is no time": ticket(1, 1, float("nan"), b"s" + bytes(12)),
        "a hundred channels": ticket(1, 1, -float("inf"), b"s" + bytes(1_200)),
    }
