"""A long file at full speed beside people who speak: their windows never wait for its windows."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest
from sori.v1 import speech_pb2 as pb
from sori_server.domain.config import Priority
from sori_server.domain.limits import Limits
from sori_server.engine.fake import FakeBehaviour
from sori_server.engine.scheduler.core import LIVE_RANKS, Scheduler
from sori_server.engine.scheduler.jobs import Batch
from support.raw_client import config_of
from support.speech_server import Served, serving
from support.word_audio import assert_heard, conversation, linear16

pytestmark = pytest.mark.contract

FILE = [range(start, start + 5) for start in range(0, 300, 5)]
SAID = [range(start, start + 4) for start in range(1_000, 1_032, 4)]
LIMITS = Limits(batch_patience=60.0)
SLOW = FakeBehaviour(batch_cost=0.02)


@dataclass(frozen=True)
class Call:
    """A model call: whose windows it has, and how many live ones waited for the next one."""

    priorities: frozenset[Priority]
    waiting: int


CALLS: list[Call] = []


class NotedScheduler(Scheduler):
    """Writes down each call."""

    def schedule(self, now: float) -> Batch | None:
        batch = super().schedule(now)
        if batch is not None:
            waiting = sum(len(self._ready(rank, now)) for rank in LIVE_RANKS)
            CALLS.append(Call(frozenset(bound.job.priority for bound in batch.jobs), waiting))
        return batch


async def upload(served: Served) -> list[str]:
    async with served.stream(priority=pb.PRIORITY_BATCH) as stream:
        await stream.audio(linear16(conversation(FILE)))
        await stream.end_of_audio()
        await stream.summary()
        return stream.texts


async def converse(served: Served) -> list[str]:
    """One utterance after the other, each when the one before was understood."""
    async with served.stream(config_of(interim_results=True)) as stream:
        for count, words in enumerate(SAID, start=1):
            await stream.audio(linear16(conversation([words])))
            await stream.until(lambda _, count=count: len(stream.texts) >= count)  # type: ignore[misc]
        await stream.end_of_audio()
        await stream.summary()
        return stream.texts


async def test_no_window_of_a_file_is_recognized_while_one_of_a_live_stream_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sori_server.engine.dispatcher.Scheduler", NotedScheduler)
    CALLS.clear()
    async with serving(SLOW, LIMITS) as served:
        texts = await asyncio.gather(upload(served), *(converse(served) for _ in range(3)))
    assert_heard(texts[0], [word for words in FILE for word in words])
    for said in texts[1:]:
        assert_heard(said, [word for words in SAID for word in words])
    live, batch = ({priority} for priority in (Priority.LIVE, Priority.BATCH))
    whose = [call.priorities for call in CALLS]
    assert all(each in (live, batch) for each in whose), "no call has both"
    assert not [call for call in CALLS if call.priorities == batch and call.waiting]
    beside = whose[whose.index(frozenset(batch)) : len(whose) - whose[::-1].index(frozenset(batch))]
    assert beside.count(frozenset(live)) >= len(SAID), "they went on side by side"
