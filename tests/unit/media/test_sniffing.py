"""Containers by their first bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sori_server.domain.errors import InvalidAudio
from sori_server.media.sniffing import (
    ADTS,
    AMR,
    FLAC,
    HEAD_BYTES,
    MATROSKA,
    MP3,
    MP4,
    MPEG,
    OGG,
    WAVE,
    ContainerKind,
    sniff,
)

pytestmark = pytest.mark.unit

HEADS = {
    b"RIFF\xff\xff\xff\xffWAVE": WAVE,
    b"fLaC\0\0\0\x22\x10\0\x10\0": FLAC,
    b"OggS\0\x02\0\0\0\0\0\0": OGG,
    b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81": MATROSKA,
    b"ID3\x04\0\0\0\0\0\x23TS": MP3,
    b"\xff\xfb\x90\x64\0\0\0\0\0\0\0\0": MP3,
    b"\xff\xf3\x40\xc0\0\0\0\0\0\0\0\0": MP3,
    b"\0\0\0\x1cftypM4A ": MP4,
    b"\0\0\0\x18ftypmp42": MP4,
    b"\0\0\x0a\xf0moov\0\0\0\x6c": MP4,
    b"\0\0\0\x08wide\0\0\x12\x34mdat": MP4,
    b"RF64\xff\xff\xff\xffWAVE": WAVE,
    b"\xff\xfd\x90\x64\0\0\0\0\0\0\0\0": MP3,
    b"\xff\xf1\x50\x80\0\0\0\0\0\0\0\0": ADTS,
    b"#!AMR\n\x3c\x23zH\xf8}": AMR,
    b"#!AMR-WB\n\x44\0\0": AMR,
    b"\0\0\1\xba\x21\0\1\0\1\x80\x08\x13": MPEG,
}


@pytest.mark.parametrize(("head", "kind"), HEADS.items())
def test_each_container_is_known(head: bytes, kind: ContainerKind) -> None:
    assert sniff(head) is kind
    assert sniff(head + bytes(100)) is kind


@pytest.mark.parametrize(("head", "kind"), HEADS.items())
def test_short_heads_wait_for_more(head: bytes, kind: ContainerKind) -> None:
    known = [sniff(head[:length]) for length in range(HEAD_BYTES)]
    assert known == sorted(known, key=lambda found: found is not None)
    assert set(known) <= {None, kind}


@pytest.mark.parametrize(
    "head",
    [
        b"hello, world",
        b"\0" * 12,
        b"MThd\0\0\0\x06\0\x01\0\x02",
        b"#EXTM3U\n#EXT",
    ],
)
def test_other_bytes_are_refused_with_what_is_read(head: bytes) -> None:
    with pytest.raises(
        InvalidAudio, match="none of WAV, FLAC, Ogg, WebM, MP3, M4A, AAC, AMR, MPEG"
    ) as caught:
        sniff(head)
    assert caught.value.field == "audio.data"


@given(st.binary(max_size=40))
def test_any_bytes_have_an_answer(head: bytes) -> None:
    try:
        found = sniff(head)
    except InvalidAudio:
        assert len(head) >= HEAD_BYTES
        return
    assert found is not None or len(head) < HEAD_BYTES
