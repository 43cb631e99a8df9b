"""WAVE headers as programs write them, split anywhere, and those that must be refused."""

from __future__ import annotations

import io
import struct
import wave
from itertools import pairwise

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sori_server.domain.audio import AudioEncoding, AudioFormat
from sori_server.domain.errors import InvalidAudio
from sori_server.domain.events import AudioProblem
from sori_server.media.pcm import PcmDecoder
from sori_server.media.resampling import FloatArray
from sori_server.media.wav import MAX_HEADER_BYTES, WavDecoder, WavHeaderReader

pytestmark = pytest.mark.unit

SAMPLES = np.random.default_rng(2).integers(-32768, 32767, 1600).astype("<i2").tobytes()


def chunk(name: bytes, body: bytes, size: int | None = None) -> bytes:
    return name + struct.pack("<I", len(body) if size is None else size) + body


def fmt(tag: int = 1, channels: int = 1, rate: int = 16_000, bits: int = 16) -> bytes:
    block = channels * bits // 8
    return chunk(b"fmt ", struct.pack("<HHIIHH", tag, channels, rate, rate * block, block, bits))


def riff(*chunks: bytes) -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def decode(*pieces: bytes) -> FloatArray:
    decoder = WavDecoder()
    blocks = [*(decoder.feed(piece) for piece in pieces), decoder.close()]
    decoder.check_complete()
    (mono,) = np.concatenate(blocks, axis=1)
    return mono


def as_linear16(data: bytes, rate: int = 16_000, channels: int = 1) -> FloatArray:
    decoder = PcmDecoder(AudioFormat(AudioEncoding.LINEAR16, rate, channels))
    (mono,) = np.concatenate([decoder.feed(data), decoder.close()], axis=1)
    return mono


def written_by_wave(rate: int, channels: int) -> bytes:
    target = io.BytesIO()
    with wave.open(target, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(SAMPLES)
    return target.getvalue()


class Pipe(io.RawIOBase):
    """Like a pipe: the writer cannot seek back to fill in the sizes."""

    def __init__(self) -> None:
        self.data = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: bytes | bytearray | memoryview) -> int:  # type: ignore[override]
        self.data += data
        return len(data)


def written_by_ffmpeg(codec: str, *, rate: int = 16_000, pipe: bool = False) -> bytes:
    target = Pipe() if pipe else io.BytesIO()
    with av.open(target, "w", format="wav") as container:
        stream = container.add_stream(codec, rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(
            np.frombuffer(SAMPLES, "<i2").reshape(1, -1), format="s16", layout="mono"
        )
        frame.sample_rate = rate
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    return bytes(target.data) if isinstance(target, Pipe) else target.getvalue()


def read_by_ffmpeg(data: bytes) -> FloatArray:
    resampler = av.AudioResampler(format="flt")
    with av.open(io.BytesIO(data)) as container:
        frames = [
            packed for frame in container.decode(audio=0) for packed in resampler.resample(frame)
        ]
        return np.concatenate([frame.to_ndarray()[0] for frame in frames])


@pytest.mark.parametrize(("rate", "channels"), [(8_000, 1), (16_000, 1), (44_100, 2), (48_000, 8)])
def test_reads_what_the_wave_module_writes(rate: int, channels: int) -> None:
    expected = as_linear16(SAMPLES, rate, channels)
    np.testing.assert_array_equal(decode(written_by_wave(rate, channels)), expected)


@pytest.mark.parametrize("codec", ["pcm_s16le", "pcm_f32le", "pcm_mulaw", "pcm_alaw"])
@pytest.mark.parametrize("pipe", [False, True])
def test_reads_what_ffmpeg_writes(codec: str, pipe: bool) -> None:
    data = written_by_ffmpeg(codec, pipe=pipe)
    np.testing.assert_allclose(decode(data), read_by_ffmpeg(data), atol=1e-7)


@pytest.mark.parametrize(
    ("size", "told"),
    [
        (len(SAMPLES), False),
        (len(SAMPLES) + 2, True),
        (0, False),
        (0x7FFF_F000, False),
        (0xFFFF_FFFF, False),
    ],
)
def test_a_file_that_is_cut_is_told_at_its_end(size: int, told: bool) -> None:
    decoder = WavDecoder()
    decoder.feed(riff(fmt(), chunk(b"data", SAMPLES, size)))
    assert decoder.problems == frozenset()
    decoder.close()
    decoder.check_complete()
    assert decoder.problems == ({AudioProblem.DAMAGED} if told else frozenset())


@given(cuts=st.lists(st.integers(0, 5000), max_size=20))
def test_any_split_decodes_like_one_piece(cuts: list[int]) -> None:
    data = riff(chunk(b"LIST", b"INFOx"), b"\0", fmt(rate=8_000), chunk(b"data", SAMPLES))
    places = [0, *sorted(cut % len(data) for cut in cuts), len(data)]
    pieces = [data[a:b] for a, b in pairwise(places)]
    np.testing.assert_array_equal(decode(*pieces), as_linear16(SAMPLES, 8_000))


def test_single_bytes_decode_like_one_piece() -> None:
    data = written_by_wave(16_000, 1)
    np.testing.assert_array_equal(decode(*(bytes([byte]) for byte in data)), as_linear16(SAMPLES))


def test_reads_the_extensible_format() -> None:
    guid = bytes.fromhex("0300000000001000800000aa00389b71")
    body = struct.pack("<HHIIHHHHI", 0xFFFE, 1, 16_000, 64_000, 4, 32, 22, 32, 4) + guid
    samples = np.array([0.5, -0.25], "<f4")
    data = riff(chunk(b"fmt ", body), chunk(b"data", samples.tobytes()))
    np.testing.assert_array_equal(decode(data), samples)


def test_chunks_around_the_samples_are_skipped() -> None:
    data = riff(
        chunk(b"JUNK", b"\0" * 100),
        fmt(),
        chunk(b"LIST", b"INFOx") + b"\0",
        chunk(b"data", SAMPLES),
        chunk(b"LIST", b"INFOnot sound"),
    )
    np.testing.assert_array_equal(decode(data), as_linear16(SAMPLES))


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF])
def test_unknown_size_reads_to_the_end(size: int) -> None:
    data = riff(fmt(), chunk(b"data", SAMPLES, size=size))
    np.testing.assert_array_equal(decode(data), as_linear16(SAMPLES))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"OggS" + b"\0" * 40, "does not start with a RIFF WAVE header"),
        (b"RIFF\0\0\0\0AVI ", "does not start with a RIFF WAVE header"),
        (b"\xff", "does not start with a RIFF WAVE header"),
        (riff(chunk(b"data", SAMPLES)), "`data` comes before `fmt `"),
        (riff(chunk(b"fmt ", b"\x01\0")), "`fmt ` has 2 bytes"),
        (riff(fmt(bits=24)), "0x0001 with 24 bits"),
        (riff(fmt(tag=0x55)), "0x0055 with 16 bits"),
        (riff(fmt(rate=4_000)), "4000 Hz, allowed are 8000 to 48000"),
        (riff(fmt(rate=96_000)), "96000 Hz, allowed are 8000 to 48000"),
        (riff(fmt(channels=9)), "9 channels, allowed are 1 to 8"),
        (riff(fmt(channels=0)), "0 channels"),
        (riff(fmt().replace(b"\x02\0\x10\0", b"\x03\0\x10\0")), "block size is 3 bytes"),
        (riff(chunk(b"LIST", b"", size=MAX_HEADER_BYTES)), "no samples in the first 65536 bytes"),
    ],
)
def test_refuses(data: bytes, message: str) -> None:
    with pytest.raises(InvalidAudio, match=message) as caught:
        WavDecoder().feed(data)
    assert caught.value.field == "audio.data"


