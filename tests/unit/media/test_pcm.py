"""Raw audio: any split gives the same samples, and no last sample is lost."""

from __future__ import annotations

from collections.abc import Iterable
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

pytestmark = pytest.mark.unit

RAW = [encoding for encoding in AudioEncoding if not encoding.is_container]


def decode_apart(audio_format: AudioFormat, chunks: Iterable[bytes]) -> FloatArray:
    decoder = PcmDecoder(audio_format, apart=True)
    parts = [decoder.feed(chunk) for chunk in chunks]
    return np.concatenate([*parts, decoder.close()], axis=1)


def decode(audio_format: AudioFormat, chunks: Iterable[bytes]) -> FloatArray:
    decoder = PcmDecoder(audio_format)
    parts = [decoder.feed(chunk) for chunk in chunks]
    (mono,) = np.concatenate([*parts, decoder.close()], axis=1)
    return mono


def split(data: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[a:b] for a, b in pairwise(places)]


def speechlike(audio_format: AudioFormat, frames: int) -> bytes:
    rng = np.random.default_rng(1)
    shape = frames * audio_format.channels
    if audio_format.encoding is AudioEncoding.FLOAT32:
        return rng.uniform(-1, 1, shape).astype("<f4").tobytes()
    return rng.integers(0, 256, shape * audio_format.encoding.bytes_per_sample, np.uint8).tobytes()


@given(
    encoding=st.sampled_from(RAW),
    rate=st.sampled_from([8_000, 11_025, 16_000, 44_100, 48_000]),
    channels=st.integers(1, 8),
    cuts=st.lists(st.integers(0, 50_000), max_size=12),
)
def test_any_split_decodes_like_one_piece(
    encoding: AudioEncoding, rate: int, channels: int, cuts: list[int]
) -> None:
    audio_format = AudioFormat(encoding, rate, channels)
    data = speechlike(audio_format, 1500)
    whole = decode(audio_format, [data])
    np.testing.assert_array_equal(decode(audio_format, split(data, cuts)), whole)
    assert len(whole) == pytest.approx(1500 * 16_000 / rate, abs=1)


def test_linear16_scale() -> None:
    data = np.array([-32768, -1, 0, 1, 32767], "<i2").tobytes()
    expected = [-1, -1 / 32768, 0, 1 / 32768, 32767 / 32768]
    np.testing.assert_allclose(decode(AudioFormat(AudioEncoding.LINEAR16), [data]), expected)


def test_float32_is_clipped() -> None:
    data = np.array([-3, -1, 0.25, 1, 2], "<f4").tobytes()
    np.testing.assert_array_equal(
        decode(AudioFormat(AudioEncoding.FLOAT32), [data]), [-1, -1, 0.25, 1, 1]
    )


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("rate", [16_000, 48_000])
def test_float32_that_is_no_number_is_silence(value: float, rate: int) -> None:
    samples = np.full(4_800, 0.5, "<f4")
    samples[2_400:2_500] = 0.0
    bad = samples.copy()
    bad[2_400:2_500] = value
    decoder = PcmDecoder(AudioFormat(AudioEncoding.FLOAT32, rate))
    first = decoder.feed(bad[:2_400].tobytes())
    assert decoder.problems == frozenset()
    rest = decoder.feed(bad[2_400:].tobytes())
    assert decoder.problems == {AudioProblem.NOT_FINITE}
    heard = np.concatenate([first, rest, decoder.close()], axis=1)[0]
    good = decode(AudioFormat(AudioEncoding.FLOAT32, rate), [samples.tobytes()])
    np.testing.assert_array_equal(heard, good)


@pytest.mark.parametrize(
    ("encoding", "codec"), [(AudioEncoding.MULAW, "pcm_mulaw"), (AudioEncoding.ALAW, "pcm_alaw")]
)
def test_g711_codes_mean_what_ffmpeg_reads(encoding: AudioEncoding, codec: str) -> None:
    codes = bytes(range(256))
    context = av.CodecContext.create(codec, "r")
    context.sample_rate, context.layout = 16_000, "mono"
    frames = context.decode(av.Packet(codes)) + context.decode(None)
    expected = np.concatenate([frame.to_ndarray()[0] for frame in frames]) / 32768
    np.testing.assert_array_equal(decode(AudioFormat(encoding), [codes]), expected)


def test_channels_are_mixed_to_their_mean() -> None:
    left_right = np.array([[0.5, -0.5], [1.0, 0.0], [0.25, 0.75]], "<f4").tobytes()
    mono = decode(AudioFormat(AudioEncoding.FLOAT32, 16_000, 2), [left_right])
    np.testing.assert_array_equal(mono, [0.0, 0.5, 0.5])


@given(
    rate=st.sampled_from([8_000, 16_000, 44_100]),
    channels=st.integers(1, 8),
    cuts=st.lists(st.integers(0, 50_000), max_size=6),
)
def test_channels_apart_are_each_what_they_are_alone(
    rate: int, channels: int, cuts: list[int]
) -> None:
    sound = np.random.default_rng(3).uniform(-1, 1, (1_000, channels)).astype("<f4")
    apart = decode_apart(
        AudioFormat(AudioEncoding.FLOAT32, rate, channels), split(sound.tobytes(), cuts)
    )
    alone = [
        decode(AudioFormat(AudioEncoding.FLOAT32, rate), [sound[:, i].tobytes()])
        for i in range(channels)
    ]
    np.testing.assert_array_equal(apart, np.stack(alone))


@pytest.mark.parametrize("rate", [8_000, 22_050, 48_000])
def test_a_tone_stays_where_it_was(rate: int) -> None:
    time = np.arange(rate) / rate
    data = (0.5 * np.sin(2 * np.pi * 440 * time)).astype("<f4").tobytes()
    resampled = decode(AudioFormat(AudioEncoding.FLOAT32, rate), [data])
    expected = 0.5 * np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000)
    np.testing.assert_allclose(resampled[800:-800], expected[800:-800], atol=2e-3)


def test_bytes_of_an_unfinished_sample_are_told_after_the_last_samples() -> None:
    decoder = PcmDecoder(AudioFormat(AudioEncoding.LINEAR16, 8_000, 2))
    before = decoder.feed(b"\0" * (4 * 800 + 3))
    assert decoder.trailing_bytes == 3
    assert before.shape[1] + decoder.close().shape[1] == 1600
    with pytest.raises(InvalidAudio, match=r"3 bytes left over .* 4 bytes per sample") as caught:
        decoder.check_complete()
    assert caught.value.field == "audio.data"
    assert caught.value.metadata["trailing_bytes"] == "3"
    assert caught.value.metadata["frame_bytes"] == "4"


def test_whole_audio_is_complete() -> None:
    decoder = PcmDecoder(AudioFormat(AudioEncoding.LINEAR16))
    assert decoder.feed(b"\0" * 8).shape == (1, 4)
    assert decoder.close().shape == (1, 0)
    decoder.check_complete()
