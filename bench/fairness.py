"""What a file at full speed costs people who speak: finals with and without it, and its speed.

    python bench/fairness.py --streams 8 --seconds 26 --file-minutes 10

A real `sori serve`, conversational streams at the pace of speech, first alone, then while a
recording is sent as a batch stream as fast as it is taken, again and again. Takes a minute.
Prints JSON; `ratio` is that of percentiles of the time from the end of an utterance to its final,
aimed at 1.3 or less, and `speed` seconds of recording per second, aimed at 5 or more.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass

from sori_client import Bytes, Client, Priority, Result, StreamConfig
from sori_server.benchmark.blocks import Piece, pieces_of
from sori_server.benchmark.generator import Clock, LiveStream
from sori_server.benchmark.measuring import Period, measured
from sori_server.benchmark.sori_target import SoriTarget
from sori_server.benchmark.workloads import Workload, cast_of
from sori_server.child_server import started
from sori_server.cli.demo.recordings import AUDIO
from sori_server.cli.sources import LINEAR16
from sori_server.evaluation.distribution import Distribution
from sori_server.evaluation.references import read_corpus

LEAD = 3.0
"""Seconds of each phase that are not measured: streams open within them."""
PIECE_BYTES = 64_000
PERCENTILES = ("p50", "p95", "p99")


@dataclass(slots=True)
class Uploads:
    """Recordings sent one after the other: seconds of them that are final text, of `took`."""

    complete: int = 0
    final: float = 0.0
    took: float = 0.0

    @property
    def speed(self) -> float:
        """Seconds of recording per second."""
        return self.final / self.took if self.took else 0.0


async def talk(address: str, streams: int, lasting: float, seed: int) -> Distribution:
    """Seconds from the end of each utterance to its final, of streams that all converse."""
    cast = cast_of(pieces_of(read_corpus(AUDIO)), Workload.CONVERSATIONAL, seed=seed)
    clock, target = Clock(time.monotonic()), SoriTarget(address)
    plans = cast.plans(streams, LEAD)
    speakers = [LiveStream(plan, clock, lasting) for plan in plans]
    await asyncio.gather(*(speaker.run(target) for speaker in speakers))
    period = Period(LEAD, lasting - LEAD)
    measures = [
        measured(plan, speaker.record(), period, by_final=False)
        for plan, speaker in zip(plans, speakers, strict=True)
    ]
    return Distribution.of([took for each in measures for _, took in each.finalisation])


async def upload(address: str, recording: bytes, uploads: Uploads) -> None:
    """Send the recording as a batch stream, again and again, and note how far its text is."""

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(recording), PIECE_BYTES):
            yield recording[start : start + PIECE_BYTES]

    began, config = time.monotonic(), StreamConfig(priority=Priority.BATCH)
    async with Client(address) as client:
        while True:
            before = uploads.final
            async for event in client.stream(Bytes(pieces(), LINEAR16), config):
                uploads.took = time.monotonic() - began
                if isinstance(event, Result) and event.is_final:
                    uploads.final = before + event.end
            uploads.complete += 1


def recording_of(pieces: Sequence[Piece], minutes: float) -> bytes:
    """The pieces with a second between them, again and again, as 16 kHz LINEAR16."""
    once = b"".join(piece.pcm.tobytes() + bytes(32_000) for piece in pieces)
    size = round(60 * minutes) * 32_000
    return (once * (size // len(once) + 1))[:size]


async def compare(
    streams: int, seconds: float, files: int, minutes: float, model: str
) -> dict[str, object]:
    """Both phases; the figures."""
    recording = recording_of(pieces_of(read_corpus(AUDIO)), minutes)
    ports = ("--grpc-port", "0", "--bridge-port", "0")
    serve = ("-m", "sori_server", "serve", "--json", *ports, "--model", model)
    uploads = [Uploads() for _ in range(files)]
    async with started(*serve) as server:
        alone = await talk(server.address, streams, seconds, seed=1)
        sending = [asyncio.create_task(upload(server.address, recording, each)) for each in uploads]
        beside = await talk(server.address, streams, seconds, seed=1)
        for each in sending:
            each.cancel()
        await asyncio.wait(sending)
    ratio = {
        name: round(getattr(beside, name) / getattr(alone, name), 3)
        for name in PERCENTILES
        if getattr(alone, name)
    }
    return {
        "streams": streams,
        "alone": asdict(alone),
        "beside_a_file": asdict(beside),
        "ratio": ratio,
        "uploads": [asdict(each) for each in uploads],
        "speed": round(sum(each.speed for each in uploads), 1),
    }


def main() -> None:
    """Read the flags, run, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--streams", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=26.0)
    parser.add_argument("--files", type=int, default=1, help="sent at a time")
    parser.add_argument("--file-minutes", type=float, default=10.0)
    parser.add_argument("--model", default="mini")
    given = parser.parse_args()
    found = compare(given.streams, given.seconds, given.files, given.file_minutes, given.model)
    print(json.dumps(asyncio.run(found), indent=1))


if __name__ == "__main__":
    main()