def test_a_header_is_given_up_at_its_limit() -> None:
    decoder = WavDecoder()
    decoder.feed(riff(*[chunk(b"JUNK", b"\0" * 992)] * (MAX_HEADER_BYTES // 1000)))
    with pytest.raises(InvalidAudio, match="no samples in the first"):
        decoder.feed(chunk(b"JUNK", b"\0" * 992))


def test_audio_that_ends_in_its_header_is_told() -> None:
    decoder = WavDecoder()
    assert decoder.feed(riff(fmt())).shape == (1, 0)
    assert decoder.close().shape == (1, 0)
    with pytest.raises(InvalidAudio, match="ended inside its WAVE header, after 36 bytes"):
        decoder.check_complete()


def test_audio_that_ends_in_a_sample_keeps_the_samples_before() -> None:
    decoder = WavDecoder()
    samples = decoder.feed(riff(fmt(), chunk(b"data", SAMPLES))[:-1])
    assert samples.shape[1] + decoder.close().shape[1] == 1599
    with pytest.raises(InvalidAudio, match="1 bytes left over"):
        decoder.check_complete()


def test_a_file_cut_short_at_a_sample_is_accepted() -> None:
    data = riff(fmt(), chunk(b"data", SAMPLES))[:-100]
    np.testing.assert_array_equal(decode(data), as_linear16(SAMPLES[:-100]))


def test_no_bytes_at_all_are_an_empty_recording() -> None:
    assert len(decode()) == 0


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_refused_or_wait(data: bytes) -> None:
    try:
        header = WavHeaderReader().read(b"RIFF\0\0\0\0WAVE" + data)
    except InvalidAudio:
        return
    assert header is None or header.data_start <= len(data) + 12


def test_channels_are_kept_apart_when_they_are_those_announced() -> None:
    left_right = np.array([[0.5, -0.5], [1.0, 0.0]], "<f4")
    data = riff(fmt(tag=3, channels=2, bits=32), chunk(b"data", left_right.tobytes()))
    np.testing.assert_array_equal(WavDecoder(apart=2).feed(data), left_right.T)
    with pytest.raises(InvalidAudio, match="2 channels, 3 were announced") as caught:
        WavDecoder(apart=3).feed(data)
    assert caught.value.field == "audio_format.channel_count"


def test_samples_that_are_no_numbers_are_a_problem() -> None:
    decoder = WavDecoder()
    assert decoder.problems == frozenset()
    decoder.feed(riff(fmt(tag=3, bits=32), chunk(b"data", struct.pack("<f", np.nan))))
    assert decoder.problems == {AudioProblem.NOT_FINITE}
