"""Whether a server that runs for long grows: memory, threads and descriptors under churn.

    python bench/soak.py --minutes 60 --streams 4 --json soak.json
    python bench/soak.py --minutes 60 --streams 50 --model fake --faults 0.01 --json soak.json

A real `sori serve` with conversational streams that end and begin anew after 30 to 120 s; with
the fake model, whose words can be counted, sessions that resume, of which a share loses its
connection (`soaking/words.py`). After a
warm-up (a sixth of the time) a line is drawn through the memory of gateway and worker, by least
squares; its slope in MiB/h comes with the interval that holds 95 % of the slopes when blocks of
what is left of the line are drawn again at random (Kuensch, 1989: neighbours depend on one
another). Words that got lost and streams that failed are counted, too.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from baseline.processes import family
from numpy.typing import NDArray
from soaking.samples import LIFETIME, SAMPLE_EVERY, Sample
from soaking.words import soak_words
from sori_server.benchmark.blocks import pieces_of
from sori_server.benchmark.generator import Clock, LiveStream
from sori_server.benchmark.measuring import Period, measured
from sori_server.benchmark.scripts import Script, StreamPlan
from sori_server.benchmark.sori_target import SoriTarget
from sori_server.benchmark.target import Target
from sori_server.benchmark.workloads import Workload, cast_of
from sori_server.child_server import started
from sori_server.cli.demo.recordings import AUDIO
from sori_server.evaluation.distribution import percentile
from sori_server.evaluation.references import read_corpus

TAIL = 2.0
"""Seconds at the end of a stream in which an utterance may be cut."""
SCRIPTS = 16
BLOCK = 120.0
"""Seconds that are drawn as one: streams live as long."""
DRAWS = 2000
NAMES = ("gateway", "worker")
DICE = random.Random(1)  # noqa: S311


@dataclass(slots=True)
class Tally:
    """What became of the streams."""

    streams: int = 0
    utterances: int = 0
    missing: int = 0
    doubled: int = 0
    lost_samples: int = 0
    failures: dict[str, int] = field(default_factory=dict)
    finalisation: list[float] = field(default_factory=list, repr=False)

    def count(self, stream: LiveStream, plan: StreamPlan, ends: float) -> None:
        """Count a stream that is over."""
        record = stream.record()
        self.streams += 1
        if not record.complete:
            failure = record.failure or "refused"
            self.failures[failure] = self.failures.get(failure, 0) + 1
            return
        found = measured(plan, record, Period(plan.starts, ends - TAIL), by_final=False)
        self.utterances += found.utterances
        self.missing += found.missing
        self.doubled += found.doubled
        self.lost_samples += record.sent - (record.acknowledged or 0)
        self.finalisation += [seconds for _, seconds in found.finalisation]


@dataclass(frozen=True, slots=True)
class Slope:
    """Growth in an hour, and the interval of 95 %."""

    per_hour: float
    low: float
    high: float


def slope_of(at: NDArray[np.float64], values: NDArray[np.float64]) -> Slope:
    """Least squares, with a moving-block bootstrap of the residuals."""
    hours = at / 3600
    line = np.polyfit(hours, values, 1)
    fitted = np.polyval(line, hours)
    rest, n = values - fitted, len(at)
    length = max(min(round(BLOCK / SAMPLE_EVERY), n // 4), 1)
    rng = np.random.default_rng(1)
    firsts = rng.integers(0, n - length + 1, (DRAWS, -(-n // length)))
    places = (firsts[..., None] + np.arange(length)).reshape(DRAWS, -1)[:, :n]
    slopes = np.polyfit(hours, (fitted + rest[places]).T, 1)[0]
    low, high = np.percentile(slopes, [2.5, 97.5])
    return Slope(float(line[0]), float(low), float(high))


async def speak(target: Target, scripts: Sequence[Script], clock: Clock, tally: Tally) -> None:
    """One stream after another, without end."""
    while True:
        begins, script = clock.now, DICE.choice(scripts)
        ends = begins + DICE.uniform(*LIFETIME)
        plan = StreamPlan(tally.streams, script, begins, begins)
        stream = LiveStream(plan, clock, ends)
        await stream.run(target)
        tally.count(stream, plan, ends)


async def soak(minutes: float, streams: int, model: str) -> tuple[list[Sample], Tally]:
    """Run for so long; samples of the server, and what became of the streams."""
    cast = cast_of(pieces_of(read_corpus(AUDIO)), Workload.CONVERSATIONAL, seed=1)
    scripts = [plan.script for plan in cast.plans(SCRIPTS, 1.0)]
    tally, samples = Tally(), []
    ports = ("--grpc-port", "0", "--bridge-port", "0")
    serve = ("-m", "sori_server", "serve", "--json", *ports, "--model", model)
    async with started(*serve) as server, asyncio.TaskGroup() as tasks:
        clock, target = Clock(time.monotonic()), SoriTarget(server.address)
        speakers = [tasks.create_task(speak(target, scripts, clock, tally)) for _ in range(streams)]
        while clock.now < 60 * minutes:
            await asyncio.sleep(SAMPLE_EVERY)
            samples.append(Sample(clock.now, tuple(family(server.pid))))
            print(_line(samples[-1], tally), file=sys.stderr)
        for speaker in speakers:
            speaker.cancel()
    return samples, tally


def _line(sample: Sample, tally: Tally) -> str:
    states = (
        f"{name} {state.memory:.1f} MiB, {state.threads} threads, {state.descriptors} descriptors"
        for name, state in zip(NAMES, sample.processes, strict=False)
    )
    return f"{sample.at:.0f} s, {tally.streams} streams over: {'; '.join(states)}"


def slopes(samples: Sequence[Sample], warm_up: float) -> dict[str, Slope]:
    """By process, and of both together; of a worker that was replaced there is none."""
    kept = [s for s in samples if s.at >= warm_up and len(s.processes) == len(NAMES)]
    at = np.array([sample.at for sample in kept])
    memory = np.array([[state.memory for state in sample.processes] for sample in kept])
    found = {f"MiB of {name}": slope_of(at, memory[:, k]) for k, name in enumerate(NAMES)}
    found["MiB of both"] = slope_of(at, memory.sum(axis=1))
    for what in ("threads", "descriptors"):
        counts = [sum(getattr(p, what) for p in sample.processes) for sample in kept]
        found[what] = slope_of(at, np.array(counts, float))
    if all(sample.census for sample in kept):
        for what in ("tasks", "streams", "detached", "windows"):
            counts = [getattr(sample.census, what) for sample in kept]
            found[what] = slope_of(at, np.array(counts, float))
    return found


def main() -> None:
    """Read the flags, run, print, and write the JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--streams", type=int, default=4)
    parser.add_argument("--model", default="mini")
    parser.add_argument("--faults", type=float, default=0.0, help="with the model `fake`")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    if given.model == "fake":
        samples, tally = asyncio.run(soak_words(given.minutes, given.streams, given.faults))
    else:
        samples, tally = asyncio.run(soak(given.minutes, given.streams, given.model))
    found = slopes(samples, 10 * given.minutes)
    for name, slope in found.items():
        print(f"{name}: {slope.per_hour:+.2f}/h ({slope.low:+.2f} to {slope.high:+.2f})")
    print(tally)
    if isinstance(tally, Tally):
        print(f"p95 finalisation {percentile(tally.finalisation, 95)} s")
    if given.json is not None:
        figures = {
            "slopes": {name: asdict(slope) for name, slope in found.items()},
            "tally": asdict(tally),
            "samples": [asdict(sample) for sample in samples],
        }
        given.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
