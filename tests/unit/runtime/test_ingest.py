"""Bytes become samples once, whatever is sent twice or split; and they are counted."""

from __future__ import annotations

import os
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sori_server.domain.audio import AudioEncoding, AudioFormat
from sori_server.domain.config import ChannelMode
from sori_server.domain.errors import AudioGap, InvalidAudio
from sori_server.domain.events import AudioProblem
from sori_server.domain.limits import Limits
from sori_server.engine.fake import VAD_FRAME, FakeStreamAudio
from sori_server.engine.port import FloatArray
from sori_server.media.container import ContainerDecoder
from sori_server.media.sandbox import SandboxedDecoder
from sori_server.runtime.door import AudioBytes, EndOfAudio
from sori_server.runtime.ears import Ears
from sori_server.runtime.ingest import PIECE, Ingest, Judged
from support.containers import FLAC, encoded
from support.word_audio import linear16, silence, speak

pytestmark = pytest.mark.unit

LINEAR16 = AudioFormat(AudioEncoding.LINEAR16)
SPOKEN = linear16(speak(range(20)))


class Listened(FakeStreamAudio):
    """Keeps the pieces it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[FloatArray] = []

    def accept(self, samples: FloatArray) -> list[float]:
        self.pieces.append(samples)
        return super().accept(samples)

    @property
    def heard(self) -> FloatArray:
        return np.concatenate([np.zeros(0, np.float32), *self.pieces])


class Hearing:
    """An ingest and what came of it."""

    def __init__(self, audio_format: AudioFormat = LINEAR16, *, apart: bool = False) -> None:
        self.audios = [Listened() for _ in range(audio_format.channels if apart else 1)]
        mode = ChannelMode.SEPARATE if apart else ChannelMode.MIX
        self.ingest = Ingest(audio_format, mode, self.audios, Limits(), Ears())
        self.counted = 0
        self.probabilities: list[float] = []
        self.lengths: list[tuple[int, ...]] = []

    @property
    def audio(self) -> Listened:
        return self.audios[0]

    def take(self, judged: Judged) -> None:
        count, probabilities = judged
        self.counted += count
        self.probabilities += probabilities[0]
        self.lengths.append(tuple(len(channel) for channel in probabilities))

    async def accept(self, data: bytes, offset: int | None = None) -> None:
        async for judged in self.ingest.accept(AudioBytes(data, offset)):
            self.take(judged)

    async def close(self) -> None:
        async for judged in self.ingest.close():
            self.take(judged)

    def warned(self) -> list[tuple[AudioProblem, int]]:
        return [(warning.problem, warning.position) for warning in self.ingest.warnings()]


async def test_every_sample_is_counted_and_judged() -> None:
    hearing = Hearing()
    await hearing.accept(SPOKEN)
    await hearing.accept(linear16(silence(10)))
    assert np.array_equal(hearing.audio.heard[:32_000], speak(range(20)))
    assert hearing.counted == hearing.audio.received == 48_000
    assert hearing.probabilities == [1.0] * 63 + [0.0] * 30
    assert len(hearing.probabilities) == 48_000 // VAD_FRAME
    assert hearing.ingest.received_bytes == 96_000


@given(cuts=st.lists(st.integers(0, len(SPOKEN)), max_size=8))
async def test_it_makes_no_difference_how_bytes_are_split(cuts: list[int]) -> None:
    hearing = Hearing()
    edges = [0, *sorted(cuts), len(SPOKEN)]
    for start, end in pairwise(edges):
        await hearing.accept(SPOKEN[start:end])
        assert hearing.ingest.received_bytes == end
    assert np.array_equal(hearing.audio.heard, speak(range(20)))


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(1, 9_000)), max_size=12))
async def test_what_is_sent_again_is_heard_once(sent: list[tuple[float, int]]) -> None:
    """Chunks that start anywhere in what was received, and end anywhere."""
    hearing = Hearing()
    for share, length in sent:
        received = hearing.ingest.received_bytes
        start = int(share * received)
        await hearing.accept(SPOKEN[start : start + length], start)
        reached = min(start + length, len(SPOKEN))
        assert hearing.ingest.received_bytes == max(received, reached)
    whole = hearing.ingest.received_bytes // 2
    assert np.array_equal(hearing.audio.heard, speak(range(20))[:whole])


async def test_bytes_may_only_continue_what_was_received() -> None:
    hearing = Hearing()
    await hearing.accept(SPOKEN[:1_000])
    with pytest.raises(AudioGap) as gap:
        await hearing.accept(SPOKEN[1_001:], 1_001)
    assert gap.value.metadata == {"received_bytes": "1000", "announced_bytes": "1001"}
    assert str(gap.value).startswith("audio.byte_offset: ")
    assert hearing.ingest.received_bytes == 1_000
    assert hearing.counted == 500


async def test_large_chunks_are_judged_in_pieces() -> None:
    hearing = Hearing()
    await hearing.accept(linear16(silence(25)))
    assert [len(piece) for piece in hearing.audio.pieces] == [PIECE, PIECE, PIECE // 2]
    assert hearing.counted == 40_000


async def test_bytes_are_acknowledged_when_their_samples_were_heard() -> None:
    """Who stops in the middle of a chunk must not have promised the rest of it."""
    hearing = Hearing()
    await hearing.accept(SPOKEN)
    judged = hearing.ingest.accept(AudioBytes(linear16(silence(30))))
    await anext(judged)
    assert hearing.ingest.received_bytes == len(SPOKEN)
    assert len([piece async for piece in judged]) == 2
    assert hearing.ingest.received_bytes == len(SPOKEN) + 96_000


async def test_empty_chunks_change_nothing() -> None:
    hearing = Hearing()
    await hearing.accept(b"")
    await hearing.accept(b"", 0)
    assert (hearing.counted, hearing.ingest.received_bytes) == (0, 0)


async def test_closing_gives_what_the_resampler_held() -> None:
    hearing = Hearing(AudioFormat(AudioEncoding.LINEAR16, sample_rate=8_000))
    await hearing.accept(bytes(16_000))
    before = hearing.counted
    await hearing.close()
    assert before < hearing.counted == 16_000
    assert hearing.ingest.received_bytes == 16_000


# --------------------------------------------------------------------------------- the end


@pytest.mark.parametrize("total", [None, 1_000])
async def test_audio_is_complete_when_nothing_else_was_counted(total: int | None) -> None:
    hearing = Hearing()
    await hearing.accept(SPOKEN[:1_000])
    await hearing.close()
    hearing.ingest.check_complete(EndOfAudio(total))


@pytest.mark.parametrize("total", [0, 999, 1_001])
async def test_another_count_is_a_gap(total: int) -> None:
    hearing = Hearing()
    await hearing.accept(SPOKEN[:1_000])
    await hearing.close()
    with pytest.raises(AudioGap) as gap:
        hearing.ingest.check_complete(EndOfAudio(total))
    assert gap.value.metadata == {"received_bytes": "1000", "announced_bytes": str(total)}
    assert str(gap.value).startswith("end_of_audio.total_bytes: ")


async def test_half_a_sample_is_not_complete() -> None:
    hearing = Hearing()
    await hearing.accept(SPOKEN[:1_001])
    await hearing.close()
    with pytest.raises(InvalidAudio):
        hearing.ingest.check_complete(EndOfAudio(1_001))
    assert hearing.counted == 500


async def test_what_cannot_be_decoded_is_told() -> None:
    hearing = Hearing(AudioFormat(AudioEncoding.WAV, 0, 0))
    with pytest.raises(InvalidAudio):
        await hearing.accept(b"OggS")


# ---------------------------------------------------------------------- channels, warnings


async def test_each_channel_is_judged_by_itself() -> None:
    stereo = np.stack([speak(range(20)), np.zeros(32_000, np.float32)], axis=1)
    data = np.round(stereo * 32_768).astype("<i2").tobytes()
    hearing = Hearing(AudioFormat(AudioEncoding.LINEAR16, 16_000, 2), apart=True)
    await hearing.accept(data[:70_001])
    await hearing.accept(data[70_001:])
    assert np.array_equal(hearing.audios[0].heard, speak(range(20)))
    assert np.array_equal(hearing.audios[1].heard, np.zeros(32_000))
    assert hearing.counted == 32_000
    assert all(left == right for left, right in hearing.lengths)
    assert hearing.ingest.received_bytes == 128_000


async def test_mixed_channels_are_judged_as_one() -> None:
    hearing = Hearing(AudioFormat(AudioEncoding.LINEAR16, 16_000, 2))
    await hearing.accept(np.array([[1_000, 3_000]] * 800, "<i2").tobytes())
    assert np.array_equal(hearing.audio.heard, np.full(800, 2_000 / 32_768, np.float32))


async def test_samples_that_are_no_numbers_are_told_once() -> None:
    hearing = Hearing(AudioFormat(AudioEncoding.FLOAT32))
    await hearing.accept(np.zeros(4_000, "<f4").tobytes())
    assert hearing.warned() == []
    for _ in range(2):
        await hearing.accept(np.full(8, np.nan, "<f4").tobytes())
    assert hearing.warned() == [(AudioProblem.NOT_FINITE, 4_000)]
    assert hearing.warned() == []
    assert np.array_equal(hearing.audio.heard, np.zeros(4_016))


async def test_clipped_audio_is_told_once() -> None:
    hearing = Hearing()
    await hearing.accept(linear16(silence(10)))
    noise = np.random.default_rng(1).normal(0, 1, 48_000).clip(-1, 1)
    await hearing.accept(np.round(noise * 32_767).astype("<i2").tobytes())
    assert hearing.warned() == [(AudioProblem.CLIPPED, 16_000)]


async def test_closing_for_good_ends_the_decoder_and_can_be_repeated() -> None:
    hearing = Hearing(AudioFormat(AudioEncoding.FLAC, 0, 0))
    await hearing.accept(encoded(FLAC, np.zeros(8_000, np.float32)))
    container = hearing.ingest._decoder
    assert isinstance(container, ContainerDecoder)
    assert isinstance(container._decoder, SandboxedDecoder)
    pid = container._decoder.pid
    assert pid is not None
    await hearing.ingest.aclose()
    await hearing.ingest.aclose()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
