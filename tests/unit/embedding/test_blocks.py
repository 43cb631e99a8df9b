"""Arrays to bytes: every kind of number, shape and rate, and what is none of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sori_client import AudioEncoding, AudioFormat
from sori_server.domain.errors import InvalidAudio, InvalidConfig
from sori_server.embedding.blocks import PIECE_BYTES, BlockEncoder, BlockReader

pytestmark = pytest.mark.unit


def floats(pieces: Iterator[bytes]) -> NDArray[np.float32]:
    return np.frombuffer(b"".join(pieces), "<f4")


@pytest.mark.parametrize(
    "block",
    [
        np.array([0.5, -1.0], np.float32),
        np.array([0.5, -1.0], np.float64),
        np.array([0.5, -1.0], ">f8"),
        np.array([2**14, -(2**15)], np.int16),
        np.array([2**14, -(2**15)], ">i2"),
        np.array([2**30, -(2**31)], np.int32),
        np.array([[0.5], [-1.0]], np.float32),
        np.array([[0.5, 9.0], [-1.0, 9.0]], np.float32)[:, :1],
        np.array([-1.0, 0.5])[::-1],
    ],
)
def test_every_kind_of_number_becomes_the_same_floats(block: NDArray[Any]) -> None:
    encoder = BlockEncoder(48_000, 1)
    assert encoder.format == AudioFormat(AudioEncoding.FLOAT32, 48_000, 1)
    assert floats(encoder.pieces(block)).tolist() == [0.5, -1.0]
    assert list(encoder.close()) == []


def test_channels_are_interleaved_and_the_block_stays_as_it_is() -> None:
    block = np.array([[1, 2], [3, 4]], np.float32)
    assert floats(BlockEncoder(8_000, 2).pieces(block)).tolist() == [1, 2, 3, 4]
    assert block.tolist() == [[1, 2], [3, 4]]


def test_long_blocks_come_in_pieces_and_empty_ones_not_at_all() -> None:
    block = np.arange(100_000, dtype=np.float32)
    pieces = list(BlockEncoder(16_000, 1).pieces(block))
    assert max(map(len, pieces)) == PIECE_BYTES
    assert floats(iter(pieces)).tolist() == block.tolist()
    assert list(BlockEncoder(16_000, 1).pieces(np.empty(0, np.int16))) == []
    assert list(BlockEncoder(16_000, 2).pieces(np.empty((0, 2), np.int16))) == []


@pytest.mark.parametrize(
    ("block", "complaint"),
    [
        (np.zeros((2, 2, 2), np.float32), "3 dimensions"),
        (np.float32(1.0), "0 dimensions"),
        (np.zeros(4, np.int64), "int64"),
        (np.zeros(4, np.uint8), "uint8"),
        (np.zeros(4, np.complex64), "complex64"),
        (b"bytes", "type"),
        (None, "object"),
        ([[1.0], [1.0, 2.0]], "not an array"),
        (np.zeros((4, 2), np.int16), "2 channels in a stream of 1"),
        (np.zeros((0, 0), np.int16), "0 channels"),
    ],
)
def test_what_is_no_block_is_told(block: object, complaint: str) -> None:
    with pytest.raises(InvalidAudio, match=complaint):
        list(BlockEncoder(16_000, 1).pieces(block))


def test_transposed_blocks_are_told_by_their_channels() -> None:
    with pytest.raises(InvalidAudio, match=r"\[samples, channels\]"):
        list(BlockReader([np.zeros((2, 480), np.int16)], 48_000).pieces())


@pytest.mark.parametrize("rate", [0, -1, 999, 1_000_000, float("nan"), float("inf"), 44_100.5])
def test_there_is_no_such_rate(rate: float) -> None:
    with pytest.raises(InvalidConfig, match="sample_rate"):
        BlockEncoder(rate, 1)


@pytest.mark.parametrize("channels", [0, 9])
def test_there_is_no_such_number_of_channels(channels: int) -> None:
    with pytest.raises(InvalidAudio, match=f"{channels} channels"):
        BlockEncoder(16_000, channels)


@pytest.mark.parametrize("rate", [4_000, 96_000, 192_000])
def test_rates_the_contract_does_not_know_become_16_khz(rate: int) -> None:
    encoder = BlockEncoder(rate, 2)
    assert encoder.format == AudioFormat(AudioEncoding.FLOAT32, 16_000, 2)
    tone = np.sin(2 * np.pi * 440 * np.arange(rate) / rate)
    blocks = np.array_split(np.stack([tone, 0 * tone], axis=1), 7)
    pieces = [piece for block in blocks for piece in encoder.pieces(block)]
    heard = floats(iter([*pieces, *encoder.close()])).reshape(-1, 2)
    expected = np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000)
    assert len(heard) == 16_000
    assert np.abs(heard[500:-500, 0] - expected[500:-500]).max() < 0.01
    assert np.abs(heard[:, 1]).max() == 0.0
    with pytest.raises(InvalidAudio, match="finite"):
        list(BlockEncoder(rate, 1).pieces(np.array([np.nan])))


def test_a_reader_takes_the_channels_of_the_first_block() -> None:
    reader = BlockReader([np.ones((2, 3), np.float32)] * 2, 44_100.0)
    pieces = reader.pieces()
    assert next(pieces) == b""
    assert reader.format == AudioFormat(AudioEncoding.FLOAT32, 44_100, 3)
    assert floats(pieces).tolist() == [1.0] * 12
    empty = BlockReader([], 44_100)
    assert list(empty.pieces()) == []
    assert empty.format.channels == 1


def test_a_reader_that_is_closed_closes_what_it_reads() -> None:
    closed = []

    def blocks() -> Iterator[NDArray[np.float32]]:
        try:
            while True:
                yield np.zeros(10, np.float32)
        finally:
            closed.append(True)

    source = blocks()
    pieces = BlockReader(source, 16_000).pieces()
    next(pieces)
    pieces.close()
    assert closed == [True]
