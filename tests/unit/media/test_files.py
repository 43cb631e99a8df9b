"""Local recordings: every container gives its sound, every bad file a clear error."""

from __future__ import annotations

import struct
import wave
from pathlib import Path

import av
import numpy as np
import pytest
from sori_server.domain.errors import InvalidAudio
from sori_server.media.files import open_recording
from sori_server.media.pcm import FloatArray

pytestmark = pytest.mark.unit

CONTAINERS = [("flac", "flac", 44_100), ("ogg", "libopus", 48_000), ("mp3", "mp3", 32_000)]


def tone(rate: int, seconds: float = 1.0) -> FloatArray:
    time = np.arange(round(rate * seconds)) / rate
    return (0.5 * np.sin(2 * np.pi * 440 * time)).astype(np.float32)


def write(path: Path, codec: str, rate: int) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, layout="stereo")
        pcm = np.repeat((tone(rate) * 32767).astype(np.int16), 2).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(pcm, format="s16", layout="stereo")
        frame.sample_rate = rate
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)


def read(path: Path) -> FloatArray:
    with open_recording(path) as recording:
        return np.concatenate([np.empty(0, np.float32), *recording.blocks()])


@pytest.mark.parametrize(("suffix", "codec", "rate"), CONTAINERS)
def test_sound_survives_its_container(tmp_path: Path, suffix: str, codec: str, rate: int) -> None:
    path = tmp_path / f"tone.{suffix}"
    write(path, codec, rate)
    samples = read(path)
    assert samples.dtype == np.float32
    assert len(samples) == pytest.approx(16_000, rel=0.08)
    spectrum = np.abs(np.fft.rfft(samples[2_000:12_000]))
    assert spectrum.argmax() * 1.6 == pytest.approx(440, abs=2)
    assert np.sqrt(np.mean(samples[2_000:12_000] ** 2)) == pytest.approx(0.354, rel=0.1)


@pytest.mark.parametrize(("suffix", "codec", "rate"), CONTAINERS)
def test_duration_is_known(tmp_path: Path, suffix: str, codec: str, rate: int) -> None:
    path = tmp_path / f"tone.{suffix}"
    write(path, codec, rate)
    with open_recording(path) as recording:
        assert recording.duration == pytest.approx(1.0, abs=0.1)


def test_blocks_are_small(tmp_path: Path) -> None:
    path = tmp_path / "tone.flac"
    write(path, "flac", 44_100)
    with open_recording(path) as recording:
        assert max(len(block) for block in recording.blocks()) <= 8_000


def test_tags_in_old_encodings_do_not_matter(tmp_path: Path) -> None:
    title = "소리".encode("cp949")
    info = b"INFOINAM" + struct.pack("<I", len(title)) + title
    path = tmp_path / "old: tags.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes((tone(16_000) * 32767).astype("<i2").tobytes())
    with path.open("ab") as raw:
        raw.write(b"LIST" + struct.pack("<I", len(info)) + info)
    np.testing.assert_allclose(read(path), tone(16_000), atol=1e-4)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidAudio, match=r"gone\.wav: No such file"):
        read(tmp_path / "gone.wav")


def test_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidAudio, match="Is a directory"):
        read(tmp_path)


@pytest.mark.parametrize("content", [b"", b"not sound at all\n" * 100])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "text.wav"
    path.write_bytes(content)
    with pytest.raises(InvalidAudio, match=r"text\.wav: Invalid data"):
        read(path)


def test_pictures_have_no_sound(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    with av.open(str(path), "w", format="image2", options={"update": "1"}) as container:
        stream = container.add_stream("png", rate=1)
        stream.width = stream.height = 16
        stream.pix_fmt = "rgb24"
        frame = av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8), format="rgb24")
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    with pytest.raises(InvalidAudio, match="the file has no sound"):
        read(path)


def test_damage_is_told_after_the_sound_before_it(tmp_path: Path) -> None:
    path = tmp_path / "damaged.m4a"
    write(path, "aac", 44_100)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 200] = b"\x5a" * 200
    path.write_bytes(data)
    heard: list[FloatArray] = []
    with (
        open_recording(path) as recording,
        pytest.raises(InvalidAudio, match=r"damaged\.m4a: damaged audio: Invalid data"),
    ):
        heard.extend(recording.blocks())
    assert 4_000 < sum(len(block) for block in heard) < 16_000
