"""Recognizes recordings in every format a client may send and compares them with PCM.

    python bench/audio_formats.py RECORDINGS [--json OUT] [--model mini] [--only FORMAT ...]

RECORDINGS holds audio files, each with a JSON of its utterances (`text`, `language`,
`channel`). Every channel is encoded by FFmpeg in every format and at every rate, streamed as
fast as it is taken through a gateway of this process, and its finals are compared with what
was said (WER) and with those of the same audio as 16 kHz LINEAR16 (difference).
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np
import soxr
from numpy.typing import NDArray
from sori_server.app import open_gateway, resolve_model
from sori_server.cli.wer import WordErrors, word_errors
from sori_server.domain.audio import AudioEncoding, AudioFormat
from sori_server.domain.config import RecognitionConfig, StreamConfig
from sori_server.domain.events import NumberedEvent, Result
from sori_server.runtime.gateway import Gateway
from sori_server.settings import Settings
from sori_server.transport.pipe.door import PipeDoor

RATE = 16_000
CHUNK = 8_001
"""Bytes of one message: odd, so that samples are split."""
AT_A_TIME = 4
"""Streams at a time."""


@dataclass(frozen=True)
class Way:
    """One way to write audio; `raw` formats have no header. `options` are the muxer's."""

    encoding: AudioEncoding
    muxer: str
    codec: str
    rates: tuple[int, ...]
    options: dict[str, str] = field(default_factory=dict)

    def announced(self, rate: int) -> AudioFormat:
        """As the client says it."""
        return AudioFormat(self.encoding, 0 if self.encoding.is_container else rate, 1)


PCM_RATES = (16_000, 8_000, 44_100, 48_000)
OPUS_RATES = (8_000, 16_000, 48_000)
FRAGMENTED = {"movflags": "frag_keyframe+empty_moov", "frag_duration": "500000"}
WAYS = {
    "LINEAR16": Way(AudioEncoding.LINEAR16, "s16le", "pcm_s16le", PCM_RATES),
    "FLOAT32": Way(AudioEncoding.FLOAT32, "f32le", "pcm_f32le", PCM_RATES),
    "MULAW": Way(AudioEncoding.MULAW, "mulaw", "pcm_mulaw", (8_000, 16_000)),
    "ALAW": Way(AudioEncoding.ALAW, "alaw", "pcm_alaw", (8_000, 16_000)),
    "WAV": Way(AudioEncoding.WAV, "wav", "pcm_s16le", PCM_RATES),
    "FLAC": Way(AudioEncoding.FLAC, "flac", "flac", PCM_RATES),
    "OGG_OPUS": Way(AudioEncoding.OGG_OPUS, "ogg", "libopus", OPUS_RATES),
    "WEBM_OPUS": Way(AudioEncoding.WEBM_OPUS, "webm", "libopus", OPUS_RATES),
    "MP3": Way(AudioEncoding.MP3, "mp3", "libmp3lame", PCM_RATES),
    "M4A": Way(AudioEncoding.M4A, "mp4", "aac", PCM_RATES),
    "M4A in fragments": Way(AudioEncoding.M4A, "mp4", "aac", PCM_RATES, FRAGMENTED),
}
BIT_RATE = 64_000


@dataclass(frozen=True)
class Channel:
    """One channel of a recording, at 16 kHz, and what is said on it."""

    name: str
    samples: NDArray[np.float32]
    languages: tuple[str, ...]
    said: str


@dataclass
class Row:
    """What one format came to, over all channels."""

    name: str
    errors: list[WordErrors]
    plain: list[WordErrors]
    same_rate: list[WordErrors]

    @property
    def wer(self) -> float:
        """Per cent of the words said."""
        return per_cent(self.errors)

    @property
    def to_plain(self) -> float:
        """Points more than LINEAR16 at 16 kHz."""
        return self.wer - per_cent(self.plain)

    @property
    def to_same_rate(self) -> float:
        """Points more than LINEAR16 at this rate."""
        return self.wer - per_cent(self.same_rate)


def per_cent(errors: list[WordErrors]) -> float:
    """Word error rate over all channels."""
    return 100 * sum(errors, WordErrors(0, 0)).rate


def load(folder: Path) -> list[Channel]:
    """All channels with speech, by name."""
    channels = []
    for card in sorted(folder.glob("*.json")):
        described = json.loads(card.read_text(encoding="utf-8"))
        utterances = described["utterances"]
        apart = any("channel" in u for u in utterances)
        for number, samples in enumerate(read(folder / described["file"], apart), start=1):
            spoken = [u for u in utterances if u.get("channel", number) == number]
            languages = sorted({u["language"] for u in spoken})
            if spoken:
                channels.append(
                    Channel(
                        f"{card.stem}#{number}" if apart else card.stem,
                        samples,
                        tuple(languages),
                        " ".join(u["text"] for u in spoken),
                    )
                )
    return channels


