"""Whether a stream costs the same after half an hour: processor time for each minute of it.

    python bench/flat_cost.py --minutes 30 --json flat_cost.json

One conversational stream in this process, as fast as it is taken, in lock step: a piece of
100 ms goes in when everything asked before was answered. A round is all that is said in one
language, about a minute, the same in each, so that rounds compare. Prints processor seconds
(gateway and worker) for a second of audio and resident memory, and the last round over the
first: medians of three neighbours, since a machine that does other things, too, slows down a
round by more than a stream grows.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
from dataclasses import asdict, dataclass
from pathlib import Path

from baseline.processes import family
from sori_server.app import open_gateway, resolve_model
from sori_server.benchmark.blocks import pieces_of
from sori_server.benchmark.scripts import CHUNK_SECONDS, Script
from sori_server.benchmark.workloads import Workload, cast_of
from sori_server.cli.demo.recordings import AUDIO
from sori_server.domain.config import RecognitionConfig, StreamConfig
from sori_server.domain.events import NumberedEvent
from sori_server.evaluation.references import read_corpus
from sori_server.runtime.door import AudioBytes, ClientMessage, EndOfAudio
from sori_server.runtime.runner import StreamRunner
from sori_server.settings import Settings

NEIGHBOURS = 3
"""Rounds a median is taken of."""


@dataclass(frozen=True, slots=True)
class Round:
    """One round: processor seconds for a second of audio, and memory in MiB at its end."""

    number: int
    cost: float
    memory: float


class SteppingDoor:
    """A client that repeats a script, and keeps what each round cost."""

    def __init__(self, runner: StreamRunner, script: Script, rounds: int) -> None:
        self._runner = runner
        self._script = script
        self._per_round = round(script.duration / CHUNK_SECONDS)
        self._rounds = rounds
        self._sent = 0
        self._spent = 0.0
        self.found: list[Round] = []

    async def receive(self) -> ClientMessage:
        """The next piece when all is settled, then the end of audio."""
        await self._runner.settled()
        if self._sent % self._per_round == 0:
            self._look(self._sent // self._per_round)
        if self._sent == self._rounds * self._per_round:
            return EndOfAudio()
        self._sent += 1
        return AudioBytes(self._script.chunk(self._sent - 1).tobytes())

    async def send(self, event: NumberedEvent) -> None:
        """Take it."""

    def _look(self, number: int) -> None:
        states = list(family(os.getpid()))
        spent = sum(state.cpu for state in states)
        if number:
            cost = (spent - self._spent) / self._script.duration
            self.found.append(Round(number, cost, sum(state.memory for state in states)))
            print(f"round {number}: {1000 * cost:.1f} ms a second", flush=True)
        self._spent = spent


async def measure(model: str, minutes: float) -> list[Round]:
    """What each round cost."""
    settings = Settings(model=model)
    pieces = pieces_of(read_corpus(AUDIO))
    script = cast_of(pieces, Workload.CONVERSATIONAL, seed=1).rehearsal()[0].script
    config = StreamConfig(
        recognition=RecognitionConfig(languages=(script.language,)), interim_results=True
    )
    rounds = max(round(60 * minutes / script.duration), 2 * NEIGHBOURS)
    async with open_gateway(settings, resolve_model(settings)) as gateway:
        with gateway.stream(config) as runner:
            door = SteppingDoor(runner, script, rounds)
            await runner.run(door)
    return door.found


def last_over_first(values: list[float]) -> float:
    """The median of the last values over that of the first."""
    return statistics.median(values[-NEIGHBOURS:]) / statistics.median(values[:NEIGHBOURS])


def main() -> None:
    """Read the flags, run, print, and write the JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=30.0, help="of audio")
    parser.add_argument("--model", default="mini")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    found = asyncio.run(measure(given.model, given.minutes))
    ratio = last_over_first([each.cost for each in found])
    grown = found[-1].memory - found[0].memory
    print(f"last over first: {ratio:.3f}; memory {found[-1].memory:.0f} MiB, {grown:+.1f}")
    if given.json is not None:
        figures = {"last_over_first": ratio, "rounds": [asdict(each) for each in found]}
        given.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
