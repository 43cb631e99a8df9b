"""A server with a second model for interims, seen from its clients."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sori.v1 import speech_pb2 as pb
from sori_client import Bytes, Client, SessionStarted
from sori_server.engine.fake import FakeBehaviour
from support.client_drivers import LINEAR16
from support.speech_server import Served, server_for, serving, tiered_fake_engine
from support.word_audio import assert_heard, conversation, linear16

pytestmark = [pytest.mark.contract, pytest.mark.asyncio(loop_scope="module")]

WORDS = range(60)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served() -> AsyncIterator[Served]:
    engine = tiered_fake_engine(FakeBehaviour(unstable_words=3))
    async with server_for(engine) as server:
        yield Served(server, engine)


async def test_interims_of_the_small_model_are_tentative_and_finals_are_not(served: Served) -> None:
    async with served.stream(interim_results=True) as stream:
        started = (await stream.until_kind("session_started")).session_started
        assert (started.model.name, started.model.interim_model) == ("fake", "fake")
        audio = linear16(conversation([WORDS]))
        await stream.audio(audio[: -8 * 3_200])
        await stream.until_kind("result")
        await stream.audio(audio[-8 * 3_200 :])
        await stream.end_of_audio()
        await stream.summary()
    assert_heard(stream.texts, WORDS)
    interims = [r.alternatives[0] for r in stream.results if not r.is_final]
    assert any(interim.tentative_text for interim in interims)
    assert not any(interim.committed_text for interim in interims)


async def test_both_models_are_listed_as_one(served: Served) -> None:
    async with served.stub() as stub:
        (model,) = (await stub.ListModels(pb.ListModelsRequest())).models
    assert (model.name, model.interim_model) == ("fake", "fake")


async def test_the_client_is_told_of_both(served: Served) -> None:
    async with Client(served.address) as client:
        (listed,) = await client.list_models()
        assert (listed.name, listed.interim_model) == ("fake", "fake")
        async for event in client.stream(Bytes([], LINEAR16)):
            if isinstance(event, SessionStarted):
                assert event.model.interim_model == "fake"


async def test_with_one_model_there_is_no_other_to_tell_of() -> None:
    async with serving() as one, one.stub() as stub:
        (model,) = (await stub.ListModels(pb.ListModelsRequest())).models
    assert model.interim_model == ""
