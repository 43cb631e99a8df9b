"""Streams recordings through a real server and compares them with faster-whisper offline.

    python bench/stream_quality.py RECORDINGS [--json OUT] [--together 8]

RECORDINGS holds audio files, each with a JSON of its utterances (`start`, `end`, `text`,
`language`, `channel`). Every channel is streamed alone at the pace of speech, then the
shortest ones all together. Shown are word error rates, first-interim and final latency as
the client sees them, and whether company changes a word.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path

import jiwer
import numpy as np
from faster_whisper import WhisperModel, decode_audio
from numpy.typing import NDArray
from sori_client import (
    AudioFormat,
    Bytes,
    Client,
    Result,
    SpeechEvent,
    SpeechEventType,
    StreamConfig,
)
from sori_server.engine.models import resolve

CHUNK_SECONDS = 0.1
RATE = 16_000
BEAM = 5
MARGIN = 0.2
"""Seconds around a reference utterance that the offline pass hears, too."""


@dataclass
class Channel:
    """One channel of a recording with its reference."""

    name: str
    samples: NDArray[np.float32]
    utterances: list[dict[str, object]]

    @property
    def recording(self) -> str:
        """The recording it is a channel of."""
        return self.name.partition("#")[0]

    @property
    def seconds(self) -> float:
        """Length of the audio."""
        return len(self.samples) / RATE

    @property
    def languages(self) -> tuple[str, ...]:
        """The language to fix; none, for detection, where several are spoken."""
        spoken = sorted({str(u["language"]) for u in self.utterances})
        return tuple(spoken) if len(spoken) == 1 else ()

    @property
    def reference(self) -> str:
        """All that is said."""
        return " ".join(str(u["text"]) for u in self.utterances)


@dataclass
class Heard:
    """What a client was told of one channel; times are seconds."""

    finals: list[str] = field(default_factory=list)
    first_interim: list[float] = field(default_factory=list)
    final: list[float] = field(default_factory=list)
    hang_over: list[float] = field(default_factory=list)


def load(folder: Path) -> list[Channel]:
    """All channels with speech, by name."""
    channels = []
    for card in sorted(folder.glob("*.json")):
        described = json.loads(card.read_text())
        audio = str(folder / described["file"])
        stereo = any("channel" in u for u in described["utterances"])
        parts = decode_audio(audio, split_stereo=True) if stereo else (decode_audio(audio),)
        for number, samples in enumerate(parts, start=1):
            spoken = [u for u in described["utterances"] if u.get("channel", 1) == number]
            if spoken:
                name = f"{card.stem}#{number}" if stereo else card.stem
                channels.append(Channel(name, samples, spoken))
    return channels


async def stream(address: str, channel: Channel) -> Heard:
    """Stream one channel at the pace of speech."""
    clock = time.perf_counter
    began = clock()
    pcm = (np.clip(channel.samples, -1, 1) * 32767).astype("<i2").tobytes()
    step = int(CHUNK_SECONDS * RATE) * 2

    async def paced() -> AsyncIterator[bytes]:
        nonlocal began
        began = clock()
        for sent in range(0, len(pcm), step):
            await asyncio.sleep(max(0.0, began + (sent + step) / 2 / RATE - clock()))
            yield pcm[sent : sent + step]

    config = StreamConfig(
        languages=channel.languages,
        interim_results=True,
        voice_activity_events=True,
        latency_breakdown=True,
        beam_size=BEAM,
    )
    starts = [float(str(u["start"])) for u in channel.utterances]
    heard = Heard()
    seen: set[int] = set()
    speech_end = 0.0
    async with (
        Client(address) as client,
        client.stream(Bytes(paced(), AudioFormat()), config) as events,
    ):
        async for event in events:
            now = clock() - began
            if isinstance(event, SpeechEvent) and event.type is SpeechEventType.SPEECH_ENDED:
                speech_end = event.offset
            elif isinstance(event, Result) and event.is_final:
                heard.finals.append(event.text)
                _note_final(heard, event, now, speech_end)
            elif isinstance(event, Result) and event.utterance_index not in seen:
                seen.add(event.utterance_index)
                near = [s for s in starts if event.start - 0.2 <= s <= event.start + 1.0]
                if near:
                    heard.first_interim.append(now - near[0])
    return heard


def _note_final(heard: Heard, event: Result, now: float, speech_end: float) -> None:
    """Latency of a final that silence ended: after the chunk that decided it was sent."""
    if event.latency is None or not event.latency.endpointing:
        return
    decided = speech_end + event.latency.endpointing
    sent = -(-decided // CHUNK_SECONDS) * CHUNK_SECONDS
    heard.final.append(now - sent)
    heard.hang_over.append(event.latency.endpointing)


def offline(model: WhisperModel, channel: Channel) -> str:
    """faster-whisper's own `transcribe`, utterance by utterance."""
    texts = []
    for utterance in channel.utterances:
        start = max(0, int((float(str(utterance["start"])) - MARGIN) * RATE))
        end = int((float(str(utterance["end"])) + MARGIN) * RATE)
        segments, _ = model.transcribe(
            channel.samples[start:end],
            language=str(utterance["language"]),
            beam_size=BEAM,
            temperature=0.0,
        )
        texts.extend(segment.text for segment in segments)
    return " ".join(texts)


