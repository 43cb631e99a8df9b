"""Many streams of all kinds on one real model: each reads what it reads alone."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import itertools

import pytest
from sori_server.domain.config import Task
from sori_server.domain.limits import Limits
from sori_server.domain.recognition import (
    DecodingOptions,
    Hypothesis,
    RecognitionRequest,
    WindowKind,
)
from sori_server.engine.capabilities import CONTEXT_TOKENS
from sori_server.engine.dispatcher import BatchingEngine
from sori_server.engine.front_end import WhisperFrontEnd
from sori_server.engine.models import resolve
from sori_server.engine.placement import place
from sori_server.engine.whisper import WhisperSpeechModel
from support.recordings import NAMES, Utterance, read_recording

pytestmark = pytest.mark.integration

MINI = resolve("mini")

Heard = tuple[str, str, tuple[tuple[str, int, int], ...]]


def told(hypothesis: Hypothesis) -> Heard:
    words = tuple((w.text, w.start, w.end) for w in hypothesis.words)
    return hypothesis.text, hypothesis.language, words


async def ask(engine: BatchingEngine, number: int, name: str, which: int) -> list[Heard]:
    """The finals of two utterances of a recording, one after the other."""
    recording = read_recording(name)
    options = DecodingOptions(
        languages=((), ("en", "ko"), (recording.utterances[which].language,))[number % 3],
        task=(Task.TRANSCRIBE, Task.TRANSLATE)[number % 2],
        beam_size=(1, 5)[number // 2 % 2],
        word_times=number % 4 < 2,
        no_speech_threshold=(0.2, 0.6, 0.9)[number % 3],
    )
    hotwords = ((), ("Alice", "seven"), ("커피",))[number % 3]
    heard: list[Heard] = []
    prompt = ""
    for utterance in recording.utterances[which : which + 2]:
        stream = engine.open_stream()
        stream.accept(recording.cut(utterance))
        end = stream.received
        request = RecognitionRequest(1, WindowKind.FINAL, 0, end, options, prompt, hotwords)
        hypothesis = await engine.recognize(request, stream)
        assert hypothesis.timing.batch_size <= 16
        heard.append(told(hypothesis))
        prompt = hypothesis.text
    return heard


async def test_a_crowd_reads_what_each_reads_alone() -> None:
    placement = place("cpu", cpu_threads=1, parallel_calls=2)
    loader = functools.partial(WhisperSpeechModel, MINI, placement)
    front_end = WhisperFrontEnd(MINI.path, MINI.capabilities)
    engine = BatchingEngine(loader, front_end, Limits(), lanes=2)
    await engine.start()
    try:
        streams = list(enumerate(itertools.product(NAMES, (0, 2))))
        calls = [(engine, number, *which) for number, which in streams]
        crowd = await asyncio.gather(*(ask(*call) for call in calls))
        alone = [await ask(*call) for call in calls]
    finally:
        await engine.close()
    assert crowd == alone
    assert any(words for heard in alone for _, _, words in heard)


async def test_finals_that_a_prompt_breaks_are_read_without_it() -> None:
    """`mini` loops, or says nothing but marks, after more text than it was trained on."""
    patient = dataclasses.replace(MINI.capabilities, context_tokens=CONTEXT_TOKENS)
    model = dataclasses.replace(MINI, capabilities=patient)
    loader = functools.partial(WhisperSpeechModel, model, place("cpu", cpu_threads=2))
    engine = BatchingEngine(loader, WhisperFrontEnd(MINI.path, patient), Limits())
    recording = read_recording("digits_human")

    async def read(utterance: Utterance, prompt: str) -> str:
        stream = engine.open_stream()
        stream.accept(recording.cut(utterance))
        end, options = stream.received, DecodingOptions()
        request = RecognitionRequest(1, WindowKind.FINAL, 0, end, options, prompt)
        return (await engine.recognize(request, stream)).text

    await engine.start()
    try:
        for broken in (" The meeting is on Thursday." * 40, " Seven two zero." * 60):
            for utterance in recording.utterances[:3]:
                assert await read(utterance, broken) == await read(utterance, "")
    finally:
        await engine.close()
