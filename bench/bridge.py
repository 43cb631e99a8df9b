"""What the bridge to browsers and phones costs, next to gRPC.

    python bench/bridge.py overhead [--seconds 30] [--rounds 2] [--json overhead.json]
    python bench/bridge.py streams [--streams 200] [--seconds 30] [--json streams.json]

`overhead`: how much later the same results come through `/v1/stream` and the plain protocol
than through gRPC. With the fake engine, which takes no time, streams of all three doors run side
by side; with the bundled model the doors take turns, and from each delay what the server says the
model took is subtracted where the protocol tells it.

`streams`: many streams with the fake engine, one door after another: the time from the moment a
message of 100 ms was due to the interim result that covers its last sample, what the gateway's
process used per message, and whether every word came. A run whose generator was late is void.

A server is a process of its own; generators are those of `sori bench`, in processes of their own,
on a schedule that nothing the server does moves. Exit status 1: void, or something was lost.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from sori_server.app import Server, build_engine, resolve_model
from sori_server.benchmark.generator_process import run_shares
from sori_server.benchmark.loading import Load, run_load
from sori_server.benchmark.measuring import Period
from sori_server.benchmark.records import Pulse, Share, StreamRecord
from sori_server.benchmark.scripts import CHUNK, CHUNK_SECONDS, Script, StreamPlan
from sori_server.benchmark.sori_target import SoriTarget
from sori_server.benchmark.summing import figures
from sori_server.benchmark.target import Heard, Target
from sori_server.benchmark.websocket_dialects import V1, Plain
from sori_server.benchmark.websocket_target import WebSocketTarget
from sori_server.cli.demo.recordings import AUDIO
from sori_server.domain.limits import Limits
from sori_server.engine.dispatcher import BatchingEngine
from sori_server.engine.fake import FakeFrontEnd, fake_loader, level
from sori_server.evaluation.distribution import Distribution, percentile
from sori_server.evaluation.references import read_corpus
from sori_server.settings import Settings

SIDE_BY_SIDE = 4
"""Streams of each door that run at once with the fake engine."""
STAGGER = 0.0137
"""Seconds between the starts of streams: no two of them want the same moment."""
WARM_UP = 8.0
UTTERANCE, PAUSE = 20, 20
"""Words, and as many messages of silence."""
VOCABULARY = 18_000
RECORDING = "en_dialog"
LAST_SAMPLE = 1 / 32_000


# ------------------------------------------------------------------------------ the server


async def serve(engine_name: str) -> None:
    """Serve until standard input ends; print both ports."""
    limits = Limits(
        max_streams=1_000,
        max_calls_per_peer=1_000,
        max_final_delay=math.inf,
        max_gateway_load=math.inf,
    )
    settings = Settings(model="mini", device="cpu", grpc_port=0, bridge_port=0, limits=limits)
    engine = (
        BatchingEngine(fake_loader(), FakeFrontEnd(), limits)
        if engine_name == "fake"
        else build_engine(settings, resolve_model(settings))
    )
    async with Server(settings, engine) as server:
        print(server.grpc_port, server.bridge_port, flush=True)
        await asyncio.to_thread(sys.stdin.read)


@dataclass(frozen=True)
class Subject:
    """A server process with its doors."""

    pid: int
    doors: dict[str, Target]

    def cpu(self) -> float:
        """Processor seconds of its threads; the worker with the model is another process."""
        return time.clock_gettime(~self.pid << 3 | 2)


@asynccontextmanager
async def subject(engine_name: str) -> AsyncIterator[Subject]:
    """A process that serves, with the environment that `sori` gives itself."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, __file__, "serve", engine_name),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"OPENBLAS_NUM_THREADS": "1", **os.environ},
    )
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        grpc, bridge = (int(port) for port in (await process.stdout.readline()).split())
        doors: dict[str, Target] = {
            "gRPC": SoriTarget(f"127.0.0.1:{grpc}"),
            "/v1/stream": WebSocketTarget(f"127.0.0.1:{bridge}", V1()),
            "plain": WebSocketTarget(f"127.0.0.1:{bridge}", Plain()),
        }
        yield Subject(process.pid, doors)
    finally:
        process.stdin.close()
        await process.wait()


# ------------------------------------------------------------------------- what is said


def words_of(number: int) -> list[int | None]:
    """What stream `number` says: a word in each message, or silence."""
    first = 97 * number % VOCABULARY
    said: list[int | None] = [None] * PAUSE
    for start in range(0, 10 * UTTERANCE, UTTERANCE):
        said += [(first + start + word) % VOCABULARY for word in range(UTTERANCE)]
        said += [None] * PAUSE
    return said


