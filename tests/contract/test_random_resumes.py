"""Random connections of random sessions over two real servers: no word is lost or comes twice."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from random import Random

import pytest
import pytest_asyncio
from sori.v1 import speech_pb2 as pb
from sori_server.domain.limits import Limits
from sori_server.engine.fake import FakeBehaviour
from support.resuming import Resuming, ResumingStream
from support.speech_server import Served, serving
from support.word_audio import assert_heard, conversation, linear16

pytestmark = [
    pytest.mark.contract,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(150),
]

SECRET = "a secret that both of the servers know"  # noqa: S105
LIMITS = Limits(resume_window=10.0, write_timeout=5.0)
HISTORIES = 24
CHUNK = 3_200


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def nodes() -> AsyncIterator[list[Served]]:
    behaviour = FakeBehaviour(unstable_words=2, batch_cost=0.01)
    async with (
        serving(behaviour, LIMITS, SECRET) as one,
        serving(behaviour, LIMITS, SECRET) as other,
    ):
        yield [one, other]


class RandomClient:
    """Sends, acknowledges and loses its connection as chance has it."""

    def __init__(self, nodes: list[Served], seed: int) -> None:
        self.chance = Random(seed)  # noqa: S311
        self.nodes = nodes
        words = self.chance.randint(10, 60)
        cuts = sorted({self.chance.randrange(words) for _ in range(4)} | {0, words})
        self.words = range(words)
        spoken = [range(a, b) for a, b in itertools.pairwise(cuts)]
        self.data = linear16(conversation(spoken))
        self.client = Resuming(nodes[0], {"interim_results": self.chance.random() < 0.7})
        self.visits = 0

    @property
    def done(self) -> bool:
        responses = self.client.responses
        return bool(responses) and responses[-1].HasField("session_summary")

    async def run(self) -> None:
        while not self.done:
            self.visits += 1
            assert self.visits < 60, "no end"
            node, token = self.chance.choice(self.nodes), self.client.token
            async with self.client.connection(token, served=node) as stream:
                await self._visit(stream, last=self.visits > 8)

    async def _visit(self, stream: ResumingStream, *, last: bool) -> None:
        if not last and self.chance.random() < 0.1:
            return  # before anything is answered
        place = (await stream.until_started()).next_byte_offset
        place = max(place - self.chance.choice([0, 0, CHUNK]), 0)
        steps = len(self.data) if last else self.chance.randint(0, 60)
        for _ in range(steps):
            if place >= len(self.data):
                await stream.send(end_of_audio=pb.EndOfAudio(total_bytes=len(self.data)))
                break
            chunk = self.data[place : place + CHUNK]
            await stream.send(audio=pb.AudioChunk(data=chunk, byte_offset=place))
            place += len(chunk)
            if self.chance.random() < 0.2:
                await stream.acknowledge()
            if self.chance.random() < 0.1:
                await asyncio.sleep(0.01)
        if last:
            await stream.until_kind("session_summary")
        else:
            await asyncio.sleep(self.chance.choice([0.0, 0.01, 0.1]))

    def check(self) -> None:
        self.client.assert_dense()
        assert_heard(self.client.texts, self.words)
        finals = [r.result for r in self.client.responses if r.result.is_final]
        assert [final.utterance_index for final in finals] == list(range(len(finals)))
        told = [r.progress for r in self.client.responses if r.HasField("progress")]
        committed = [each.committed_byte_offset for each in told]
        assert committed == sorted(committed)


@pytest.mark.parametrize("batch", range(HISTORIES // 8))
async def test_every_word_comes_once(nodes: list[Served], batch: int) -> None:
    clients = [RandomClient(nodes, 8 * batch + n) for n in range(8)]
    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        for client in clients:
            tasks.create_task(client.run())
    for client in clients:
        client.check()
