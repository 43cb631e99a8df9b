"""The child's answers, whatever the model does; the process itself is tested for real."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from sori_server.domain.audio import Span
from sori_server.domain.errors import RecognitionFailed
from sori_server.domain.recognition import DecodingOptions, Hypothesis
from sori_server.engine.fake import POISON_WORD, FakeBehaviour, FakeModel, FakeStreamAudio
from sori_server.engine.model import WindowTask
from sori_server.engine.worker_process import (
    Attempt,
    Decode,
    Desk,
    Encode,
    Forget,
    Outcome,
    Recognize,
    out_of_memory,
)
from support.word_audio import speak

pytestmark = pytest.mark.unit


def task(word: int) -> WindowTask:
    stream = FakeStreamAudio()
    stream.accept(speak([word]))
    return WindowTask(stream.window(0, 1_600), Span(0, 1_600), (), DecodingOptions(beam_size=5))


def texts(outcomes: Sequence[Outcome]) -> list[str]:
    return [o.text if isinstance(o, Hypothesis) else str(o) for o in outcomes]


class Forgetful(FakeModel):
    """Forgets the last task of a batch."""

    def recognize_batch(self, tasks: Sequence[WindowTask]) -> list[Hypothesis | RecognitionFailed]:
        return super().recognize_batch(tasks)[: max(len(tasks) - 1, 1)]


def test_outcomes_come_in_order() -> None:
    model = FakeModel(FakeBehaviour())

    assert texts(Attempt().answers(model.recognize_batch, [task(3), task(1), task(2)])) == [
        " w3",
        " w1",
        " w2",
    ]


def test_an_error_fails_the_guilty_task_only_and_says_no_more_than_its_type() -> None:
    model = FakeModel(FakeBehaviour())
    outcomes = Attempt().answers(model.recognize_batch, [task(1), task(POISON_WORD), task(2)])

    assert isinstance(outcomes[1], RecognitionFailed)
    assert texts(outcomes) == [" w1", "the model raised ValueError", " w2"]


def test_a_lone_task_that_fails_is_not_tried_again() -> None:
    outcomes = Attempt().answers(FakeModel(FakeBehaviour()).recognize_batch, [task(POISON_WORD)])

    assert texts(outcomes) == ["the model raised ValueError"]


def test_a_missing_outcome_is_never_taken_for_another_tasks() -> None:
    outcomes = Attempt().answers(
        Forgetful(FakeBehaviour()).recognize_batch, [task(1), task(2), task(3)]
    )

    assert texts(outcomes) == [" w1", " w2", " w3"]


class Short(FakeModel):
    """Has no memory for the first so many calls of one window."""

    def __init__(self, short: int) -> None:
        super().__init__(FakeBehaviour())
        self._short = short

    def recognize_batch(self, tasks: Sequence[WindowTask]) -> list[Hypothesis | RecognitionFailed]:
        self._short -= 1
        if self._short >= 0:
            raise RuntimeError("CUDA failed with error out of memory")
        return super().recognize_batch(tasks)


def test_what_does_not_fit_into_memory_is_halved_until_it_does() -> None:
    tasks = tuple(task(word) for word in range(7))
    desk = Desk(FakeModel(FakeBehaviour(memory=2)))

    done = desk.answer(Recognize(tasks))

    assert texts([o for o in done.outcomes if o]) == [f" w{word}" for word in range(7)]
    assert done.fitted == 1
    assert desk.answer(Recognize(tasks[:2])).fitted is None


@pytest.mark.parametrize(("short", "text"), [(1, " w5"), (2, "the model raised RuntimeError")])
def test_one_task_is_tried_twice_when_memory_is_short(short: int, text: str) -> None:
    attempt = Attempt()

    assert texts(attempt.answers(Short(short).recognize_batch, [task(5)])) == [text]
    assert attempt.fitted == 1


@pytest.mark.parametrize(
    ("error", "short"),
    [
        (MemoryError(), True),
        (RuntimeError("CUBLAS_STATUS_ALLOC_FAILED"), True),
        (RuntimeError("std::bad_alloc"), True),
        (ValueError("prompts of unequal length in one batch"), False),
    ],
)
def test_errors_of_memory_are_told_from_others(error: Exception, short: bool) -> None:
    assert out_of_memory(error) is short


def test_what_was_encoded_is_decoded_in_any_company_and_forgotten() -> None:
    desk = Desk(FakeModel(FakeBehaviour()))
    assert desk.answer(Encode((task(1), task(2)), (11, 12))).outcomes == (None, None)
    desk.answer(Encode((task(3),), (13,)))

    done = desk.answer(Decode((13, 11)))

    assert texts([o for o in done.outcomes if o]) == [" w3", " w1"]
    assert desk.kept == 1


def test_what_nobody_wants_is_forgotten() -> None:
    desk = Desk(FakeModel(FakeBehaviour()))
    desk.answer(Encode((task(1), task(2)), (11, 12)))
    desk.forget(Forget((11, 99)))

    assert desk.kept == 1


def test_a_window_that_cannot_be_encoded_fails_alone_and_is_not_kept() -> None:
    class Choosy(FakeModel):
        def encode(self, tasks: Sequence[WindowTask]) -> list[WindowTask | RecognitionFailed]:
            return [RecognitionFailed("no") if t.span.end == 1_600 else t for t in tasks]

    desk = Desk(Choosy(FakeBehaviour()))
    done = desk.answer(Encode((task(1),), (11,)))

    assert texts([o for o in done.outcomes if o]) == ["no"]
    assert desk.kept == 0