def spoken_words(number: int) -> Script:
    """Those words as audio for the fake engine."""
    levels = [0.0 if word is None else level(word) for word in words_of(number)]
    steps = np.round(np.repeat(levels, CHUNK) * 32_768).astype(np.int16)
    return Script.of("en", [steps])


def recording() -> Script:
    """A bundled recording, whole messages of it."""
    (track,) = (each for each in read_corpus(AUDIO).tracks if each.name == RECORDING)
    return Script.of("en", [track.pcm[: len(track.pcm) // CHUNK * CHUNK]])


def wrong_streams(records: Sequence[StreamRecord]) -> int:
    """How many streams with the fake engine did not get just the words they said."""
    return sum(not _is_right(record) for record in records)


def _is_right(record: StreamRecord) -> bool:
    said = words_of(record.number)
    expected = [said[chunk % len(said)] for chunk in range(record.sent // CHUNK)]
    heard = " ".join(heard.text.strip() for _, heard in record.heard if heard.is_final)
    return record.complete and heard.split() == [
        f"w{word}" for word in expected if word is not None
    ]


# ------------------------------------------------------------------------------- delays


def behind(plan: StreamPlan, at: float, heard: Heard) -> float:
    """From the moment the message with the last sample of a result was due to the result."""
    return at - plan.due(heard.end - LAST_SAMPLE)


def interims(record: StreamRecord) -> Iterator[tuple[float, Heard]]:
    """Interim results, and when they came."""
    return (each for each in record.heard if not each[1].is_final)


def after_words(
    plans: Sequence[StreamPlan], records: Sequence[StreamRecord], period: Period
) -> Iterator[float]:
    """How far the interim results of the period that end in a word were behind.

    Those that end in silence were not caused by that message, but by a pause of some length.
    """
    for plan, record in zip(plans, records, strict=True):
        said = words_of(plan.number)
        for at, heard in interims(record):
            last = said[int((heard.end - LAST_SAMPLE) / CHUNK_SECONDS) % len(said)]
            if at in period and last is not None:
                yield behind(plan, at, heard)


def not_the_model(plan: StreamPlan, record: StreamRecord) -> Iterator[float]:
    """What of the delay of interims is not what the server says the text took."""
    for at, heard in interims(record):
        if heard.told is not None:
            yield behind(plan, at, heard) - heard.told.total


async def talk(
    doors: Sequence[tuple[Target, Sequence[StreamPlan]]], ends: float
) -> list[list[StreamRecord]]:
    """Run the streams of each door in a process of its own, all at once."""
    shares = [Share(target, tuple(plans), ends) for target, plans in doors]
    _, found = await run_shares(shares, lambda *_: None)
    for share in found:
        late = percentile(share.ticks.tolist(), 99)
        assert late is not None
        if late >= 0.005:
            print(f"void: a generator was late, p99 {1000 * late:.1f} ms")
    return [sorted(share.streams, key=lambda record: record.number) for share in found]


# ----------------------------------------------------------------------------- overhead


@dataclass(frozen=True)
class Overhead:
    """Of one door with one engine. Times are seconds."""

    engine: str
    door: str
    behind: Distribution
    not_the_model: Distribution
    wrong_streams: int


async def with_fake(seconds: float) -> AsyncIterator[Overhead]:
    async with subject("fake") as server:
        numbers = range(SIDE_BY_SIDE * len(server.doors))
        plans = [StreamPlan(n, spoken_words(n), 0.0, 1.0 + n * STAGGER) for n in numbers]
        hands = [plans[k :: len(server.doors)] for k in range(len(server.doors))]
        found = await talk(list(zip(server.doors.values(), hands, strict=True)), seconds)
    for door, hand, records in zip(server.doors, hands, found, strict=True):
        late = list(after_words(hand, records, Period(2.0, seconds)))
        nothing = Distribution.of([])
        yield Overhead("fake", door, Distribution.of(late), nothing, wrong_streams(records))


async def with_mini(rounds: int) -> AsyncIterator[Overhead]:
    plan = StreamPlan(0, recording(), 0.0, 1.0)
    async with subject("mini") as server:
        late: dict[str, list[float]] = {door: [] for door in server.doors}
        rest: dict[str, list[float]] = {door: [] for door in server.doors}
        finals: dict[str, set[str]] = {door: set() for door in server.doors}
        for _ in range(rounds):
            for door, target in server.doors.items():
                ((record,),) = await talk([(target, [plan])], plan.starts + plan.script.duration)
                assert record.complete, record.failure
                late[door] += [behind(plan, at, heard) for at, heard in interims(record)]
                rest[door] += not_the_model(plan, record)
                finals[door].add(
                    " ".join(heard.text for _, heard in record.heard if heard.is_final)
                )
    for door in server.doors:
        wrong = len(finals[door] | finals["gRPC"]) - 1
        yield Overhead(
            "mini", door, Distribution.of(late[door]), Distribution.of(rest[door]), wrong
        )


async def show_overhead(seconds: float, rounds: int) -> list[Overhead]:
    print("ms an interim result is behind its audio, and what of that is not the model")
    print("engine  door         results     p50     p95     not the model p50     p95   wrong")
    found = []
    for measured in (with_fake(seconds), with_mini(rounds)):
        async for each in measured:
            print(
                f"{each.engine:7} {each.door:12}{each.behind.count:8}{ms(each.behind.p50)}"
                f"{ms(each.behind.p95)}{ms(each.not_the_model.p50):>22}"
                f"{ms(each.not_the_model.p95)}{each.wrong_streams:8}",
                flush=True,
            )
            found.append(each)
    return found


# ------------------------------------------------------------------------------ streams


@dataclass(frozen=True)
class Crowd:
    """Many streams through one door. Times are seconds."""

    door: str
    streams: int
    frame_to_event: Distribution
    cpu_per_message: float
    cores: float
    jitter_p99: float | None
    tick_p99: float | None
    void: bool
    lost_samples: int | None
    wrong_streams: int


async def crowd(server: Subject, door: str, streams: int, load: Load) -> Crowd:
    clocks: list[tuple[float, float]] = []

    def told(process: int, pulse: Pulse) -> None:
        if process == 0 and load.warm_up <= pulse.at < load.warm_up + load.duration:
            clocks.append((pulse.at, server.cpu()))

    run = await run_load(server.doors[door], load, None, told)
    plans, records = zip(*run.pairs, strict=True)
    found = figures(run, None)
    (first, before), (last, after) = clocks[0], clocks[-1]
    cores = (after - before) / (last - first)
    return Crowd(
        door=door,
        streams=streams,
        frame_to_event=Distribution.of(list(after_words(plans, records, run.period))),
        cpu_per_message=cores * CHUNK_SECONDS / streams,
        cores=cores,
        jitter_p99=found.sending.jitter_p99,
        tick_p99=found.sending.tick_p99,
        void=found.sending.void,
        lost_samples=found.losses.lost_samples,
        wrong_streams=wrong_streams(records),
    )


async def show_streams(streams: int, seconds: float, processes: int) -> list[Crowd]:
    print(
        "door         streams  events  frame-to-event ms p50     p99   us CPU/message   cores"
        "   generator ms p99   lost   wrong"
    )
    rng = np.random.default_rng(1)
    phases = rng.uniform(0.0, CHUNK_SECONDS, streams)
    opens = [WARM_UP / 2 * n / streams for n in range(streams)]
    plans = tuple(
        StreamPlan(n, spoken_words(n), opens[n], opens[n] + float(phases[n]))
        for n in range(streams)
    )
    load = Load(plans, WARM_UP, seconds, processes, by_final=False)
    found = []
    async with subject("fake") as server:
        for door in server.doors:
            each = await crowd(server, door, streams, load)
            late = max(each.jitter_p99 or 0.0, each.tick_p99 or 0.0)
            print(
                f"{door:12}{streams:8}{each.frame_to_event.count:8}"
                f"{ms(each.frame_to_event.p50):>22}{ms(each.frame_to_event.p99)}"
                f"{1e6 * each.cpu_per_message:17.0f}{each.cores:8.2f}{ms(late):>19}"
                f"{each.lost_samples if each.lost_samples is not None else '-':>7}"
                f"{each.wrong_streams:8}{'   void' if each.void else ''}",
                flush=True,
            )
            found.append(each)
    return found


def ms(seconds: float | None) -> str:
    return "       -" if seconds is None else f"{1000 * seconds:8.1f}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    modes = parser.add_subparsers(dest="mode", required=True)
    overhead, streams = modes.add_parser("overhead"), modes.add_parser("streams")
    overhead.add_argument("--rounds", type=int, default=2)
    streams.add_argument("--streams", type=int, default=200)
    streams.add_argument("--processes", type=int, default=2)
    for mode in (overhead, streams):
        mode.add_argument("--seconds", type=float, default=30.0)
        mode.add_argument("--json", type=Path)
    serving = modes.add_parser("serve")
    serving.add_argument("engine", choices=("fake", "mini"))
    given = parser.parse_args()
    if given.mode == "serve":
        asyncio.run(serve(given.engine))
        return 0
    found: Sequence[Overhead | Crowd] = asyncio.run(
        show_overhead(given.seconds, given.rounds)
        if given.mode == "overhead"
        else show_streams(given.streams, given.seconds, given.processes)
    )
    if given.json:
        given.json.write_text(json.dumps([asdict(each) for each in found], indent=2))
    bad = [each for each in found if each.wrong_streams or (isinstance(each, Crowd) and each.void)]
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
