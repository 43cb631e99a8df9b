"""Random streams against a simulated engine whose text is a function of the audio.

Words are placed in voiced audio; the engine reports a word if and only if its centre lies
in the window, so words at a cut show whether anything is decoded twice or never. Interim
answers are late, jittery, mistaken, out of order, failing or missing.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from random import Random
from types import UnionType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sori_server.domain.audio import HOP, SAMPLE_RATE, Span
from sori_server.domain.config import (
    EndpointingConfig,
    EndpointingMode,
    RecognitionConfig,
    StreamConfig,
    Task,
)
from sori_server.domain.events import (
    Finalized,
    NumberedEvent,
    Progress,
    Result,
    SessionSummary,
    SpeechEnded,
    SpeechStarted,
    WindowLost,
)
from sori_server.domain.recognition import Hypothesis, RecognitionRequest, WindowKind, Word
from sori_server.session.core import Session
from sori_server.session.endpointing import EXIT_MARGIN
from sori_server.session.state import State

pytestmark = pytest.mark.unit

FRAME = 512
SHIFT = 200
VOCABULARY = {"en": (" zero", " one", " two"), "zh": ("零", "一", "二")}


@dataclass(frozen=True)
class Behaviour:
    """How the engine and the client of one history behave; shares are 0 to 1."""

    seed: int
    language: str = "en"
    word_frames: int = 6
    slowness: float = 0.3
    jitter: float = 0.3
    interim_failures: float = 0.1
    interim_losses: float = 0.02
    mishearings: float = 0.0
    final_failures: float = 0.0
    finalizes: float = 0.0
    most_chunk: int = 8000


@dataclass(frozen=True)
class Recording:
    """Speech probabilities and the words spoken."""

    probabilities: list[float]
    words: list[Word]
    length: int


def recorded(
    runs: list[tuple[str, int]], config: EndpointingConfig, behaviour: Behaviour
) -> Recording:
    """Audio with runs of voiced, silent and murmured frames; speech too short has no words."""
    chance = Random(behaviour.seed)  # noqa: S311
    probabilities: list[float] = []
    words: list[Word] = []
    low = max(config.speech_threshold - EXIT_MARGIN, config.speech_threshold / 10)
    merged: list[tuple[str, int]] = []
    for kind, frames in runs:
        if merged and merged[-1][0] == kind:
            merged[-1] = (kind, merged[-1][1] + frames)
        else:
            merged.append((kind, frames))
    for kind, frames in merged:
        start = len(probabilities) * FRAME
        if kind == "voiced":
            top, bottom = 1.0, config.speech_threshold
        elif kind == "murmur":
            top, bottom = (low + config.speech_threshold) / 2, low
        else:
            top, bottom = low * 0.99, 0.0
        probabilities.extend(chance.uniform(bottom, top) for _ in range(frames))
        if kind == "voiced" and frames * FRAME / SAMPLE_RATE >= config.min_speech:
            words.extend(spoken(start, frames, behaviour, chance))
    return Recording(probabilities, words, len(probabilities) * FRAME + chance.randrange(FRAME))


def spoken(start: int, frames: int, behaviour: Behaviour, chance: Random) -> Iterator[Word]:
    count = max(frames // behaviour.word_frames, 1)
    borders = [start + i * frames * FRAME // count for i in range(count + 1)]
    for begin, end in pairwise(borders):
        yield Word(chance.choice(VOCABULARY[behaviour.language]), begin, end, 0.9)


def centre(word: Word) -> int:
    """On the grid that window starts are rounded to, so that no word is in two windows."""
    middle = (word.start + word.end) // 2
    return middle - middle % HOP + HOP - 1


def within(span: Span, words: Iterable[Word]) -> list[Word]:
    return [word for word in words if span.start <= centre(word) < span.end]


@dataclass
class Engine:
    """Answers windows from the words of the recording."""

    recording: Recording
    behaviour: Behaviour
    chance: Random
    waiting: dict[int, RecognitionRequest] = field(default_factory=dict)
    bound: dict[int, Span] = field(default_factory=dict)
    made_up: int = 0
    misheard: dict[int, str] = field(default_factory=dict)

    def answer(self, request: RecognitionRequest, received: int) -> Hypothesis:
        span = self.bound.pop(request.request_id, None) or request.bind(received)
        words = within(span, self.recording.words)
        if request.kind is WindowKind.INTERIM:
            words = [self.mistaken(w) for w in words]
        if request.kind is WindowKind.INTERIM and self.chance.random() < self.behaviour.jitter:
            words = self.unstable(words, span.end)
        if request.options.word_times:
            words = [self.shifted(w) for w in words]
        words = [self.punctuated(w) for w in words]
        return Hypothesis(
            span=span,
            text="".join(w.text for w in words),
            language=self.behaviour.language,
            words=tuple(words) if request.options.word_times else (),
        )

    def unstable(self, words: list[Word], end: int) -> list[Word]:
        """The newest words lost, replaced or followed by others; never twice the same."""
        count = self.chance.randrange(3)
        kept, tail = words[: len(words) - count], words[len(words) - count :]
        fate = self.chance.choice(["lost", "replaced", "followed"])
        if fate == "lost":
            return kept
        if fate == "replaced":
            return kept + [replace(w, text=self.never_said()) for w in tail]
        return [*words, Word(self.never_said(), max(end - 800, 0), end, 0.1)]

    def mistaken(self, word: Word) -> Word:
        """Some words are misheard, and from then on in all interims alike: they are committed."""
        if self.chance.random() < self.behaviour.mishearings:
            self.misheard.setdefault(word.start, self.never_said())
        return replace(word, text=self.misheard.get(word.start, word.text))

    def never_said(self) -> str:
        self.made_up += 1
        if self.behaviour.language == "zh":
            return chr(0xAC00 + self.made_up)
        return f" x{self.made_up}"

    def shifted(self, word: Word) -> Word:
        by = self.chance.randrange(-SHIFT, SHIFT)
        return replace(word, start=max(word.start + by, 0), end=max(word.end + by, 0))

    def punctuated(self, word: Word) -> Word:
        return replace(word, text=word.text + self.chance.choice(["", "", "", ",", "."]))


@dataclass
class History:
    """One stream from its first sample to the summary, with what was seen on the way."""

    config: StreamConfig
    recording: Recording
    behaviour: Behaviour
    events: list[NumberedEvent] = field(default_factory=list)
    finals_asked: list[RecognitionRequest] = field(default_factory=list)
    answered: list[int] = field(default_factory=list)
    lost: list[Span] = field(default_factory=list)
    finalized: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chance = Random(self.behaviour.seed + 1)  # noqa: S311
        self.session = Session(self.config, FRAME)
        self.engine = Engine(self.recording, self.behaviour, self.chance)
        self.needed_from = 0

    def run(self) -> None:
        probabilities = iter(self.recording.probabilities)
        judged = 0
        while self.session.received < self.recording.length:
            count = self.chance.randint(1, self.behaviour.most_chunk)
            count = min(count, self.recording.length - self.session.received)
            frames = (self.session.received + count) // FRAME - judged
            judged += frames
            self.session.receive_audio(count, [[next(probabilities) for _ in range(frames)]])
            self.drain()
            if self.chance.random() < self.behaviour.finalizes:
                self.finalized.append(f"f{len(self.finalized)}")
                self.session.finalize(self.finalized[-1])
                self.drain()
            self.work(self.behaviour.slowness)
        self.session.end_of_audio()
        self.drain()
        while self.engine.waiting:
            self.work(0.5)
        self.drain()

    def work(self, slowness: float) -> None:
        """Dispatch and answer some of the waiting windows, in any order."""
        waiting = list(self.engine.waiting.values())
        self.chance.shuffle(waiting)
        for request in waiting:
            if request.kind is WindowKind.INTERIM and self.chance.random() < 0.5:
                self.engine.bound[request.request_id] = request.bind(self.session.received)
            if self.chance.random() < slowness:
                continue
            if self.engine.waiting.pop(request.request_id, None):
                self.settle(request)
                self.drain()

    def settle(self, request: RecognitionRequest) -> None:
        chance, behaviour = self.chance, self.behaviour
        self.answered.append(request.request_id)
        if request.kind is WindowKind.FINAL:
            failed = chance.random() < behaviour.final_failures
            if failed:
                assert request.end is not None
                self.lost.append(Span(request.start, request.end))
        else:
            failed = chance.random() < behaviour.interim_failures
            if chance.random() < behaviour.interim_losses:
                return
        if failed:
            self.session.receive_failure(request.request_id, "simulated")
            return
        hypothesis = self.engine.answer(request, self.session.received)
        self.session.receive_hypothesis(request.request_id, hypothesis, 0.1)

    def drain(self) -> None:
        for request in self.session.requests():
            assert request.start >= self.needed_from, "a window starts in discarded audio"
            assert request.start % HOP == 0
            span = request.bind(self.session.received)
            assert len(span) >= HOP
            assert span.end <= self.session.received
            self.engine.waiting[request.request_id] = request
            if request.kind is WindowKind.FINAL:
                self.finals_asked.append(request)
        for request_id in self.session.withdrawn():
            request = self.engine.waiting.pop(request_id, None)
            if request is None:
                continue
            assert request.kind is WindowKind.INTERIM, "a final was withdrawn"
            if self.chance.random() < 0.3:
                late = self.engine.answer(request, self.session.received)
                self.session.receive_hypothesis(request_id, late, 0.1)
        live = [r for r in self.engine.waiting.values() if r.kind is WindowKind.INTERIM]
        assert len(live) <= 1
        assert self.session.needed_from[0] >= self.needed_from
        self.needed_from = self.session.needed_from[0]
        if self.chance.random() < 0.7 or self.session.state is not State.OPEN:
            while (event := self.session.next_event()) is not None:
                self.events.append(event)

    # ------------------------------------------------------------------ checks

    def check(self) -> None:
        self.check_stream()
        self.check_activity()
        self.check_words()
        self.check_spans()
        self.check_growth()
        self.check_progress()
        self.check_nothing_is_kept()

    def of(self, kind: type | UnionType) -> list:
        return [numbered.event for numbered in self.events if isinstance(numbered.event, kind)]

    @property
    def finals(self) -> list[Result]:
        return [result for result in self.of(Result) if result.is_final]

    def check_stream(self) -> None:
        assert [e.sequence for e in self.events] == list(range(1, len(self.events) + 1))
        assert self.session.state is State.CLOSED
        summary = self.events[-1].event
        assert isinstance(summary, SessionSummary)
        assert len(self.of(SessionSummary)) == 1
        assert summary.received == self.recording.length
        assert summary.final_results == len(self.finals)
        assert [f.request_id for f in self.of(Finalized)] == self.finalized
        assert len(set(self.answered)) == len(self.answered)
        assert {r.request_id for r in self.finals_asked} <= set(self.answered)
        assert len(self.of(WindowLost)) == len(self.lost)

    def check_activity(self) -> None:
        """Speech starts and ends in turn; each final has speech that was told, or its padding."""
        told = self.of(SpeechStarted | SpeechEnded)
        assert [type(event) for event in told] == [SpeechStarted, SpeechEnded] * (len(told) // 2)
        places = [event.position for event in told]
        assert places == sorted(places)
        padding = round(self.config.endpointing.prefix_padding * SAMPLE_RATE)
        if self.config.voice_activity_events:
            for result in self.finals:
                assert any(
                    start - padding < result.span.end and result.span.start <= end
                    for start, end in zip(places[::2], places[1::2], strict=True)
                )

    def check_words(self) -> None:
        """Each final has the words of its span, which no other has; lost ones a part of them.

        Where interims misheard a word, what was committed may stand for others around it.
        """
        lost = [loss.span for loss in self.of(WindowLost)]
        missing = {word.start: word for word in self.recording.words}
        for result in self.finals:
            inside = within(result.span, self.recording.words)
            heard, truth = keys(result.text, result.language), [w.text.strip() for w in inside]
            misheard = any(w.start in self.engine.misheard for w in self.around(result.span))
            assert misheard or heard == (truth[: len(heard)] if result.span in lost else truth)
            for word in inside:
                del missing[word.start]
        for span in lost:
            for word in within(span, missing.values()):
                del missing[word.start]
        assert not missing

    def around(self, span: Span) -> list[Word]:
        """The words of a span and one more at either end: a cut may lie beside a misheard one."""
        word = self.behaviour.word_frames * FRAME * 2
        return within(Span(max(span.start - word, 0), span.end + word), self.recording.words)

    def check_spans(self) -> None:
        spans = [result.span for result in self.finals]
        assert all(len(span) > 0 for span in spans)
        assert all(earlier.end <= later.start for earlier, later in pairwise(spans))
        for result in self.finals:
            if not self.config.recognition.word_times:
                assert result.words == ()
                continue
            assert "".join(w.text for w in result.words).strip() == result.text
            starts = [word.start for word in result.words]
            assert starts == sorted(starts)

    def check_growth(self) -> None:
        shown: dict[int, Result] = {}
        final = -1
        for result in self.of(Result):
            before = shown.get(result.utterance_index)
            if before:
                assert result.committed_text.startswith(before.committed_text)
                assert result.revision > before.revision
                assert not before.is_final
            assert result.utterance_index > final, "text for an utterance that was final"
            shown[result.utterance_index] = result
            if result.is_final:
                final = result.utterance_index
                assert result.tentative_text == ""
                assert result.final_reason is not None
        assert all(result.is_final for result in shown.values())

    def check_progress(self) -> None:
        told = self.of(Progress)
        for earlier, later in pairwise(told):
            assert earlier.received <= later.received
            assert earlier.final <= later.final
        position = 0
        for numbered in self.events:
            event = numbered.event
            if isinstance(event, Progress):
                position = event.final
                assert event.final <= event.received
            elif isinstance(event, Result) and event.is_final:
                assert event.span.start >= position

    def check_nothing_is_kept(self) -> None:
        session = self.session
        (channel,), asked = session._channels, session._requests
        assert not any((asked._owners, asked._asked, asked._withdrawn, channel._unfinished))
        assert channel._speaking is None
        assert session.pending_events == 0


def keys(text: str, language: str) -> list[str]:
    plain = "".join(c for c in text if not unicodedata.category(c).startswith("P"))
    return list(plain) if language == "zh" else plain.split()


RUNS = st.lists(
    st.tuples(
        st.sampled_from(["voiced", "voiced", "silent", "silent", "murmur"]),
        st.one_of(st.integers(1, 12), st.integers(1, 80), st.integers(300, 1000)),
    ),
    min_size=1,
    max_size=8,
)
ENDPOINTING = st.builds(
    EndpointingConfig,
    end_silence=st.sampled_from([0.1, 0.3, 0.5, 2.5, 10.0]),
    min_speech=st.sampled_from([0.0, 0.03, 0.1, 0.5]),
    prefix_padding=st.sampled_from([0.0, 0.1, 0.3, 2.0]),
    speech_threshold=st.sampled_from([0.1, 0.5, 0.9]),
    max_utterance=st.sampled_from([28.0, 28.0, 5.0, 2.0]),
    mode=st.sampled_from([EndpointingMode.VAD, *EndpointingMode]),
    chunk_duration=st.sampled_from([1.0, 2.0, 10.0]),
    overlap_duration=st.sampled_from([0.0, 0.2, 0.5]),
)
CONFIGS = st.builds(
    StreamConfig,
    recognition=st.builds(
        RecognitionConfig,
        word_times=st.booleans(),
        task=st.sampled_from([Task.TRANSCRIBE, Task.TRANSCRIBE, Task.TRANSLATE]),
        condition_on_previous_text=st.booleans(),
    ),
    endpointing=ENDPOINTING,
    interim_results=st.sampled_from([True, True, True, False]),
    interim_interval=st.sampled_from([0.1, 0.5, 0.5, 3.0]),
    voice_activity_events=st.booleans(),
    progress_interval=st.sampled_from([None, 0.1, 1.0]),
)
BEHAVIOURS = st.builds(
    Behaviour,
    seed=st.integers(0, 2**32),
    language=st.sampled_from(["en", "zh"]),
    word_frames=st.sampled_from([4, 7, 12]),
    slowness=st.sampled_from([0.0, 0.3, 0.8]),
    jitter=st.sampled_from([0.0, 0.3, 1.0]),
    interim_failures=st.sampled_from([0.0, 0.2]),
    interim_losses=st.sampled_from([0.0, 0.0, 0.05]),
    final_failures=st.sampled_from([0.0, 0.0, 0.3]),
    mishearings=st.sampled_from([0.0, 0.0, 0.02, 0.2]),
    finalizes=st.sampled_from([0.0, 0.0, 0.0, 0.01, 0.2]),
    most_chunk=st.sampled_from([100, 320, 3200, 8000, 80000]),
)


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(runs=RUNS, config=CONFIGS, behaviour=BEHAVIOURS)
def test_every_word_is_said_once_whatever_happens(
    runs: list[tuple[str, int]], config: StreamConfig, behaviour: Behaviour
) -> None:
    history = History(config, recorded(runs, config.endpointing, behaviour), behaviour)
    history.run()
    history.check()
