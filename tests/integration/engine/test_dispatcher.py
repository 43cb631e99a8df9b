"""The batching engine with a real worker process and word-bearing audio, when all goes well."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable

import pytest
import pytest_asyncio
from sori_server.domain.errors import RequestCancelled
from sori_server.domain.limits import Limits
from sori_server.domain.recognition import Hypothesis, RecognitionRequest, WindowKind
from sori_server.engine.dispatcher import BatchingEngine
from sori_server.engine.fake import POISON_WORD, WORD_SAMPLES, FakeBehaviour
from support.engines import (
    EXACT,
    final,
    finals,
    heard,
    hearing,
    interim,
    occupied,
    running,
    worker_pid,
)
from support.word_audio import assert_heard, speak

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

COST = 0.2
"""Seconds of one batch."""


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="engine")
async def shared_engine() -> AsyncIterator[BatchingEngine]:
    async with running(FakeBehaviour(batch_cost=COST), Limits(max_decode_batch=16)) as engine:
        yield engine


async def test_windows_of_many_streams_share_a_batch(engine: BatchingEngine) -> None:
    outcomes = await finals(engine, range(6))

    assert heard(outcomes) == [f" w{n}" for n in range(6)]
    for outcome in outcomes:
        assert isinstance(outcome, Hypothesis)
        assert outcome.timing.batch_size == 6
        assert COST <= outcome.timing.inference < 10.0
        assert 0 < outcome.timing.preprocessing < 10.0
        assert 0 <= outcome.timing.queue < 10.0


async def test_batches_are_bounded_and_nothing_is_lost_in_a_crowd(engine: BatchingEngine) -> None:
    outcomes = await finals(engine, range(50))

    assert heard(outcomes) == [f" w{n}" for n in range(50)]
    assert {o.timing.batch_size for o in outcomes if isinstance(o, Hypothesis)} == {16, 2}


async def test_a_long_stream_in_tiles_is_heard_once(engine: BatchingEngine) -> None:
    words = list(range(40))
    stream = hearing(engine, speak(words))
    tiles = range(0, 40 * WORD_SAMPLES, 10_000)
    requests = [
        RecognitionRequest(i, WindowKind.FINAL, t, min(t + 10_000, stream.received), EXACT)
        for i, t in enumerate(tiles)
    ]
    calls = (engine.recognize(request, stream) for request in requests)
    texts = [hypothesis.text for hypothesis in await asyncio.gather(*calls)]

    assert_heard(texts, words)


async def test_prompts_of_unequal_length_never_meet(engine: BatchingEngine) -> None:
    streams = [hearing(engine, speak([n])) for n in range(4)]
    prompts = ["", " a b c d", "", " a b c d"]
    calls = (final(engine, s, p) for s, p in zip(streams, prompts, strict=True))
    outcomes = await asyncio.gather(*calls)

    assert heard(outcomes) == [" w0", " w1", " w2", " w3"]
    assert [o.timing.batch_size for o in outcomes] == [2, 2, 2, 2]


async def test_an_interim_takes_the_newest_audio_when_it_is_dispatched(
    engine: BatchingEngine,
) -> None:
    async with occupied(engine) as running_batch:
        stream = hearing(engine, speak([1]))
        waiting = asyncio.create_task(interim(engine, stream))
        await asyncio.sleep(0.02)
        stream.accept(speak([2, 3])[:-5])

    hypothesis = await waiting
    await running_batch

    assert hypothesis.text == " w1 w2"
    assert hypothesis.span.end == 2 * WORD_SAMPLES, "bound on the grid of the interim step"
    assert hypothesis.timing.queue > 0.01


async def test_an_interim_waits_for_its_first_audio(engine: BatchingEngine) -> None:
    stream = engine.open_stream()
    waiting = asyncio.create_task(interim(engine, stream))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    stream.accept(speak([5]))

    assert (await waiting).text == " w5"


async def test_a_newer_interim_replaces_the_waiting_one(engine: BatchingEngine) -> None:
    async with occupied(engine) as running_batch:
        stream = hearing(engine, speak([1]))
        older = asyncio.create_task(interim(engine, stream))
        await asyncio.sleep(0)
        newer = asyncio.create_task(interim(engine, stream))
        with pytest.raises(RequestCancelled):
            await older

    assert (await newer).text == " w1"
    await running_batch


async def test_finals_pass_interims(engine: BatchingEngine) -> None:
    done: list[str] = []

    async def note(name: str, call: Awaitable[Hypothesis]) -> None:
        await call
        done.append(name)

    async with asyncio.TaskGroup() as tasks, occupied(engine) as running_batch:
        tasks.create_task(note("interim", interim(engine, hearing(engine, speak([1])))))
        await asyncio.sleep(0.01)
        tasks.create_task(note("final", final(engine, hearing(engine, speak([2])))))
    await running_batch

    assert done == ["final", "interim"]


async def test_a_cancelled_call_is_withdrawn_while_it_waits(engine: BatchingEngine) -> None:
    async with occupied(engine) as running_batch:
        streams = [hearing(engine, speak([n])) for n in range(3)]
        calls = [asyncio.create_task(final(engine, stream)) for stream in streams]
        await asyncio.sleep(0)
        calls[1].cancel()
        await asyncio.sleep(0)
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    await running_batch

    assert heard(outcomes) == [" w0", "CancelledError", " w2"]
    assert [o.timing.batch_size for o in outcomes if isinstance(o, Hypothesis)] == [2, 2]


async def test_a_call_cancelled_in_a_running_batch_leaves_its_mates_alone(
    engine: BatchingEngine,
) -> None:
    streams = [hearing(engine, speak([n])) for n in range(3)]
    calls = [asyncio.create_task(final(engine, stream)) for stream in streams]
    for _ in range(5):  # the batch is on its way then
        await asyncio.sleep(0)
    calls[1].cancel()
    outcomes = await asyncio.gather(*calls, return_exceptions=True)

    assert heard(outcomes) == [" w0", "CancelledError", " w2"]
    assert [o.timing.batch_size for o in outcomes if isinstance(o, Hypothesis)] == [3, 3]


async def test_poison_fails_alone(engine: BatchingEngine) -> None:
    pid = worker_pid()
    outcomes = await finals(engine, [1, POISON_WORD, 2])

    assert heard(outcomes) == [" w1", "RecognitionFailed", " w2"]
    assert str(outcomes[1]) == "the model raised ValueError"
    assert worker_pid() == pid


async def test_a_window_that_cannot_be_built_fails_alone(engine: BatchingEngine) -> None:
    streams = [hearing(engine, speak([n, n])) for n in range(3)]
    streams[1].discard(WORD_SAMPLES)
    calls = (final(engine, stream) for stream in streams)
    outcomes = await asyncio.gather(*calls, return_exceptions=True)

    assert heard(outcomes) == [" w0 w0", "RecognitionFailed", " w2 w2"]


async def test_a_request_that_cannot_be_bound_fails_its_caller_only(engine: BatchingEngine) -> None:
    with pytest.raises(ZeroDivisionError):
        await interim(engine, hearing(engine, speak([1])), step=0)

    assert heard(await finals(engine, [2])) == [" w2"]
