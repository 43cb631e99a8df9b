"""Containers by their first bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sori_server.domain.audio import AudioEncoding
from sori_server.domain.errors import InvalidAudio
from sori_server.media.sniffing import HEAD_BYTES, sniff

pytestmark = pytest.mark.unit

HEADS = {
    b"RIFF\xff\xff\xff\xffWAVE": AudioEncoding.WAV,
    b"fLaC\0\0\0\x22\x10\0\x10\0": AudioEncoding.FLAC,
    b"OggS\0\x02\0\0\0\0\0\0": AudioEncoding.OGG_OPUS,
    b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81": AudioEncoding.WEBM_OPUS,
    b"ID3\x04\0\0\0\0\0\x23TS": AudioEncoding.MP3,
    b"\xff\xfb\x90\x64\0\0\0\0\0\0\0\0": AudioEncoding.MP3,
    b"\xff\xf3\x40\xc0\0\0\0\0\0\0\0\0": AudioEncoding.MP3,
    b"\0\0\0\x1cftypM4A ": AudioEncoding.M4A,
    b"\0\0\0\x18ftypmp42": AudioEncoding.M4A,
}


@pytest.mark.parametrize(("head", "encoding"), HEADS.items())
def test_each_container_is_known(head: bytes, encoding: AudioEncoding) -> None:
    assert sniff(head) is encoding
    assert sniff(head + bytes(100)) is encoding


@pytest.mark.parametrize(("head", "encoding"), HEADS.items())
def test_short_heads_wait_for_more(head: bytes, encoding: AudioEncoding) -> None:
    known = [sniff(head[:length]) for length in range(HEAD_BYTES)]
    assert known == sorted(known, key=lambda found: found is not None)
    assert set(known) <= {None, encoding}


@pytest.mark.parametrize(
    "head",
    [
        b"hello, world",
        b"\xff\xf1\x50\x80\0\0\0\0\0\0\0\0",  # ADTS
        b"\0" * 12,
        b"MThd\0\0\0\x06\0\x01\0\x02",
        b"#EXTM3U\n#EXT",
    ],
)
def test_other_bytes_are_refused_with_what_is_read(head: bytes) -> None:
    with pytest.raises(InvalidAudio, match="none of WAV, FLAC, Ogg, WebM, MP3, M4A") as caught:
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
