"""Sessions of word-bearing audio, one after another, some of which lose their connection.

Each goes on until it has its totals, and every word of it is checked: nothing lost, nothing
twice, nothing taken back. Which sessions fail, where and how is drawn.
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
from dataclasses import dataclass, field

import checkout  # noqa: F401 - puts `tests` on the path
from baseline.processes import family
from google.protobuf.duration_pb2 import Duration
from sori_server.engine.fake import WORDS, FakeBehaviour
from support.chaos_proxy import ChaosProxy, Fault, proxied
from support.persistent import Manner, PersistentClient, grpc_dial
from support.server_process import ServerProcess, server_process
from support.verdicts import verdict
from support.word_audio import conversation, linear16

from soaking.samples import LIFETIME, SAMPLE_EVERY, Sample

CHUNK = 12_800
PACE = 0.4
"""Seconds of audio in a chunk, and between two."""
SETTINGS: dict[str, object] = {
    "min_interim_interval": Duration(seconds=2),
    "progress_interval": Duration(seconds=4),
}
"""Rare responses: the machine has other work."""
PATIENCE = 10.0
BEHAVIOUR = FakeBehaviour(unstable_words=2, batch_cost=0.01)
SECOND = 32_000
"""Bytes."""
MOST_PROBLEMS = 20


@dataclass(slots=True)
class WordTally:
    """What became of the sessions."""

    sessions: int = 0
    words: int = 0
    connections: int = 0
    resumes: int = 0
    failed: int = 0
    wrong: int = 0
    faults: dict[str, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def count(self, client: PersistentClient, words: list[int]) -> None:
        """Count a session that is over."""
        self.sessions += 1
        self.words += len(words)
        self.connections += client.connections
        self.resumes += len(client.resumed)
        if client.failure:
            self.failures = [*self.failures, client.failure][:MOST_PROBLEMS]
            self.failed += 1
        elif found := verdict(client.responses, words):
            self.wrong += 1
            self.problems = (self.problems + found)[:MOST_PROBLEMS]


def speech(chance: random.Random) -> tuple[list[int], bytes]:
    """The words of one session, and its audio."""
    lasts = chance.uniform(*LIFETIME)
    utterances: list[list[int]] = []
    word = first = chance.randrange(WORDS - 2_000)
    while word - first + 8 * len(utterances) < 10 * lasts:
        count = chance.randint(3, 40)
        utterances.append([*range(word, word + count)])
        word += count
    return [*range(first, word)], linear16(conversation(utterances))


async def converse(
    server: ServerProcess, chance: random.Random, faults: float, tally: WordTally
) -> None:
    """One session after another, without end."""
    while True:
        words, audio = speech(chance)
        if chance.random() >= faults:
            client = session(audio, server.port)
            await client.run()
        else:
            async with proxied(server.port) as (proxy, port):
                client = session(audio, port)
                await struck(client, proxy, chance, tally)
        tally.count(client, words)


def session(audio: bytes, port: int) -> PersistentClient:
    """A client that speaks in real time."""
    manner = Manner(PACE, CHUNK, patience=PATIENCE, give_up=2 * LIFETIME[1], settings=SETTINGS)
    return PersistentClient(grpc_dial(f"127.0.0.1:{port}"), audio, manner)


async def struck(
    client: PersistentClient, proxy: ChaosProxy, chance: random.Random, tally: WordTally
) -> None:
    """Run a session whose first connection fails somewhere."""
    fault, lasts = chance.choice([*Fault]), len(client.audio) / SECOND
    tally.faults[fault.name] = tally.faults.get(fault.name, 0) + 1
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(client.run())
        await asyncio.sleep(chance.uniform(0.0, lasts))
        proxy.strike(fault)


async def soak_words(minutes: float, streams: int, faults: float) -> tuple[list[Sample], WordTally]:
    """Run for so long; samples of the server, and what became of the sessions."""
    tally, samples, begun = WordTally(), [], time.monotonic()
    async with server_process(BEHAVIOUR) as server, asyncio.TaskGroup() as tasks:
        dice = [random.Random(seed) for seed in range(streams)]  # noqa: S311
        speakers = [tasks.create_task(converse(server, chance, faults, tally)) for chance in dice]
        while (now := time.monotonic() - begun) < 60 * minutes:
            census = await server.census()
            samples.append(Sample(now, tuple(family(server.process.pid)), census))
            print(f"{now:.0f} s, {tally.sessions} over, {census}", file=sys.stderr, flush=True)
            await asyncio.sleep(SAMPLE_EVERY)
        for speaker in speakers:
            speaker.cancel()
    return samples, tally
