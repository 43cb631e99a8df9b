"""Containers decoded in their process: any split, any damage, any number of channels."""

from __future__ import annotations

import io
import time
from pathlib import Path

import av
import numpy as np
import pytest
from sori_server.domain.audio import AudioEncoding
from sori_server.domain.errors import InvalidAudio
from sori_server.domain.events import AudioProblem
from sori_server.domain.limits import Limits
from sori_server.media.files import open_recording
from support.containers import (
    FLAC,
    KINDS,
    M4A,
    M4A_FRAGMENTED,
    MP3,
    OGG,
    WEBM,
    Kind,
    Samples,
    encoded,
    encoded_pcm,
)
from support.decoding import decoded, pieces_of
from support.recordings import read_recording

pytestmark = pytest.mark.integration

SPEECH: Samples = read_recording("en_dialog").samples[16_000 : 16_000 * 5]
DAMAGED = frozenset({AudioProblem.DAMAGED})
NO_DAMAGE: frozenset[AudioProblem] = frozenset()


def correlation(heard: Samples, said: Samples) -> float:
    """1 for the same sound at any loudness, moved by up to 0.2 s as some encoders do."""
    n = min(len(heard), len(said))
    spectra = np.fft.rfft(heard[:n], 2 * n), np.fft.rfft(said[:n], 2 * n)
    lags = np.roll(np.fft.irfft(spectra[0] * spectra[1].conj()), 3_200)[:6_400]
    return float(lags.max() / np.sqrt((heard[:n] ** 2).sum() * (said[:n] ** 2).sum()))


@pytest.mark.parametrize("name", KINDS)
async def test_any_split_decodes_like_the_whole_file(tmp_path: Path, name: str) -> None:
    data = encoded(KINDS[name], SPEECH, 48_000)
    path = tmp_path / "whole"
    path.write_bytes(data)
    with open_recording(path) as recording:
        local = np.concatenate(list(recording.blocks()))
    whole = await decoded([data], KINDS[name].encoding)
    assert whole.error is None
    assert whole.problems == NO_DAMAGE
    # A file that can seek knows how much silence its encoder added at the end.
    assert len(local) <= whole.samples.shape[1] <= len(local) + 400
    np.testing.assert_allclose(whole.samples[0, : len(local)], local.clip(-1, 1), atol=2e-3)
    assert correlation(whole.samples[0], SPEECH) > 0.9
    parts = await decoded(pieces_of(data, 7))
    np.testing.assert_array_equal(parts.samples, whole.samples)
    assert (parts.error, parts.problems) == (None, NO_DAMAGE)


async def test_flac_loses_nothing() -> None:
    pcm = np.round(SPEECH * 32_767).astype(np.int16)
    flac = await decoded([encoded_pcm(FLAC, [pcm[:, None]], 16_000)])
    np.testing.assert_array_equal(flac.samples[0], pcm.astype(np.float32) / 32_768)


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("rate", [8_000, 44_100])
async def test_every_rate_is_brought_to_16_khz(name: str, rate: int) -> None:
    if KINDS[name].codec == "libopus" and rate == 44_100:
        pytest.skip("Opus has no such rate")
    sound = await decoded([encoded(KINDS[name], SPEECH, rate)])
    assert (sound.error, sound.problems) == (None, NO_DAMAGE)
    assert sound.seconds == pytest.approx(4.0, abs=0.25)


