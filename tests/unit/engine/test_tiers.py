"""Interims from one engine, finals from another, and the audio heard once."""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace

import pytest
from sori_server.domain.audio import SAMPLE_RATE
from sori_server.domain.config import StreamConfig, Task
from sori_server.domain.errors import EngineUnavailable, ModelLoading, RequestCancelled
from sori_server.domain.events import Result
from sori_server.domain.limits import Limits
from sori_server.domain.recognition import (
    DecodingOptions,
    Hypothesis,
    RecognitionRequest,
    WindowKind,
)
from sori_server.engine.fake import FakeStreamAudio
from sori_server.engine.port import EngineLoad, EnginePort, ModelInfo, StreamAudio
from sori_server.engine.tiers import TieredAudio, TieredEngine
from sori_server.runtime.gateway import Gateway
from support.in_process import ScriptedDoor, ScriptedEngine, chunks, stream_config
from support.word_audio import assert_heard, conversation, heard_words, silence, speak

pytestmark = pytest.mark.unit


class Tier(ScriptedEngine):
    """A scripted engine with a model of its own."""

    def __init__(self, name: str, *languages: str, tasks: tuple[Task, ...] = tuple(Task)) -> None:
        super().__init__()
        self.served = replace(
            ScriptedEngine.model.fget(self),  # type: ignore[attr-defined]
            name=name,
            languages=languages or ("en", "ko"),
            tasks=tasks,
        )
        self.heard_from: list[StreamAudio] = []
        self.gave_up = asyncio.Event()

    @property
    def model(self) -> ModelInfo:
        return self.served

    async def wait_failed(self) -> None:
        await self.gave_up.wait()

    async def recognize(self, request: RecognitionRequest, audio: StreamAudio) -> Hypothesis:
        self.heard_from.append(audio)
        if self.failure is not None:
            raise EngineUnavailable(str(self.failure))
        return await super().recognize(request, audio)

    def give_up(self) -> None:
        self.ready = False
        self.failure = EngineUnavailable("it died too often")
        self.gave_up.set()


class Mishearing(Tier):
    """Gets every word wrong, always alike: LocalAgreement would commit them."""

    async def recognize(self, request: RecognitionRequest, audio: StreamAudio) -> Hypothesis:
        heard = await super().recognize(request, audio)
        wrong = tuple(replace(w, text=w.text.replace("w", "m")) for w in heard.words)
        return replace(heard, text=heard.text.replace("w", "m"), words=wrong)


def both_views() -> TieredAudio:
    audio = FakeStreamAudio()
    return TieredAudio(audio, audio)


def tiered(small: ScriptedEngine, large: ScriptedEngine) -> TieredEngine:
    engine: EnginePort = TieredEngine(small, large, both_views)
    assert isinstance(engine, TieredEngine)
    return engine


def request(kind: WindowKind, **options: object) -> RecognitionRequest:
    end = 3_200 if kind is WindowKind.FINAL else None
    wanted = DecodingOptions(**options)  # type: ignore[arg-type]
    return RecognitionRequest(1, kind, 0, end, wanted, step=1_600)


async def test_each_kind_of_window_goes_to_its_model_with_its_view_of_one_recording() -> None:
    small, large = Tier("small"), Tier("large")
    engine = tiered(small, large)
    await engine.start()
    audio = engine.open_stream()
    assert isinstance(audio, TieredAudio)
    audio.accept(speak([1, 2]))
    interim = await engine.recognize(request(WindowKind.INTERIM), audio)
    final = await engine.recognize(request(WindowKind.FINAL), audio)
    early = await engine.recognize(replace(request(WindowKind.FINAL), ahead=800), audio)
    assert interim.text == final.text == early.text == " w1 w2"
    assert [r.kind for r in small.asked] == [WindowKind.INTERIM]
    assert [r.kind for r in large.asked] == [WindowKind.FINAL] * 2
    assert small.heard_from == [audio.interims]
    assert large.heard_from == [audio] * 2
    assert audio.interims.received == audio.received == 3_200


async def test_it_serves_what_both_models_know_and_commits_nothing_of_interims() -> None:
    small = Tier("small", "ko", "en", tasks=(Task.TRANSCRIBE,))
    large = Tier("large", "en", "ja", "ko")
    large.served = replace(large.served, max_utterance=20.0, commit_confidence=0.6)
    engine = tiered(small, large)
    with pytest.raises(ModelLoading):
        _ = engine.model
    await engine.start()
    assert engine.model == replace(
        large.served,
        languages=("en", "ko"),
        tasks=(Task.TRANSCRIBE,),
        commit_confidence=math.inf,
        interim_model="small",
    )
    audio = engine.open_stream()
    audio.accept(speak([1, 2]))
    await engine.recognize(request(WindowKind.FINAL), audio)
    await engine.recognize(request(WindowKind.FINAL, languages=("ko",)), audio)
    assert [r.options.languages for r in large.asked] == [("en", "ko"), ("ko",)]


@pytest.mark.parametrize(
    ("small", "large"),
    [
        (Tier("small", "ja"), Tier("large", "en")),
        (Tier("small", tasks=(Task.TRANSLATE,)), Tier("large", tasks=(Task.TRANSCRIBE,))),
    ],
)
async def test_models_with_nothing_in_common_are_refused(small: Tier, large: Tier) -> None:
    with pytest.raises(EngineUnavailable, match="small and large have no language or task"):
        await tiered(small, large).start()
    assert small.calls == large.calls == ["start", "close"]


