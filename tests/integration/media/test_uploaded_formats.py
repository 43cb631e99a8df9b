"""What people upload: WAV of every kind, video, dictation recorders, names that say little."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import Any

import av
import numpy as np
import pytest
import soxr
from sori_server.domain.audio import AudioEncoding
from sori_server.domain.errors import InvalidAudio
from sori_server.domain.limits import Limits
from support.decoding import decoded
from support.recordings import read_recording

pytestmark = pytest.mark.integration

SPEECH = read_recording("en_dialog").samples[16_000 : 16_000 * 5]
PICTURES = 40


@dataclass(frozen=True)
class File:
    """A file as FFmpeg writes it; `video` is the codec of moving pictures beside the sound."""

    muxer: str
    codec: str
    rate: int = 48_000
    layout: str = "mono"
    video: str = ""
    options: dict[str, str] = field(default_factory=dict)
    likeness: float = 0.95
    """Least correlation with what was spoken: codecs for telephones change much."""

    def __str__(self) -> str:
        return "-".join(filter(None, [self.muxer, self.codec, str(self.rate), self.video]))


def written(file: File) -> bytes:
    target = io.BytesIO()
    with av.open(target, "w", format=file.muxer, options=file.options) as container:
        pictures: Any = container.add_stream(file.video, rate=10) if file.video else None
        if pictures is not None:
            pictures.width, pictures.height, pictures.pix_fmt = 64, 48, "yuv420p"
        sound: Any = container.add_stream(
            file.codec,
            rate=file.rate,
            layout=file.layout,
            options={"strict": "experimental"},  # as FFmpeg calls its Vorbis encoder
        )
        if file.codec == "libopencore_amrnb":
            sound.bit_rate = 12_200
        if pictures is not None:
            noise = np.random.default_rng(1).integers(0, 255, (48, 64, 3)).astype(np.uint8)
            for place in range(PICTURES):
                frame = av.VideoFrame.from_ndarray(noise, format="rgb24")
                frame.pts = place
                container.mux(pictures.encode(frame))
            container.mux(pictures.encode(None))
        for piece in frames(file, sound):
            container.mux(sound.encode(piece))
    return target.getvalue()


def frames(file: File, sound: Any) -> list[av.AudioFrame | None]:  # noqa: ANN401
    samples = soxr.resample(SPEECH, 16_000, file.rate)
    pcm = np.round(samples * 32_767).clip(-32_768, 32_767).astype(np.int16)
    frame = av.AudioFrame.from_ndarray(pcm.reshape(1, -1), format="s16", layout="mono")
    frame.sample_rate, frame.pts = file.rate, 0
    resampler = av.AudioResampler(
        format=sound.format.name,
        layout=file.layout,
        rate=file.rate,
        frame_size=sound.codec_context.frame_size or None,
    )
    return [*resampler.resample(frame), *resampler.resample(None), None]


def likeness(heard: np.ndarray[Any, Any]) -> float:
    """Correlation with what was spoken, wherever within 0.1 s the codec put it."""
    rate, size, most = 48_000, 160_000, 4_800
    spoken, finer = (soxr.resample(sound, 16_000, rate) for sound in (SPEECH, heard))
    spectra = np.fft.rfft(finer[: size + most]) * np.conj(np.fft.rfft(spoken[:size], size + most))
    shift = int(np.argmax(np.fft.irfft(spectra)[:most]))
    return float(np.corrcoef(finer[shift : shift + size], spoken[:size])[0, 1])


WAVES = [
    *(File("wav", codec, 16_000) for codec in ("pcm_u8", "pcm_s24le", "pcm_s32le", "pcm_f64le")),
    *(File("wav", "pcm_s24le", rate) for rate in (44_100, 96_000, 192_000)),
    *(File("wav", codec, 96_000) for codec in ("pcm_s16le", "pcm_f32le")),
    File("wav", "adpcm_ms", 22_050),
    File("wav", "adpcm_ima_wav", 22_050),
    File("wav", "libmp3lame", 44_100),
    File("wav", "pcm_s24le", 16_000, options={"rf64": "always"}),
]
OTHERS = [
    File("wav", "pcm_s24le"),
    File("mp4", "aac", video="libx264"),
    File("mp4", "aac", video="libx264", options={"movflags": "frag_keyframe+empty_moov"}),
    File("mov", "aac", video="mpeg4"),
    File("mov", "pcm_s16le"),
    File("matroska", "libopus", video="libx264"),
    File("webm", "vorbis", layout="stereo"),
    File("matroska", "vorbis", layout="stereo"),
    File("ogg", "vorbis", layout="stereo"),
    File("adts", "aac", 44_100),
    File("mp2", "mp2", 44_100),
    File("mpeg", "mp2", 44_100, video="mpeg2video"),
    File("amr", "libopencore_amrnb", 8_000, likeness=0.8),
    File("flac", "flac", 96_000),
]


async def assert_reads(file: File, data: bytes, encoding: AudioEncoding) -> None:
    pieces = [data[start : start + 4_001] for start in range(0, len(data), 4_001)]
    sound = await decoded(pieces, encoding)
    assert sound.error is None
    assert sound.problems == frozenset()
    assert sound.seconds == pytest.approx(4.0, abs=0.1)
    assert likeness(sound.samples[0]) > file.likeness


@pytest.mark.parametrize("file", WAVES, ids=str)
async def test_wav_of_every_kind_is_read(file: File) -> None:
    await assert_reads(file, written(file), AudioEncoding.WAV)


@pytest.mark.parametrize("file", OTHERS, ids=str)
async def test_sound_is_read_out_of_whatever_holds_it(file: File) -> None:
    await assert_reads(file, written(file), AudioEncoding.CONTAINER)


async def test_a_writer_that_does_not_know_its_size_is_read_to_the_end() -> None:
    file = File("wav", "pcm_s24le", 16_000)
    data = bytearray(written(file))
    place = data.index(b"data") + 4
    data[4:8] = data[place : place + 4] = b"\xff" * 4
    await assert_reads(file, bytes(data), AudioEncoding.WAV)


@pytest.mark.parametrize(
    ("file", "message"),
    [
        (File("matroska", "ac3"), "the container holds ac3"),
        (File("wav", "adpcm_yamaha", 22_050), "WAVE format 0x0020 with 4 bits per sample"),
        (File("aiff", "pcm_s16be"), "the audio starts like none of WAV"),
    ],
    ids=str,
)
async def test_what_is_not_read_is_named(file: File, message: str) -> None:
    refused = await decoded([written(file)])
    with pytest.raises(InvalidAudio, match=message):
        raise refused.error or AssertionError


async def test_a_film_without_sound_is_told_so() -> None:
    target = io.BytesIO()
    with av.open(target, "w", format="matroska") as container:
        pictures: Any = container.add_stream("mpeg4", rate=10)
        pictures.width, pictures.height, pictures.pix_fmt = 64, 48, "yuv420p"
        frame = av.VideoFrame(64, 48, "yuv420p")
        container.mux(pictures.encode(frame))
        container.mux(pictures.encode(None))
    refused = await decoded([target.getvalue()])
    with pytest.raises(InvalidAudio, match="the container has no audio"):
        raise refused.error or AssertionError


async def test_plain_wav_needs_no_process() -> None:
    none = Limits(max_decoders=0)
    plain = await decoded([written(File("wav", "pcm_s16le", 44_100))], limits=none)
    assert plain.error is None
    assert plain.seconds == pytest.approx(4.0, abs=0.01)