@pytest.mark.parametrize("name", ["flac", "webm", "ogg", "mp3", "m4a-fragmented", "m4a-fast"])
async def test_samples_come_while_bytes_do(name: str) -> None:
    data = encoded(KINDS[name], SPEECH, 48_000)
    half = await decoded([data[: len(data) // 2]])
    assert half.seconds > 0.6


# ------------------------------------------------------------------ channels


def two_speakers() -> Samples:
    return np.stack([SPEECH, 0.8 * SPEECH[::-1]])


@pytest.mark.parametrize("kind", [FLAC, OGG, WEBM, MP3, M4A], ids=lambda kind: kind.muxer)
async def test_channels_are_kept_apart_or_mixed(kind: Kind) -> None:
    sound = two_speakers()
    data = encoded(kind, sound)
    apart = await decoded(pieces_of(data, 5), apart=2)
    assert apart.error is None
    assert correlation(apart.samples[0], sound[0]) > 0.9
    assert correlation(apart.samples[1], sound[1]) > 0.9
    mixed = await decoded([data])
    np.testing.assert_allclose(mixed.samples[0], apart.samples.mean(axis=0), atol=1e-4)


@pytest.mark.parametrize("announced", [1, 3, 8])
@pytest.mark.parametrize("encoding", [AudioEncoding.CONTAINER, AudioEncoding.FLAC])
async def test_channels_must_be_those_announced(announced: int, encoding: AudioEncoding) -> None:
    wrong = await decoded([encoded(FLAC, two_speakers())], encoding, apart=announced)
    assert isinstance(wrong.error, InvalidAudio)
    assert wrong.error.field == "audio_format.channel_count"
    assert "2 channels" in str(wrong.error)


async def test_six_channels_are_kept_apart() -> None:
    sound = np.stack([SPEECH * (0.1 * (i + 1)) for i in range(6)])
    apart = await decoded([encoded(FLAC, sound, 16_000)], apart=6)
    np.testing.assert_allclose(apart.samples, sound, atol=1e-4)


# ----------------------------------------------------------------- bad bytes


async def test_no_bytes_are_no_audio() -> None:
    for encoding in [kind.encoding for kind in KINDS.values()]:
        nothing = await decoded([b"", b""], encoding)
        assert (nothing.error, nothing.seconds) == (None, 0.0)


async def test_a_container_may_be_empty() -> None:
    target = io.BytesIO()
    with av.open(target, "w", format="flac") as container:
        container.add_stream("flac", rate=16_000, layout="mono")
        container.start_encoding()
    empty = await decoded([target.getvalue()])
    assert (empty.error, empty.seconds, empty.problems) == (None, 0.0, NO_DAMAGE)


@pytest.mark.parametrize(
    ("data", "encoding", "message"),
    [
        (b"hello, this is text, not sound", AudioEncoding.CONTAINER, "starts like none of WAV"),
        (b"hello, this is text, not sound", AudioEncoding.MP3, "starts like none of WAV"),
        (b"fLaC", AudioEncoding.OGG_OPUS, "the audio is FLAC, Ogg was announced"),
        (b"fLaC" + b"\x55" * 9_000, AudioEncoding.FLAC, "no readable header|damaged throughout"),
        (b"OggS" + b"\x55" * 9_000, AudioEncoding.CONTAINER, "no readable header"),
        (b"\x1aE\xdf\xa3" + b"\x55" * 9_000, AudioEncoding.CONTAINER, "no readable header"),
        (b"ID3" + b"\x55" * 9_000, AudioEncoding.CONTAINER, "no readable header"),
        (b"\0\0\0\x18ftypM4A " + b"\x55" * 9_000, AudioEncoding.M4A, "no readable header"),
        (b"fLa", AudioEncoding.CONTAINER, "ended inside its header, after 3 bytes"),
    ],
)
async def test_what_is_no_audio_is_refused(
    data: bytes, encoding: AudioEncoding, message: str
) -> None:
    refused = await decoded([data], encoding)
    assert isinstance(refused.error, InvalidAudio)
    assert refused.error.field == "audio.data"
    with pytest.raises(InvalidAudio, match=message):
        raise refused.error


@pytest.mark.parametrize("name", KINDS)
async def test_audio_that_is_cut_gives_what_came_before(name: str) -> None:
    data = encoded(KINDS[name], SPEECH, 48_000)
    cut = await decoded([data[: len(data) * 7 // 10 + 3]])
    if name == "m4a":  # without its index nothing can be read
        assert isinstance(cut.error, InvalidAudio)
        return
    whole = await decoded([data])
    assert cut.error is None
    assert 1.0 < cut.seconds < 3.5
    common = cut.samples.shape[1] - 400
    np.testing.assert_allclose(cut.samples[:, :common], whole.samples[:, :common], atol=2e-2)
    if name != "mp3":  # whose frames need no end
        assert cut.problems == DAMAGED


@pytest.mark.parametrize("name", KINDS)
async def test_audio_that_is_cut_in_its_header_is_refused(name: str) -> None:
    data = encoded(KINDS[name], SPEECH, 48_000)
    cut = await decoded([data[:40]])
    assert isinstance(cut.error, InvalidAudio)


@pytest.mark.parametrize("name", KINDS)
async def test_damage_in_the_middle_is_skipped(name: str) -> None:
    speech = read_recording("en_dialog").samples[: 16_000 * 16]
    data = bytearray(encoded(KINDS[name], speech, 48_000))
    middle = len(data) // 2
    if name == "m4a-fragmented":  # nothing can be found any more without one of its indexes
        middle = data.index(b"mdat", middle) + 100
    size = 1_000 if KINDS[name].muxer == "webm" else 200  # Opus itself has no checksums
    data[middle : middle + size] = np.random.default_rng(1).bytes(size)
    damaged = await decoded([bytes(data)])
    assert damaged.error is None
    assert damaged.problems == DAMAGED
    assert 10 < damaged.seconds < 17
    assert correlation(damaged.samples[0, -32_000:], speech[-32_000:]) > 0.9
    assert correlation(damaged.samples[0, :32_000], speech[:32_000]) > 0.9


@pytest.mark.parametrize("name", ["flac", "ogg", "webm", "mp3", "m4a", "m4a-fragmented"])
async def test_no_corruption_does_more_than_end_in_an_error(name: str) -> None:
    """Flips, cuts and repeats; the process may die of them, this one must not."""
    data = encoded(KINDS[name], SPEECH[:16_000], 48_000)
    for seed in range(4):
        rng = np.random.default_rng(seed)
        bad = bytearray(data)
        for place in rng.integers(12, len(bad), 3 ** (1 + seed % 4)):
            bad[place] ^= int(rng.integers(1, 256))
        first, last = sorted(rng.integers(12, len(bad), 2).tolist())
        if seed % 3 == 1:
            del bad[first:last]
        elif seed % 3 == 2:
            bad[first:first] = bad[:last]
        began = time.monotonic()
        outcome = await decoded([bytes(bad)])
        assert outcome.error is None or isinstance(outcome.error, InvalidAudio)
        assert time.monotonic() - began < 9
        assert np.isfinite(outcome.samples).all()
        assert np.abs(outcome.samples).max(initial=0) <= 1.0


@pytest.mark.parametrize("kind", [WEBM, MP3, OGG], ids=lambda kind: kind.muxer)
async def test_the_rate_of_the_sound_counts_and_not_that_of_a_header(kind: Kind) -> None:
    """WebM says a rate of its own; MP3 and Ogg change theirs where files are joined."""
    if kind is WEBM:
        data = encoded(kind, SPEECH, 48_000)
        said = b"\xb5\x88" + np.array(48_000.0, ">f8").tobytes()
        assert said in data
        data = data.replace(said, b"\xb5\x88" + np.array(8_000.0, ">f8").tobytes())
        expected = SPEECH
    else:
        data = encoded(kind, SPEECH, 48_000) + encoded(kind, SPEECH, 16_000)
        expected = np.concatenate([SPEECH, SPEECH])
    sound = await decoded(pieces_of(data, 3))
    assert sound.error is None
    assert sound.seconds == pytest.approx(len(expected) / 16_000, abs=0.2)
    assert correlation(sound.samples[0], expected[: 16_000 * 4]) > 0.9


async def test_rates_beyond_those_read_are_refused() -> None:
    pcm = np.zeros((384_000, 1), np.int16)
    refused = await decoded([encoded_pcm(FLAC, [pcm], 384_000)])
    with pytest.raises(InvalidAudio, match="384000 Hz, allowed are 8000 to 192000"):
        raise refused.error or AssertionError


async def test_other_codecs_are_refused() -> None:
    odd = Kind(AudioEncoding.WEBM_OPUS, "matroska", "ac3")
    refused = await decoded([encoded(odd, SPEECH)])
    with pytest.raises(InvalidAudio, match="holds ac3"):
        raise refused.error or AssertionError


async def test_an_index_that_comes_too_late_is_refused() -> None:
    data = encoded(M4A, SPEECH)
    refused = await decoded([data], limits=Limits(max_seekable_bytes=len(data) // 2))
    with pytest.raises(InvalidAudio, match="index of the file is not within"):
        raise refused.error or AssertionError
    fragmented = encoded(M4A_FRAGMENTED, SPEECH)
    read = await decoded([fragmented], limits=Limits(max_seekable_bytes=1_000))
    assert read.error is None


async def test_pictures_beside_the_sound_do_no_harm() -> None:
    picture = b"\x00image/png\x00\x03\x00" + b"\x89PNG\r\n\x1a\n" + b"\x00" * 200_000
    size = len(picture) + 10
    safe = [(size >> shift) & 0x7F for shift in (21, 14, 7, 0)]
    frame = b"APIC" + len(picture).to_bytes(4, "big") + b"\0\0" + picture
    tag = b"ID3\x03\0\0" + bytes(safe) + frame
    plain = encoded(MP3, SPEECH)
    with_picture = await decoded(pieces_of(tag + plain, 1))
    assert with_picture.error is None
    assert with_picture.seconds == pytest.approx(4.0, abs=0.15)
