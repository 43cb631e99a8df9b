"""Two models in two worker processes, and what is left when one of them dies."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import multiprocessing
import os
import shutil
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sori_server.domain.audio import SAMPLE_RATE
from sori_server.domain.errors import EngineUnavailable, RequestCancelled
from sori_server.domain.limits import Limits
from sori_server.domain.recognition import (
    DecodingOptions,
    RecognitionRequest,
    WindowKind,
)
from sori_server.engine.dispatcher import BatchingEngine
from sori_server.engine.fake import FakeFrontEnd, FakeStreamAudio, fake_loader
from sori_server.engine.front_end import WhisperFrontEnd
from sori_server.engine.model import ModelLoader, SpeechModel
from sori_server.engine.models import ResolvedModel, resolve
from sori_server.engine.placement import place
from sori_server.engine.stream_audio import WhisperStreamAudio
from sori_server.engine.tiers import TieredAudio, TieredEngine
from sori_server.engine.whisper import WhisperSpeechModel
from support.recordings import read_recording
from support.word_audio import Audio, speak

pytestmark = pytest.mark.integration

RECORDING = read_recording("digits_human")
DIGITS = RECORDING.cut(RECORDING.utterances[0])


@dataclass(frozen=True)
class Telling:
    """A loader that fails after this many starts; its processes tell their numbers."""

    loader: ModelLoader
    pids: Path
    starts: int

    def __call__(self) -> SpeechModel:
        with self.pids.open("a", encoding="utf-8") as file:
            file.write(f"{os.getpid()}\n")
        if len(started(self.pids)) > self.starts:
            raise EngineUnavailable("the weights are gone")
        return self.loader()


def started(pids: Path) -> list[int]:
    """Process ids of the workers that were started, oldest first."""
    return [int(line) for line in pids.read_text(encoding="utf-8").split()]


def renamed(folder: Path) -> ResolvedModel:
    """The bundled model under another name, for English only."""
    mini = resolve("mini").path
    shutil.copytree(mini, folder)
    card = (mini / "sori.json").read_text(encoding="utf-8")
    (folder / "sori.json").write_text(card.replace('["en", "ko"]', '["en"]'), encoding="utf-8")
    return resolve(str(folder))


def mini(folder: Path) -> TieredEngine:
    """The bundled model twice, not started."""

    def engine_of(model: ResolvedModel, pids: str) -> BatchingEngine:
        loader = functools.partial(WhisperSpeechModel, model, place("cpu", parallel_calls=1))
        front_end = WhisperFrontEnd(model.path, model.capabilities)
        return BatchingEngine(Telling(loader, folder / pids, 9), front_end, Limits())

    def audio() -> TieredAudio:
        one = WhisperStreamAudio(80)
        return TieredAudio(one, one.in_bands(80))

    small = engine_of(renamed(folder / "tiny-english"), "small")
    return TieredEngine(small, engine_of(resolve("mini"), "large"), audio)


def fakes(folder: Path, *, small_starts: int) -> TieredEngine:
    """The fake model twice, not started; the small one can be started this often."""

    def engine_of(pids: str, starts: int) -> BatchingEngine:
        loader = Telling(fake_loader(), folder / pids, starts)
        return BatchingEngine(loader, FakeFrontEnd(), Limits(max_worker_restarts=1))

    def audio() -> TieredAudio:
        one = FakeStreamAudio()
        return TieredAudio(one, one)

    return TieredEngine(engine_of("small", small_starts), engine_of("large", 9), audio)


@contextlib.asynccontextmanager
async def running(engine: TieredEngine) -> AsyncIterator[None]:
    """Both models are warm; nothing is left of them afterwards."""
    try:
        await engine.start()
        yield
    finally:
        await engine.close()
        assert multiprocessing.active_children() == []
        assert len(asyncio.all_tasks()) == 1


async def text_of(engine: TieredEngine, kind: WindowKind, audio: Audio) -> str:
    """The text of the audio as a window of this kind."""
    end = len(audio) if kind is WindowKind.FINAL else None
    step = SAMPLE_RATE // 10
    request = RecognitionRequest(1, kind, 0, end, DecodingOptions(), step=step)
    stream = engine.open_stream()
    stream.accept(audio)
    async with asyncio.timeout(60):
        return (await engine.recognize(request, stream)).text


async def kill(pids: Path) -> None:
    """Kill the newest of these workers, and wait until it is no more."""
    pid = started(pids)[-1]
    os.kill(pid, signal.SIGKILL)
    async with asyncio.timeout(10):
        while any(child.pid == pid for child in multiprocessing.active_children()):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_each_model_has_a_worker_that_dies_alone(tmp_path: Path) -> None:
    engine = mini(tmp_path)
    async with running(engine):
        assert (engine.model.name, engine.model.interim_model) == ("mini", "tiny-english")
        assert engine.model.languages == ("en",)
        before = await text_of(engine, WindowKind.FINAL, DIGITS)
        assert (await text_of(engine, WindowKind.INTERIM, DIGITS))[:10] == before[:10] != ""
        await kill(tmp_path / "small")
        assert await text_of(engine, WindowKind.FINAL, DIGITS) == before
        assert len(started(tmp_path / "large")) == 1
        assert (await text_of(engine, WindowKind.INTERIM, DIGITS))[:10] == before[:10]
        assert len(started(tmp_path / "small")) == 2
        await kill(tmp_path / "large")
        assert await text_of(engine, WindowKind.FINAL, DIGITS) == before
        assert len(started(tmp_path / "large")) == 2
        assert engine.ready


async def test_finals_outlive_the_model_for_interims(tmp_path: Path) -> None:
    engine = fakes(tmp_path, small_starts=1)
    async with running(engine):
        await kill(tmp_path / "small")
        with pytest.raises(RequestCancelled):
            await text_of(engine, WindowKind.INTERIM, speak([1, 2]))
        assert await text_of(engine, WindowKind.FINAL, speak([1, 2])) == " w1 w2"
        assert engine.ready
        assert engine.failure is None
        await kill(tmp_path / "large")
        assert await text_of(engine, WindowKind.FINAL, speak([3])) == " w3"


async def test_a_model_that_cannot_be_loaded_leaves_no_worker(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match=r"^the weights are gone$"):
        async with running(fakes(tmp_path, small_starts=0)):
            pass