def read(path: Path, apart: bool) -> NDArray[np.float32]:
    """Samples of shape [channels, n] at 16 kHz; [1, n] with their mean unless `apart`."""
    layout = "stereo" if apart else "mono"
    resampler = av.AudioResampler(format="fltp", layout=layout)
    with av.open(str(path)) as container:
        rate = container.streams.audio[0].rate
        frames = [r for f in container.decode(audio=0) for r in resampler.resample(f)]
    sound = np.concatenate([frame.to_ndarray() for frame in frames], axis=1)
    return np.ascontiguousarray(soxr.resample(sound.T, rate, RATE).reshape(-1, len(sound)).T)


def encoded(way: Way, rate: int, samples: NDArray[np.float32]) -> bytes:
    """The samples, written that way."""
    resampled = soxr.resample(samples, RATE, rate)
    pcm = np.round(resampled * 32_767).clip(-32_768, 32_767).astype(np.int16)[np.newaxis]
    frame = av.AudioFrame.from_ndarray(pcm, format="s16", layout="mono")
    frame.sample_rate, frame.pts = rate, 0
    target = io.BytesIO()
    with av.open(target, "w", format=way.muxer, options=way.options) as container:
        stream = container.add_stream(way.codec, rate=rate, layout="mono")
        if not way.codec.startswith(("pcm_", "flac")):
            stream.bit_rate = BIT_RATE
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    return target.getvalue()


async def recognized(gateway: Gateway, way: Way, rate: int, channel: Channel) -> str:
    """The finals of one stream."""
    data = await asyncio.to_thread(encoded, way, rate, channel.samples)
    texts: list[str] = []

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(data), CHUNK):
            yield data[start : start + CHUNK]

    async def deliver(event: NumberedEvent) -> None:
        if isinstance(event.event, Result) and event.event.is_final:
            texts.append(event.event.text)

    fixed = channel.languages if len(channel.languages) == 1 else ()
    config = StreamConfig(RecognitionConfig(way.announced(rate), languages=fixed))
    with gateway.stream(config) as runner:
        await runner.run(PipeDoor(chunks(), deliver))
    return " ".join(texts)


async def measure(gateway: Gateway, channels: list[Channel], only: list[str]) -> list[Row]:
    """Every format at every rate, LINEAR16 at 16 kHz first."""
    room = asyncio.Semaphore(AT_A_TIME)

    async def heard(way: Way, rate: int, channel: Channel) -> str:
        async with room:
            return await recognized(gateway, way, rate, channel)

    rows: list[Row] = []
    plain: dict[int, list[WordErrors]] = {}
    for name, way, rate in formats(only):
        texts = await asyncio.gather(*(heard(way, rate, channel) for channel in channels))
        errors = [word_errors(c.said, text) for c, text in zip(channels, texts, strict=True)]
        same_rate = plain.setdefault(rate, errors)
        rows.append(Row(f"{name} {rate / 1_000:g} kHz", errors, plain[RATE], same_rate))
        show(rows[-1])
    return rows


def formats(only: list[str]) -> Iterator[tuple[str, Way, int]]:
    """Every format, or LINEAR16 and those named, at every rate it can have."""
    for name, way in WAYS.items():
        if not only or name in {"LINEAR16", *only}:
            yield from ((name, way, rate) for rate in way.rates)


def show(row: Row) -> None:
    """Print one line."""
    print(
        f"{row.name:26} {row.wer:6.2f} % {row.to_plain:+9.2f} {row.to_same_rate:+14.2f}",
        flush=True,
    )


async def run(folder: Path, model: str, only: list[str]) -> list[Row]:
    settings = Settings(model=model)
    async with open_gateway(settings, resolve_model(settings)) as gateway:
        return await measure(gateway, load(folder), only)


def main() -> None:
    """Measure, print, and write what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recordings", type=Path)
    parser.add_argument("--model", default="mini")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--only", nargs="*", default=[], choices=list(WAYS))
    arguments = parser.parse_args()
    print(f"{'format':26} {'WER':>8} {'to 16 kHz':>9} {'to same rate':>14}")
    began = time.monotonic()
    rows = asyncio.run(run(arguments.recordings, arguments.model, arguments.only))
    print(f"{time.monotonic() - began:.0f} s")
    if arguments.json:
        figures = [{"format": row.name, "wer": row.wer, "to_plain": row.to_plain} for row in rows]
        arguments.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
