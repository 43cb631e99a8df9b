"""The fake model reads exactly what was spoken, whole or in tiles, and notices damage."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sori_server.domain.audio import Span
from sori_server.domain.errors import EngineUnavailable
from sori_server.domain.recognition import (
    DecodingOptions,
    Hypothesis,
    RecognitionRequest,
    WindowKind,
)
from sori_server.engine.fake import (
    POISON_WORD,
    WORD_SAMPLES,
    WORDS,
    FakeBehaviour,
    FakeFrontEnd,
    FakeModel,
    FakeStreamAudio,
    fake_loader,
    level,
    word_at,
)
from sori_server.engine.model import WindowTask
from support.word_audio import (
    Audio,
    assert_heard,
    conversation,
    float32,
    heard_words,
    linear16,
    silence,
    speak,
)

pytestmark = pytest.mark.unit

MODEL = FakeModel(FakeBehaviour())
EXACT = DecodingOptions(beam_size=5)


def stream_of(audio: Audio, chunk: int = 1_000) -> FakeStreamAudio:
    stream = FakeStreamAudio()
    for start in range(0, len(audio), chunk):
        stream.accept(audio[start : start + chunk])
    return stream


def recognize(
    stream: FakeStreamAudio,
    span: Span,
    options: DecodingOptions = EXACT,
    model: FakeModel = MODEL,
) -> Hypothesis:
    task = WindowTask(stream.window(span.start, span.end), span, (), options)
    (outcome,) = model.recognize_batch([pickle.loads(pickle.dumps(task))])  # noqa: S301
    assert isinstance(outcome, Hypothesis)
    return outcome


def texts(stream: FakeStreamAudio, borders: Iterable[int]) -> list[str]:
    return [recognize(stream, Span(a, b)).text for a, b in pairwise(borders)]


def test_every_word_has_a_level_of_its_own_that_survives_one_step() -> None:
    for word in range(WORDS + 3):
        step = round(level(word) * 32_768)
        assert 0 < abs(step) < 32_767
        assert {word_at(step - 1), word_at(step), word_at(step + 1)} == {word}


def test_reads_what_was_spoken() -> None:
    audio = conversation([[3, 1, 4], [1, 5, 9]])
    hypothesis = recognize(stream_of(audio), Span(0, len(audio)))

    assert hypothesis.text == " w3 w1 w4 w1 w5 w9"


@pytest.mark.parametrize("encoding", ["linear16", "float32"])
def test_words_survive_encoding(encoding: str) -> None:
    words = list(range(0, WORDS, 37))
    audio = speak(words)
    if encoding == "linear16":
        decoded = np.frombuffer(linear16(audio), "<i2").astype(np.float32) / 32_768
    else:
        decoded = np.frombuffer(float32(audio), "<f4")

    hypothesis = recognize(stream_of(decoded, 16_000), Span(0, len(audio)))

    assert_heard([hypothesis.text], words)


@settings(deadline=None)
@given(
    cuts=st.lists(st.integers(0, 20 * WORD_SAMPLES), max_size=6),
    chunk=st.integers(100, 9_000),
)
def test_tiles_have_every_word_once(cuts: Sequence[int], chunk: int) -> None:
    words = list(range(100, 120))
    stream = stream_of(speak(words), chunk)
    borders = [0, *sorted(cuts), 20 * WORD_SAMPLES]

    assert_heard(texts(stream, borders), words)


@settings(deadline=None)
@given(cuts=st.lists(st.integers(0, 20 * WORD_SAMPLES), max_size=6))
def test_a_start_moved_back_to_the_hop_doubles_nothing(cuts: Sequence[int]) -> None:
    words = list(range(100, 120))
    stream = stream_of(speak(words))
    spans = pairwise([0, *sorted(cuts), 20 * WORD_SAMPLES])
    heard = [recognize(stream, Span(a - a % 160, b)).text for a, b in spans]

    assert_heard(heard, words)


def test_a_word_whose_second_half_has_not_come_is_heard() -> None:
    stream = stream_of(speak([7, 8])[: WORD_SAMPLES + 800])

    assert recognize(stream, Span(0, stream.received)).text == " w7 w8"
    assert recognize(stream, Span(0, stream.received - 1)).text == " w7"


@pytest.mark.parametrize("lost", [1, 160, 799, 1_599])
def test_lost_samples_are_noticed(lost: int) -> None:
    audio = speak(range(10))
    stream = stream_of(np.delete(audio, slice(4_000, 4_000 + lost)))
    heard = recognize(stream, Span(0, stream.received)).text

    with pytest.raises(AssertionError, match="at word 2"):
        assert_heard([heard], list(range(10)))
    assert -1 in heard_words(heard)


@pytest.mark.parametrize(
    "heard", [[" w1 w3"], [" w1 w2", " w2 w3"], [" w2 w1 w3"], [" w1 w2"], [" w1 w2 w3 w4"], []]
)
def test_the_checker_can_fail(heard: list[str]) -> None:
    with pytest.raises(AssertionError, match="3 spoken"):
        assert_heard(heard, [1, 2, 3])


def test_speech_is_any_sample_that_is_not_zero() -> None:
    stream = FakeStreamAudio()
    probabilities = stream.accept(np.concatenate([silence(1), speak([5]), silence(1)]))

    assert probabilities == [0, 0, 0, 1, 1, 1, 1, 0, 0]


def test_windows_outside_what_is_kept_are_refused() -> None:
    stream = stream_of(speak(range(10)))
    stream.discard(5 * WORD_SAMPLES)

    assert recognize(stream, Span(5 * WORD_SAMPLES, 7 * WORD_SAMPLES)).text == " w5 w6"
    with pytest.raises(ValueError, match="not within"):
        stream.window(4 * WORD_SAMPLES, 7 * WORD_SAMPLES)
    with pytest.raises(ValueError, match="not within"):
        stream.window(5 * WORD_SAMPLES, 11 * WORD_SAMPLES)


def test_silence_has_no_speech() -> None:
    hypothesis = recognize(stream_of(silence(5)), Span(0, 5 * WORD_SAMPLES))

    assert hypothesis.no_speech
    assert hypothesis.text == ""


def test_word_times_lie_on_the_audio_clock() -> None:
    stream = stream_of(conversation([[1, 2]], pause=3))
    options = DecodingOptions(beam_size=5, word_times=True)
    words = recognize(stream, Span(3_200, 8_000), options).words

    assert [(word.text, word.start, word.end) for word in words] == [
        (" w1", 4_800, 6_400),
        (" w2", 6_400, 8_000),
    ]


def test_greedy_windows_are_unstable_at_their_end_the_same_way_every_time() -> None:
    model = FakeModel(FakeBehaviour(seed=1, unstable_words=2))
    stream = stream_of(speak(range(30)))
    ends = [n * WORD_SAMPLES for n in range(3, 30)]
    greedy = [
        heard_words(recognize(stream, Span(0, end), DecodingOptions(), model).text) for end in ends
    ]
    again = [
        heard_words(recognize(stream, Span(0, end), DecodingOptions(), model).text) for end in ends
    ]

    assert greedy == again
    assert all(heard[:-2] == list(range(len(heard) - 2)) for heard in greedy)
    assert any(heard[-1] == -1 for heard in greedy)
    exact = recognize(stream, Span(0, ends[-1]), EXACT, model).text
    assert_heard([exact], list(range(29)))


def test_poison_raises() -> None:
    stream = stream_of(speak([1, POISON_WORD]))

    with pytest.raises(ValueError, match="poison"):
        recognize(stream, Span(0, stream.received))


def test_prompts_of_unequal_length_must_not_meet() -> None:
    front_end = FakeFrontEnd()
    stream = stream_of(speak([1]))
    span = Span(0, WORD_SAMPLES)
    request = RecognitionRequest(1, WindowKind.FINAL, 0, WORD_SAMPLES, EXACT)
    longer = replace(request, prompt=" w1 w2 w3 w4 w5", hotwords=("w17",))
    prompts = [front_end.prompt_tokens(request), front_end.prompt_tokens(longer)]
    assert prompts == [(), (3, 2, 2, 2)]
    tasks = [WindowTask(stream.window(0, WORD_SAMPLES), span, p, EXACT) for p in prompts]
    keys = {front_end.batch_key(request, span, len(prompt)) for prompt in prompts}

    assert len(keys) == 2
    with pytest.raises(ValueError, match="unequal"):
        MODEL.recognize_batch(tasks)


def test_a_loader_travels_and_may_refuse() -> None:
    loader = pickle.loads(pickle.dumps(fake_loader(FakeBehaviour(load_error="no such device"))))  # noqa: S301

    with pytest.raises(EngineUnavailable, match="no such device"):
        loader()
    assert fake_loader()().info.name == "fake"
