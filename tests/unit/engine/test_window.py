"""What a window is between the call that asks for it and the batch that recognizes it."""

from __future__ import annotations

import asyncio

import pytest
from sori_server.domain.audio import Span
from sori_server.domain.errors import RecognitionFailed, RequestCancelled
from sori_server.domain.limits import Limits
from sori_server.domain.recognition import (
    DecodingOptions,
    Hypothesis,
    RecognitionRequest,
    WindowKind,
)
from sori_server.engine.fake import FakeFrontEnd, FakeStreamAudio, Levels
from sori_server.engine.model import WindowTask
from sori_server.engine.window import PendingWindow
from support.word_audio import speak

pytestmark = pytest.mark.unit

OPTIONS = DecodingOptions(beam_size=5)
PROMPT = "one two three four five"
"""Of which the fake model takes the last four words."""


def heard(words: int) -> FakeStreamAudio:
    audio = FakeStreamAudio()
    if words:
        audio.accept(speak(range(words)))
    return audio


def final(audio: FakeStreamAudio, end: int = 16_000) -> PendingWindow:
    request = RecognitionRequest(1, WindowKind.FINAL, 0, end, OPTIONS, PROMPT, step=8_000)
    return PendingWindow(request, audio, FakeFrontEnd(), round)


def interim(audio: FakeStreamAudio) -> PendingWindow:
    request = RecognitionRequest(1, WindowKind.INTERIM, 0, None, OPTIONS, step=8_000)
    return PendingWindow(request, audio, FakeFrontEnd(), round)


async def test_a_final_is_due_soon_and_an_interim_before_the_next_one() -> None:
    limits = Limits(final_deadline=0.2)
    one, other = final(heard(0)), interim(heard(0))
    assert one.deadline(limits) == one.submitted + 0.2
    assert other.deadline(limits) == other.submitted + 0.5


async def test_a_final_is_bound_to_the_samples_asked_for() -> None:
    audio = heard(10)
    window = final(audio)
    audio.accept(speak(range(10)))
    binding = window.bind()
    assert binding is not None
    assert binding.span == Span(0, 16_000)
    assert binding.key == 4, "the length of its prompt"


async def test_an_interim_takes_the_newest_audio_and_waits_while_there_is_none() -> None:
    audio = heard(0)
    window = interim(audio)
    audio.accept(speak(range(4)))
    assert window.bind() is None
    for received, end in ((6, 8_000), (9, 8_000), (10, 16_000)):
        audio.accept(speak(range(received - audio.received // 1_600)))
        binding = window.bind()
        assert binding is not None
        assert binding.span == Span(0, end)


async def test_the_worker_is_given_features_prompt_and_options() -> None:
    task = final(heard(10)).task(Span(0, 16_000))
    assert isinstance(task, WindowTask)
    assert isinstance(task.features, Levels)
    assert len(task.features.values) == 10
    assert (task.span, task.prompt, task.options) == (Span(0, 16_000), (3, 5, 4, 4), OPTIONS)


async def test_a_window_that_cannot_be_built_fails_alone() -> None:
    task = final(heard(5)).task(Span(0, 16_000))
    assert isinstance(task, RecognitionFailed)
    assert str(task).startswith("the window cannot be built: ")

    class Broken(FakeStreamAudio):
        def window(self, start: int, end: int) -> Levels:
            raise LookupError("a bug")

    broken = Broken()
    broken.accept(speak(range(10)))
    assert isinstance(final(broken).task(Span(0, 16_000)), RecognitionFailed)


async def test_the_first_answer_counts() -> None:
    window = final(heard(10))
    answer = Hypothesis(Span(0, 16_000), " w0", "en")
    window.settle(answer)
    window.settle(RequestCancelled("the engine closed"))
    assert await window.outcome is answer


async def test_who_does_not_wait_any_more_is_not_answered() -> None:
    window = final(heard(10))
    window.outcome.cancel()
    window.settle(RequestCancelled("the engine closed"))
    with pytest.raises(asyncio.CancelledError):
        await window.outcome