def wer(references: list[str], hypotheses: list[str]) -> float:
    """Word error rate in per cent over all texts, without case and punctuation."""
    plain = [_plain(text) or "-" for text in hypotheses]
    return 100 * float(jiwer.wer([_plain(text) for text in references], plain))


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[^\w\s]", " ", text.lower()).split())


def median(values: list[float]) -> float:
    """The median, or nan of nothing."""
    return statistics.median(values) if values else float("nan")


async def measure(address: str, channels: list[Channel], together: int) -> dict[str, object]:
    """Every channel alone, then the shortest ones together."""
    alone = {channel.name: await stream(address, channel) for channel in channels}
    crowd = sorted(channels, key=lambda channel: channel.seconds)[:together]
    heard = await asyncio.gather(*(stream(address, channel) for channel in crowd))
    shared = {channel.name: told for channel, told in zip(crowd, heard, strict=True)}
    model = WhisperModel(str(resolve("mini").path), device="cpu", compute_type="int8")
    rows = []
    for recording in dict.fromkeys(channel.recording for channel in channels):
        parts = [channel for channel in channels if channel.recording == recording]
        references = [channel.reference for channel in parts]
        live = [" ".join(alone[channel.name].finals) for channel in parts]
        both = [channel.name for channel in parts if channel.name in shared]
        rows.append(
            {
                "name": recording,
                "offline": wer(references, [offline(model, channel) for channel in parts]),
                "stream": wer(references, live),
                "same": all(shared[n].finals == alone[n].finals for n in both) if both else None,
            }
        )
    return {
        "recordings": rows,
        "alone": _latency(list(alone.values())),
        "together": {"streams": len(crowd), **_latency(list(shared.values()))},
        "heard": {name: asdict(told) for name, told in alone.items()},
        "heard_together": {name: asdict(told) for name, told in shared.items()},
    }


def _latency(heard: list[Heard]) -> dict[str, float]:
    return {
        "first_interim": median([v for told in heard for v in told.first_interim]),
        "final": median([v for told in heard for v in told.final]),
        "hang_over": median([v for told in heard for v in told.hang_over]),
    }


def show(report: dict[str, object]) -> None:
    """Print the tables."""
    print(f"{'recording':24} {'offline':>8} {'stream':>8} {'diff':>6}  same with company")
    for row in report["recordings"]:  # type: ignore[attr-defined]
        difference = row["stream"] - row["offline"]
        same = {None: "-", True: "yes", False: "NO"}[row["same"]]
        rates = f"{row['offline']:7.2f}% {row['stream']:7.2f}% {difference:+6.2f}"
        print(f"{row['name']:24} {rates}  {same}")
    for name in ("alone", "together"):
        figures = report[name]
        print(f"{name}: {json.dumps(figures)}")


@contextmanager
def own_server() -> Iterator[str]:
    """A server with `mini` in a process of its own; its address."""
    command = [sys.executable, "-m", "sori_server", "serve", "--json"]
    server = subprocess.Popen(
        [*command, "--grpc-port", "0", "--model", "mini"], stdout=subprocess.PIPE
    )
    try:
        assert server.stdout is not None
        yield f"127.0.0.1:{json.loads(server.stdout.readline())['grpc_port']}"
    finally:
        server.terminate()
        server.wait(30)


def main() -> None:
    """Measure, print, and write what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recordings", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--together", type=int, default=8)
    parser.add_argument("--address", help="a server that is up; default: one of its own, idle")
    parser.add_argument("--only", nargs="*", help="names of recordings")
    arguments = parser.parse_args()
    channels = load(arguments.recordings)
    if arguments.only:
        channels = [c for c in channels if any(c.name.startswith(name) for name in arguments.only)]
    with own_server() if arguments.address is None else nullcontext(arguments.address) as address:
        report = asyncio.run(measure(address, channels, arguments.together))
    show(report)
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
