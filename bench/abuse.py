"""What live streams notice of floods that come beside them, and what those cost the server.

    python bench/abuse.py [--seconds 20] [--rounds 3] [--only KIND] [--json abuse.json]

A server of its own with the fake engine; streams that say a word every 100 ms and ask for their
text (`Finalize`) each second. The p99 of its answers beside each flood is compared with that
beside the same flood sent to a listener that swallows everything: on a machine with few cores the
flood itself takes some. Both are done in turns, and p99 is that of the answers of all turns. Exit
status 1: a word was lost, p99 moved by more than 20 %, or the flood was not the same.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import checkout  # noqa: F401 - puts `tests` on the path
import grpc
from sori.v1 import speech_pb2 as pb
from sori_server.evaluation.distribution import percentile
from support.bad_company import patient_server
from support.floods import BRIDGE_FLOODS, FLOODS, GRPC_FLOODS, flood_process
from support.raw_client import Stream, config_of
from support.server_process import ServerProcess, forget_peak, peak_of
from support.word_audio import heard_words, linear16, silence, speak

WORD = 0.1
"""Seconds."""
UNMOVED = 1.2
UNEVEN = 0.1
"""Share by which the two times that a flood is done may differ in how much of it there is."""
PACES = {
    "rapid reset": 10_000.0,
    "pings": 10_000.0,
    "handshakes": 1_000.0,
    "connections": 1_000.0,
    "gzip bombs of 48 MiB": 20.0,
    "gzip bombs of 3 MiB": 20.0,
    "HTTP heads that do not end": 1_000.0,
    "deflate bombs": 20.0,
}
"""How often a second each is done, at most."""


@dataclass(frozen=True)
class Noticed:
    """Seconds from `Finalize` to its answer over all streams, with something beside them."""

    beside: str
    done: int
    answers: int
    p50: float
    p99: float
    memory: float
    """MiB the gateway had more at most, meanwhile."""
    wrong: int
    """Streams that did not get just the words they said."""


class Talker:
    """A live stream that says a word each 100 ms, and asks for its text after each ten."""

    def __init__(self, stream: Stream, number: int) -> None:
        self._stream = stream
        self._first = 900 * number
        self._said = 0
        self.times: list[float] = []

    async def talk(self, over: asyncio.Event) -> None:
        """Talk until it is over."""
        due = time.monotonic()
        while not over.is_set():
            for _ in range(10):
                await self._stream.audio(linear16(speak([self._first + self._said % 900])))
                self._said += 1
                due += WORD
                await asyncio.sleep(max(due - time.monotonic(), 0.0))
            await self._ask()
            await self._stream.audio(linear16(silence(2)))

    async def _ask(self) -> None:
        name, asked = f"{self._said}", time.monotonic()
        await self._stream.finalize(name)
        await self._stream.until(lambda response: response.finalized.request_id == name)
        self.times.append(time.monotonic() - asked)

    def right(self) -> bool:
        """Whether every word it said was heard, once."""
        heard = [word for text in self._stream.texts for word in heard_words(text)]
        return heard == [self._first + n % 900 for n in range(self._said)]


@asynccontextmanager
async def talking(server: ServerProcess, count: int) -> AsyncIterator[list[Talker]]:
    """Streams that talk meanwhile; in the end they have said everything."""
    over, config = asyncio.Event(), config_of(endpointing=_BY_CLIENT)
    async with AsyncExitStack() as stack:
        streams = []
        for _ in range(count):
            options = [("grpc.use_local_subchannel_pool", 1)]
            channel = grpc.aio.insecure_channel(server.address, options=options)
            streams.append(await stack.enter_async_context(Stream(channel)))
            await streams[-1].send(config=config)
        talkers = [Talker(stream, number) for number, stream in enumerate(streams)]
        async with asyncio.TaskGroup() as tasks:
            for talker in talkers:
                tasks.create_task(talker.talk(over))
            yield talkers
            over.set()
        for stream in streams:
            await stream.end_of_audio()
            await stream.ended()


_BY_CLIENT = pb.EndpointingConfig(mode=pb.ENDPOINTING_MODE_CLIENT)


@dataclass(frozen=True)
class Turn:
    """What was seen once: seconds of the answers, and the rest as in `Noticed`."""

    times: list[float]
    done: int
    memory: float
    wrong: int


def noticed(kind: str, turns: Sequence[Turn]) -> Noticed:
    """What all turns come to."""
    times = [seconds for turn in turns for seconds in turn.times]
    return Noticed(
        beside=kind,
        done=sum(turn.done for turn in turns),
        answers=len(times),
        p50=percentile(times, 50) or 0.0,
        p99=percentile(times, 99) or 0.0,
        memory=max(turn.memory for turn in turns),
        wrong=sum(turn.wrong for turn in turns),
    )


async def beside(kind: str, port: int, server: ServerProcess, given: argparse.Namespace) -> Turn:
    """Streams talk while this flood goes to this port."""
    before = (await server.until_idle(60)).memory
    async with talking(server, given.streams) as talkers:
        await asyncio.sleep(1)
        forget_peak(server.process.pid)
        if kind in FLOODS:
            done = await flood_process(kind, port, given.seconds, PACES[kind])
        else:
            done = 0
            await asyncio.sleep(given.seconds)
        most = peak_of(server.process.pid) - before
    times = [seconds for talker in talkers for seconds in talker.times]
    return Turn(times, done, most, sum(not talker.right() for talker in talkers))


async def measure(given: argparse.Namespace) -> list[tuple[Noticed, Noticed]]:
    """Of each flood, what is noticed when it goes elsewhere, and here."""
    found = []
    async with patient_server() as server:
        calm = noticed("nothing", [await beside("nothing", 0, server, given)])
        print(calm, flush=True)
        ports = dict.fromkeys(GRPC_FLOODS, server.port)
        ports |= dict.fromkeys(BRIDGE_FLOODS, server.bridge_port)
        for kind in given.only or FLOODS:
            elsewhere, here = [], []
            for _ in range(given.rounds):
                elsewhere.append(await beside(kind, 0, server, given))
                here.append(await beside(kind, ports[kind], server, given))
            pair = noticed(kind, elsewhere), noticed(kind, here)
            print(*pair, f"ratio {pair[1].p99 / pair[0].p99:.2f}", sep="\n", flush=True)
            found.append(pair)
    return [(calm, calm), *found]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--streams", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", action="append", choices=[*FLOODS])
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    found = asyncio.run(measure(given))
    if given.json is not None:
        told = [{"elsewhere": asdict(a), "here": asdict(b)} for a, b in found]
        given.json.write_text(json.dumps(told, indent=1) + "\n")
    uneven = [b.beside for a, b in found if abs(a.done - b.done) > UNEVEN * a.done]
    if uneven:
        print(f"not as often here as elsewhere: {', '.join(uneven)}")
    wrong = sum(b.wrong for _, b in found)
    moved = [b.beside for a, b in found if b.p99 > UNMOVED * a.p99]
    print(
        f"{wrong} streams with wrong words; moved by more than 20 %: {', '.join(moved) or 'none'}"
    )
    return 1 if wrong or moved or uneven else 0


if __name__ == "__main__":
    sys.exit(main())