async def test_it_is_ready_when_both_are() -> None:
    small, large = Tier("small"), Tier("large")
    engine = tiered(small, large)
    assert engine.ready
    small.ready = False
    assert not engine.ready
    small.ready, large.ready = True, False
    assert not engine.ready


async def test_without_the_model_for_interims_finals_go_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    small, large = Tier("small"), Tier("large")
    engine = tiered(small, large)
    await engine.start()
    small.give_up()
    assert engine.ready
    assert engine.failure is None
    door = ScriptedDoor(*chunks(conversation([range(10), range(10, 20)])), None)
    await serve(engine, door)
    assert_heard(door.texts, range(20))
    assert small.heard_from
    assert not small.answered
    assert {r.kind for r in large.answered} == {WindowKind.FINAL}
    assert caplog.text.count("no more interims, finals go on: it died too often") == 1
    audio = engine.open_stream()
    with pytest.raises(RequestCancelled):
        await engine.recognize(request(WindowKind.INTERIM), audio)


async def test_without_the_model_for_finals_it_has_failed() -> None:
    small, large = Tier("small"), Tier("large")
    engine = tiered(small, large)
    await engine.start()
    waiting = asyncio.create_task(engine.wait_failed())
    small.give_up()
    await asyncio.sleep(0)
    assert not waiting.done()
    large.give_up()
    await waiting
    assert engine.failure is large.failure
    assert not engine.ready
    audio = engine.open_stream()
    audio.accept(speak([1, 2]))
    with pytest.raises(EngineUnavailable, match="too often"):
        await engine.recognize(request(WindowKind.FINAL), audio)


def test_its_load_is_that_of_finals_beside_that_of_interims() -> None:
    small, large = Tier("small"), Tier("large")
    small.busy = EngineLoad(
        lanes=2, interims_busy=7.0, final_cost=0.1, final_wait=0.2, interim_interval=1.0
    )
    large.busy = EngineLoad(
        lanes=3, finals_busy=5.0, final_cost=0.4, final_wait=0.3, interim_interval=0.5
    )
    load = tiered(small, large).load
    assert load == replace(large.busy, interims_busy=7.0, interim_interval=1.0)


@pytest.mark.parametrize("failing", ["small", "large"])
async def test_one_that_does_not_start_stops_the_other(failing: str) -> None:
    small, large = Tier("small"), Tier("large")
    broken = small if failing == "small" else large
    broken.start_error = EngineUnavailable("no such weights")
    with pytest.raises(EngineUnavailable, match=r"^no such weights$"):
        await tiered(small, large).start()
    assert small.calls[-1] == large.calls[-1] == "close"
    assert len(asyncio.all_tasks()) == 1


class Slow(Tier):
    """Never warm."""

    async def start(self) -> None:
        await super().start()
        await asyncio.Event().wait()


async def test_a_start_that_is_cancelled_leaves_nothing() -> None:
    small, large = Slow("small"), Tier("large")
    starting = asyncio.create_task(tiered(small, large).start())
    while not small.calls:  # noqa: ASYNC110
        await asyncio.sleep(0)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert small.calls[-1] == large.calls[-1] == "close"
    assert len(asyncio.all_tasks()) == 1


async def serve(engine: TieredEngine, door: ScriptedDoor) -> StreamConfig:
    """One stream with interims; the config it had."""
    wanted = stream_config(interim_results=True)
    with Gateway(engine, Limits()).stream(wanted) as runner:
        async with asyncio.timeout(20):
            await runner.run(door)
        return runner.config


def results(door: ScriptedDoor) -> list[Result]:
    return [event for event in door.events if isinstance(event, Result)]


async def test_a_long_utterance_is_the_large_model_s_own_text() -> None:
    small, large = Mishearing("small"), Tier("large")
    engine = tiered(small, large)
    await engine.start()
    door = ScriptedDoor(
        *chunks(conversation([range(280 - 5)]), frames=5), *chunks(silence(10)), None
    )
    config = await serve(engine, door)
    assert config.commit_confidence == math.inf
    (final,) = door.finals
    assert_heard([final.text], range(275))
    interims = [result for result in results(door) if not result.is_final]
    assert interims
    assert not any(result.committed_text for result in interims)
    assert all(heard_words(r.tentative_text.replace("m", "w"))[0] == 0 for r in interims)
    longest = max(r.span.end - r.span.start for r in interims)
    assert longest > 20 * SAMPLE_RATE, "the window stays where it is: nothing is committed"
    assert {r.start for r in small.asked} == {large.asked[0].start}


async def test_a_client_that_wants_words_committed_gets_those_of_the_small_model() -> None:
    small, large = Mishearing("small"), Tier("large")
    engine = tiered(small, large)
    await engine.start()
    door = ScriptedDoor(*chunks(conversation([range(30)]), frames=5), *chunks(silence(10)), None)
    wanted = stream_config(interim_results=True, commit_confidence=0.5)
    with Gateway(engine, Limits()).stream(wanted) as runner:
        await runner.run(door)
    assert any(r.committed_text for r in results(door) if not r.is_final)
    assert "m0 m1" in door.texts[0]
