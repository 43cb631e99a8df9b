"""A doubted final is tried once more, alone, and nothing it does harms anybody."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sori_server.domain.limits import Limits
from sori_server.domain.recognition import Hypothesis, RecognitionRequest
from sori_server.engine import dispatcher, retry
from sori_server.engine.dispatcher import BatchingEngine
from sori_server.engine.fake import FakeFrontEnd
from support.doubts import DEADLY, DOUBTED, HOPELESS, DoubtingModel
from support.engines import final, finals, heard, hearing, interim, until_ready
from support.word_audio import speak

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="engine")
async def doubting_engine() -> AsyncIterator[BatchingEngine]:
    engine = BatchingEngine(DoubtingModel, FakeFrontEnd(), Limits())
    await engine.start()
    yield engine
    await engine.close()


async def test_the_better_answer_is_kept(engine: BatchingEngine) -> None:
    outcomes = await finals(engine, [1, DOUBTED, HOPELESS, 2])
    assert heard(outcomes) == [" w1", f" again w{DOUBTED}", f" w{HOPELESS}", " w2"]
    doubtful = [outcome.doubtful for outcome in outcomes if isinstance(outcome, Hypothesis)]
    assert doubtful == [False, False, True, False]


async def test_mates_do_not_wait_for_a_second_try(engine: BatchingEngine) -> None:
    order: list[int] = []

    async def note(word: int) -> None:
        outcome = await final(engine, hearing(engine, speak([word])))
        order.append(word)
        assert outcome.timing.batch_size == 4
        assert outcome.timing.inference > (0.1 if word >= DOUBTED else 0.05)

    async with asyncio.TaskGroup() as tasks:
        for word in (DOUBTED, 1, DOUBTED + 1, 2):
            tasks.create_task(note(word))
    assert order == [1, 2, DOUBTED, DOUBTED + 1]


async def test_interims_are_not_tried_again(engine: BatchingEngine) -> None:
    outcome = await interim(engine, hearing(engine, speak([DOUBTED])))
    assert outcome.text == f" w{DOUBTED}"
    assert outcome.doubtful


async def test_the_first_answer_survives_the_crash_of_the_second_try(
    engine: BatchingEngine,
) -> None:
    outcomes = await finals(engine, [1, DEADLY])
    assert heard(outcomes) == [" w1", f" w{DEADLY}"]
    await until_ready(engine)
    assert heard(await finals(engine, [3])) == [" w3"]


async def test_the_first_answer_survives_the_loss_of_the_audio(
    engine: BatchingEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = hearing(engine, speak([DOUBTED]))
    window = stream.window

    def the_last(start: int, end: int) -> object:
        features = window(start, end)
        stream.discard(stream.received)
        return features

    monkeypatch.setattr(stream, "window", the_last)
    assert (await final(engine, stream)).text == f" w{DOUBTED}"


@pytest.fixture
def second_try_begins(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    begins = asyncio.Event()

    def noted(request: RecognitionRequest) -> RecognitionRequest:
        begins.set()
        return retry.second_try(request)

    monkeypatch.setattr(dispatcher, "second_try", noted)
    return begins


async def test_a_second_try_can_be_cancelled(
    engine: BatchingEngine, second_try_begins: asyncio.Event
) -> None:
    call = asyncio.create_task(final(engine, hearing(engine, speak([DOUBTED]))))
    await second_try_begins.wait()
    for _ in range(3):  # it is on its way then
        await asyncio.sleep(0)
    call.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await call
    assert call.cancelled()
    assert heard(await finals(engine, [4])) == [" w4"]


async def test_the_first_answer_survives_the_end_of_the_engine(
    second_try_begins: asyncio.Event,
) -> None:
    engine = BatchingEngine(DoubtingModel, FakeFrontEnd(), Limits())
    await engine.start()
    call = asyncio.create_task(final(engine, hearing(engine, speak([DOUBTED]))))
    await second_try_begins.wait()
    await engine.close()
    assert (await call).text == f" w{DOUBTED}"
