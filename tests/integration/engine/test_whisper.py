"""The real model on real audio: batched text equals solo text, bad windows fail alone."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ctranslate2
import jiwer
import numpy as np
import pytest
from sori_server.domain.audio import Span
from sori_server.domain.config import Task
from sori_server.domain.errors import EngineUnavailable, RecognitionFailed
from sori_server.domain.recognition import DecodingOptions, Hypothesis
from sori_server.engine.capabilities import CONTEXT_TOKENS
from sori_server.engine.hallucination import without_loop
from sori_server.engine.model import ModelLoader, SpeechModel, WindowTask
from sori_server.engine.models import ResolvedModel, resolve
from sori_server.engine.placement import place
from sori_server.engine.port import FloatArray
from sori_server.engine.stream_audio import WhisperStreamAudio
from sori_server.engine.vocabulary import Vocabulary
from sori_server.engine.whisper import EncodedWindow, WhisperSpeechModel, _Window
from sori_server.engine.whisper_calls import Decoded, Encoding
from support.recordings import NAMES, Utterance, read_recording

pytestmark = pytest.mark.integration

MINI = resolve("mini")
CPU = place("cpu", cpu_threads=2)
SENTENCE = Vocabulary.of(MINI.path).context(" The meeting is on Thursday the five of January.")
WORDS = DecodingOptions(word_times=True)
PLAIN = DecodingOptions()


@pytest.fixture(scope="module")
def model() -> WhisperSpeechModel:
    return WhisperSpeechModel(MINI, CPU)


@functools.cache
def stream(name: str) -> WhisperStreamAudio:
    audio = WhisperStreamAudio(80)
    audio.accept(read_recording(name).samples)
    return audio


def task(name: str, utterance: Utterance, options: DecodingOptions = PLAIN) -> WindowTask:
    start = max(round((utterance.start - 0.2) * 100), 0) * 160
    end = min(round((utterance.end + 0.2) * 16_000), stream(name).received)
    return WindowTask(stream(name).window(start, end), Span(start, end), (), options)


def every_task(options: DecodingOptions = PLAIN) -> list[WindowTask]:
    return [task(name, u, options) for name in NAMES for u in read_recording(name).utterances]


def digits(options: DecodingOptions = PLAIN) -> list[WindowTask]:
    return [task("digits_human", u, options) for u in read_recording("digits_human").utterances]


def texts(outcomes: Sequence[Hypothesis | RecognitionFailed]) -> list[str]:
    return [o.text if isinstance(o, Hypothesis) else type(o).__name__ for o in outcomes]


def placed(outcomes: Sequence[Hypothesis | RecognitionFailed]) -> list[tuple[str, int, int]]:
    hypotheses = [o for o in outcomes if isinstance(o, Hypothesis)]
    return [(w.text, w.start, w.end) for h in hypotheses for w in h.words]


def told(outcomes: Sequence[Hypothesis | RecognitionFailed]) -> list[object]:
    """All that is decided of windows; the last bits of probabilities are not."""
    return [
        (o.text, placed([o]), o.language, o.no_speech, o.doubtful)
        if isinstance(o, Hypothesis)
        else type(o)
        for o in outcomes
    ]


def length(one: WindowTask) -> int:
    assert isinstance(one.features, np.ndarray)
    return one.features.shape[1]


def solo(model: SpeechModel, tasks: Sequence[WindowTask]) -> list[Hypothesis | RecognitionFailed]:
    return [model.recognize_batch([one])[0] for one in tasks]


def spelled(text: str) -> str:
    return "".join(c for c in text.lower() if c.isalnum() or c == " ").strip()


# int8 rounds differently with the instructions of the processor: of these 15 digits one is wrong
# with AVX-512, two with AVX2.
@pytest.mark.parametrize(
    ("name", "most"), [("digits_human", 13.4), ("en_dialog", 25.0), ("ko_dialog", 0.0)]
)
@pytest.mark.parametrize("beam_size", [1, 5])
def test_reads_the_bundled_recordings(
    model: SpeechModel, name: str, most: float, beam_size: int
) -> None:
    utterances = read_recording(name).utterances
    options = DecodingOptions(beam_size=beam_size)
    heard = texts(model.recognize_batch([task(name, u, options) for u in utterances]))
    rate = 100 * jiwer.wer([spelled(u.text) for u in utterances], [spelled(t) for t in heard])
    assert rate <= most


def test_translates_korean(model: SpeechModel) -> None:
    utterances = [u for u in read_recording("ko_dialog").utterances if u.translation]
    options = DecodingOptions(languages=("ko",), task=Task.TRANSLATE)
    heard = texts(model.recognize_batch([task("ko_dialog", u, options) for u in utterances]))
    wanted = [spelled(u.translation) for u in utterances]
    assert jiwer.wer(wanted, [spelled(text) for text in heard]) < 0.2


def test_languages_are_detected_among_the_candidates(model: SpeechModel) -> None:
    tasks = every_task()
    languages = [u.language for name in NAMES for u in read_recording(name).utterances]
    outcomes = model.recognize_batch(tasks)
    assert [o.language for o in outcomes if isinstance(o, Hypothesis)] == languages
    assert all(isinstance(o, Hypothesis) and o.language_confidence > 0.9 for o in outcomes)


def test_only_what_may_be_detected_is(model: SpeechModel) -> None:
    korean = read_recording("ko_dialog").utterances[0]
    asked: list[tuple[str, ...]] = [(), ("en",), ("ko",), ("en", "ko"), ("fr", "ko")]
    tasks = [task("ko_dialog", korean, DecodingOptions(languages=some)) for some in asked]
    outcomes = [o for o in model.recognize_batch(tasks) if isinstance(o, Hypothesis)]
    assert [o.language for o in outcomes] == ["ko", "en", "ko", "ko", "ko"]
    assert [o.language_confidence for o in outcomes][1] == 1.0
    assert [o.language_confidence for o in outcomes][4] == 1.0


@pytest.mark.parametrize(("beam_size", "word_times"), [(1, True), (5, False)])
def test_batched_text_equals_solo_text(
    model: SpeechModel, beam_size: int, word_times: bool
) -> None:
    both = [DecodingOptions(beam_size=beam_size, word_times=word_times)]
    both += [dataclasses.replace(both[0], languages=("ko",), task=Task.TRANSLATE)]
    tasks = list(itertools.chain.from_iterable(zip(*map(every_task, both), strict=True)))
    alone = solo(model, tasks)
    for size in (8, len(tasks)):
        together = [
            outcome
            for first in range(0, len(tasks), size)
            for outcome in model.recognize_batch(tasks[first : first + size])
        ]
        assert texts(together) == texts(alone)
    assert placed(together) == placed(alone)


def test_windows_with_and_without_context_keep_their_text(model: SpeechModel) -> None:
    context = SENTENCE * 2
    prompts = [(), context[-16:], context[-9:]]
    tasks = [dataclasses.replace(one, prompt=prompt) for one in digits() for prompt in prompts]
    assert texts(model.recognize_batch(tasks)) == texts(solo(model, tasks))


def mixed_batch() -> list[WindowTask]:
    """Windows of one length that differ in all that may differ."""
    english, korean = read_recording("en_dialog"), read_recording("ko_dialog")
    hotwords = Vocabulary.of(MINI.path).hotwords(("Alice", "커피", "Thursday", "seven"), 16)
    prompts = [prompt[:10] for prompt in (SENTENCE, hotwords, SENTENCE[2:])]
    assert {len(prompt) for prompt in prompts} == {10}
    spoken = [("en_dialog", u) for u in english.utterances]
    spoken += [("ko_dialog", u) for u in korean.utterances]
    spoken += [("digits_human", u) for u in read_recording("digits_human").utterances]
    asked = itertools.cycle(
        DecodingOptions(languages, task, 1, True, threshold)
        for languages, task, threshold in itertools.product(
            [(), ("en",), ("ko", "en"), ("ko",)], Task, [0.0, 0.6]
        )
    )
    tasks = [
        dataclasses.replace(task(name, utterance, options), prompt=prompt)
        for (name, utterance), options in zip(spoken * 2, asked, strict=False)
        for prompt in prompts[:2]
    ]
    return [one for one in tasks if 272 < length(one) <= 372]


def test_a_batch_that_mixes_everything_equals_its_windows_alone(
    recorded: tuple[WhisperSpeechModel, Recorder],
) -> None:
    model, recorder = recorded
    tasks = mixed_batch()
    together = model.recognize_batch(tasks)
    assert [args[0].shape[0] for args, _ in recorder.of("generate")] == [len(tasks)]
    assert len(recorder.of("align")) >= 4
    assert len(tasks) >= 16
    assert told(together) == told(solo(model, tasks))
    assert told(model.recognize_batch(tasks[::-1]))[::-1] == told(together)
    assert {o.language for o in together if isinstance(o, Hypothesis)} == {"en", "ko"}


def test_windows_encoded_apart_are_decoded_together(
    recorded: tuple[WhisperSpeechModel, Recorder],
) -> None:
    model, recorder = recorded
    tasks = mixed_batch()
    alone = told(solo(model, tasks))
    apart = [one for first in range(0, len(tasks), 3) for one in model.encode(tasks[first:][:3])]
    encoded = [one for one in apart if isinstance(one, EncodedWindow)]
    before = len(recorder.of("encode"))
    odd, even = encoded[1::2], encoded[::2]

    assert told(model.decode(odd)) == alone[1::2]
    assert told(model.decode(even)) == alone[::2]
    assert len(recorder.of("encode")) == before


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_bfloat16_is_read_like_any_other_type(
    recorded: tuple[WhisperSpeechModel, Recorder],
    monkeypatch: pytest.MonkeyPatch,
    temperature: float,
) -> None:
    """What a GPU encodes in bfloat16 is gathered, sampled and aligned, too."""
    model, recorder = recorded
    encode = model._calls.encode

    def encoded(features: Sequence[FloatArray], frames: int) -> Encoding:
        return encode(features, frames).to(ctranslate2.DataType.bfloat16)

    monkeypatch.setattr(model._calls, "encode", encoded)
    options = DecodingOptions(temperature=temperature, word_times=True)
    alike = [one for one in digits(options) if length(one) <= 272]
    alone = solo(model, alike)
    apart = [one for each in alike for one in model.encode([each])]
    before = len(recorder.of("align"))
    together = model.decode([one for one in apart if isinstance(one, EncodedWindow)])

    assert told(together) == told(alone)
    assert all(isinstance(one, Hypothesis) and one.words for one in together)
    assert len(recorder.of("align")) == before + 1, "in one call"


def test_samples_are_the_same_in_any_company(model: WhisperSpeechModel) -> None:
    tasks = every_task(DecodingOptions(temperature=1.0, word_times=True))
    together = model.recognize_batch(tasks)
    assert told(together) == told(solo(model, tasks))
    assert all(o.confidence > 0.2 for o in together if isinstance(o, Hypothesis))
    assert texts(together) != texts(model.recognize_batch(every_task()))
    words = [spelled(u.text) for name in NAMES for u in read_recording(name).utterances]
    assert jiwer.wer(words, [spelled(text) for text in texts(together)]) < 0.25


def test_a_long_window_with_a_full_prompt_gets_all_its_tokens(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    patient = dataclasses.replace(MINI.capabilities, context_tokens=CONTEXT_TOKENS)
    model = WhisperSpeechModel(dataclasses.replace(MINI, capabilities=patient), CPU)
    monkeypatch.setattr(model._calls, "_suppressed", [model._calls.vocabulary.text_end])
    counted: list[int] = []
    monkeypatch.setattr(
        model._calls,
        "_decoded",
        lambda result: counted.append(len(result.sequences_ids[0])) or Decoded((), 0.0, 0.0),
    )
    audio = WhisperStreamAudio(80)
    audio.accept(np.tile(read_recording("en_dialog").samples, 3))
    for seconds in (10, 29):
        span = Span(0, seconds * 16_000)
        for count in (0, 15, 208):
            prompt = (SENTENCE * 20)[:count]
            model.recognize_batch([WindowTask(audio.window(0, span.end), span, prompt, PLAIN)])
    assert counted == [196] * 3 + [224] * 3


def test_a_loop_is_said_once_and_doubted() -> None:
    patient = dataclasses.replace(MINI.capabilities, context_tokens=CONTEXT_TOKENS)
    model = WhisperSpeechModel(dataclasses.replace(MINI, capabilities=patient), CPU)
    tasks = [dataclasses.replace(one, prompt=(SENTENCE * 20)[:208]) for one in every_task(WORDS)]
    outcomes = [o for o in model.recognize_batch(tasks) if isinstance(o, Hypothesis)]
    doubtful = [outcome for outcome in outcomes if outcome.doubtful]
    assert len(doubtful) > 5
    for outcome in doubtful:
        assert without_loop(outcome.text) == outcome.text
        assert "".join(word.text for word in outcome.words) == outcome.text


def test_words_lie_where_they_were_spoken(model: SpeechModel) -> None:
    tasks = every_task(WORDS)
    utterances = [u for name in NAMES for u in read_recording(name).utterances]
    errors: list[float] = []
    for one, outcome, utterance in zip(
        tasks, model.recognize_batch(tasks), utterances, strict=True
    ):
        assert isinstance(outcome, Hypothesis)
        assert outcome.words
        assert "".join(word.text for word in outcome.words) == outcome.text
        positions = [p for word in outcome.words for p in (word.start, word.end)]
        assert positions == sorted(positions)
        assert one.span.start <= positions[0]
        assert positions[-1] <= one.span.end
        if len(utterance.words) == len(outcome.words):
            pairs = zip(outcome.words, utterance.words, strict=True)
            errors += [abs(heard.start / 16_000 - true.start) for heard, true in pairs]
    assert len(errors) > 30
    assert float(np.median(errors)) < 0.25


def test_word_times_do_not_change_the_text(model: SpeechModel) -> None:
    assert texts(model.recognize_batch(every_task(WORDS))) == texts(
        model.recognize_batch(every_task())
    )


def test_noise_and_silence_have_no_text(model: SpeechModel) -> None:
    rng = np.random.default_rng(5)
    for level in (0.0, 0.001, 0.02):
        audio = WhisperStreamAudio(80)
        audio.accept(rng.normal(0, level, 48_000).astype(np.float32))
        window = WindowTask(audio.window(0, 48_000), Span(0, 48_000), (), WORDS)
        (outcome,) = model.recognize_batch([window])
        assert isinstance(outcome, Hypothesis)
        assert outcome.text == ""
        assert outcome.words == ()


def test_no_speech_thresholds_of_a_batch_are_each_window_s_own(model: WhisperSpeechModel) -> None:
    def judged(*thresholds: float) -> list[bool]:
        windows = [
            _Window(
                dataclasses.replace(one, options=DecodingOptions(no_speech_threshold=t)), one, ()
            )
            for t, one in zip(thresholds, digits(), strict=False)
        ]
        decoded = Decoded((300, 301, 302), -1.5, 0.7)
        return [model._judged(window, decoded).no_speech for window in windows]

    assert judged(0.6, 0.8, 0.0, 1.0) == [True, False, True, False]


BAD: dict[str, dict[str, Any]] = {
    "NaN": {"features": np.full((80, 300), np.nan, np.float32)},
    "infinite": {"features": np.full((80, 300), np.inf, np.float32)},
    "wrong mel bands": {"features": np.zeros((128, 300), np.float32)},
    "too long": {"features": np.zeros((80, 3001), np.float32)},
    "empty": {"features": np.zeros((80, 0), np.float32)},
    "not an array": {"features": "features"},
    "token out of range": {"prompt": (99_999,) * 16},
    "special token": {"prompt": (1025,) * 16},
    "long prompt": {"prompt": (5,) * 17},
    "unknown language": {"options": DecodingOptions(languages=("fr",))},
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_window_fails_alone(model: SpeechModel, kind: str) -> None:
    good = digits()
    bad = dataclasses.replace(good[1], **BAD[kind])
    outcomes = model.recognize_batch([good[0], bad, *good[2:]])
    assert isinstance(outcomes[1], RecognitionFailed)
    assert [texts(outcomes)[0], *texts(outcomes)[2:]] == [
        *texts(solo(model, [good[0]])),
        *texts(solo(model, good[2:])),
    ]


def test_no_windows_are_no_call(model: SpeechModel) -> None:
    assert model.recognize_batch([]) == []


def test_read_only_features_are_read(model: SpeechModel) -> None:
    one = digits()[0]
    assert isinstance(one.features, np.ndarray)
    frozen = np.frombuffer(one.features.tobytes(), np.float32).reshape(80, -1)
    assert not frozen.flags.writeable
    assert texts(model.recognize_batch([dataclasses.replace(one, features=frozen)])) == texts(
        model.recognize_batch([one])
    )


Ct2 = Any
"""Whatever CTranslate2, which has no types, takes and returns."""


class Recorder:
    """Stands before the CTranslate2 model and keeps what it is asked."""

    def __init__(self, inner: Ct2) -> None:
        self.inner = inner
        self.calls: list[tuple[str, tuple[Ct2, ...], dict[str, Ct2]]] = []
        self.poison: str | None = None

    def __getattr__(self, name: str) -> Ct2:
        method = getattr(self.inner, name)

        def call(*args: Ct2, **options: Ct2) -> Ct2:
            self.calls.append((name, args, options))
            if name == self.poison and args[0].shape[0] > 1:
                raise RuntimeError("one item of the batch is bad")
            return method(*args, **options)

        return call if callable(method) else method

    def of(self, name: str) -> list[tuple[tuple[Ct2, ...], dict[str, Ct2]]]:
        return [(args, options) for called, args, options in self.calls if called == name]


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> tuple[WhisperSpeechModel, Recorder]:
    model = WhisperSpeechModel(MINI, CPU)
    recorder = Recorder(model._calls._model)
    monkeypatch.setattr(model._calls, "_model", recorder)
    monkeypatch.setattr(model._calls._whisper, "model", recorder)
    return model, recorder


def test_one_encoding_serves_detection_decoding_and_word_times(
    recorded: tuple[WhisperSpeechModel, Recorder],
) -> None:
    model, recorder = recorded
    alike = [one for one in digits(WORDS) if length(one) <= 272]
    assert len(alike) == 2
    model.recognize_batch(alike)
    assert [name for name, _, _ in recorder.calls if name != "is_multilingual"] == [
        "encode",
        "detect_language",
        "generate",
        "align",
    ]


def test_calls_keep_to_the_rules_of_the_library(
    recorded: tuple[WhisperSpeechModel, Recorder],
) -> None:
    model, recorder = recorded
    korean = [task("ko_dialog", u, WORDS) for u in read_recording("ko_dialog").utterances]
    short = [dataclasses.replace(one, features=one.features[:, :150]) for one in korean]  # type: ignore[index]
    model.recognize_batch([*digits(WORDS), *korean, *short, *every_task()])
    assert not any(options.get("asynchronous") for _, _, options in recorder.calls)
    for args, options in recorder.of("generate"):
        encoding, prompts = args
        assert prompts
        assert len(prompts) == encoding.shape[0]
        assert len({len(prompt) for prompt in prompts}) == 1
        assert len(prompts[0]) < options["max_length"] <= 448
    for args, _ in recorder.of("align"):
        encoding, _, tokens, frames = args
        assert len(tokens) == len(frames) == encoding.shape[0]
        assert all(tokens)
        assert all(0 < count <= 2 * encoding.shape[1] for count in frames)
    for args, _ in recorder.of("encode"):
        _, mels, frames = args[0].shape
        assert (frames + 1) // 2 != mels


@pytest.mark.parametrize("method", ["encode", "generate", "align", "detect_language"])
def test_a_call_that_fails_is_repeated_one_by_one(
    recorded: tuple[WhisperSpeechModel, Recorder], method: str
) -> None:
    model, recorder = recorded
    expected = texts(model.recognize_batch(digits(WORDS)))
    recorder.poison = method
    assert texts(model.recognize_batch(digits(WORDS))) == expected


def test_a_loop_is_cut_at_the_token_cap(
    recorded: tuple[WhisperSpeechModel, Recorder], monkeypatch: pytest.MonkeyPatch
) -> None:
    model, recorder = recorded
    monkeypatch.setattr(model._calls, "_suppressed", [model._calls.vocabulary.text_end])
    (outcome,) = model.recognize_batch([digits()[1]])
    assert isinstance(outcome, Hypothesis)
    ((_, options),) = recorder.of("generate")
    assert options["max_length"] == 2 * 76
    assert len(outcome.text) < 1000
    assert not outcome.text.endswith("\ufffd")


def test_stock_models_are_given_thirty_seconds() -> None:
    stock = dataclasses.replace(MINI.capabilities, short_windows=False)
    model = WhisperSpeechModel(dataclasses.replace(MINI, capabilities=stock), CPU)
    recorder = Recorder(model._calls._model)
    model._calls._model = recorder
    assert texts(model.recognize_batch(digits()[:2])) == [
        " Four seven zero three.",
        " Five nine one.",
    ]
    assert {args[0].shape[2] for args, _ in recorder.of("encode")} == {3000}


def test_timestamp_mode_reads_too() -> None:
    timed = dataclasses.replace(MINI.capabilities, timestamps=True)
    model = WhisperSpeechModel(dataclasses.replace(MINI, capabilities=timed), CPU)
    (outcome,) = model.recognize_batch(digits(WORDS)[:1])
    assert isinstance(outcome, Hypothesis)
    assert spelled(outcome.text) == "four seven zero three"
    assert len(outcome.words) == 4


def test_the_worker_s_half_is_built_by_a_picklable_loader() -> None:
    loader: ModelLoader = functools.partial(WhisperSpeechModel, MINI, CPU)
    model = pickle.loads(pickle.dumps(loader))()  # noqa: S301
    model.warm_up()
    info = model.info
    assert (info.name, info.device, info.compute_type) == ("mini", "cpu", "int8_float32")
    assert info.languages == ("en", "ko")
    assert info.tasks == (Task.TRANSCRIBE, Task.TRANSLATE)


@pytest.mark.parametrize("broken", ["model.bin", "device"])
def test_what_cannot_be_loaded_says_why(tmp_path: Path, broken: str) -> None:
    (tmp_path / "model.bin").write_bytes(b"not a model")
    path, device = (tmp_path, "cpu") if broken == "model.bin" else (MINI.path, "cuda:7")
    with pytest.raises(EngineUnavailable, match="cannot load model mini"):
        WhisperSpeechModel(ResolvedModel("mini", path, "1", MINI.capabilities), place(device))
