"""A simulated engine whose text is a function of the audio, for random histories.

Words are placed in voiced audio; the engine reports a word if and only if its centre lies
in the window, so words at a cut show whether anything is decoded twice or never. Interim
answers are late, jittery, mistaken, doubtful, in a wrong language, out of order, failing
or missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from random import Random

from sori_server.domain.audio import HOP, SAMPLE_RATE, Span
from sori_server.domain.config import EndpointingConfig
from sori_server.domain.recognition import Hypothesis, RecognitionRequest, WindowKind, Word
from sori_server.session.endpointing import EXIT_MARGIN
from sori_server.session.language import CONFIDENT

FRAME = 512
SHIFT = 200
VOCABULARY = {"en": (" zero", " one", " two"), "zh": ("零", "一", "二")}
OTHER = {"en": "zh", "zh": "en"}
Runs = Sequence[tuple[str, int]]
"""Voiced, silent and murmured frames."""


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
    early_failures: float = 0.0
    early_delays: float = 0.0
    """Share of early finals without an answer before their utterance has ended."""
    finalizes: float = 0.0
    most_chunk: int = 8000
    doubts: float = 0.0
    """Share of interims in a doubtful text or a language that is not spoken."""
    unsure: float = 0.0
    """Share of windows whose language is right, but not for sure."""


@dataclass(frozen=True)
class Recording:
    """Speech probabilities and the words spoken."""

    probabilities: list[float]
    words: list[Word]
    length: int

    def padded(self, length: int) -> Recording:
        """The same with silence after it."""
        silent = length // FRAME - len(self.probabilities)
        return Recording([*self.probabilities, *[0.0] * silent], self.words, length)


def recorded(runs: Runs, config: EndpointingConfig, behaviour: Behaviour) -> Recording:
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
            words.extend(_spoken(start, frames, behaviour, chance))
    return Recording(probabilities, words, len(probabilities) * FRAME + chance.randrange(FRAME))


def _spoken(start: int, frames: int, behaviour: Behaviour, chance: Random) -> Iterator[Word]:
    count = max(frames // behaviour.word_frames, 1)
    borders = [start + i * frames * FRAME // count for i in range(count + 1)]
    for begin, end in pairwise(borders):
        yield Word(chance.choice(VOCABULARY[behaviour.language]), begin, end, 0.9)


def centre(word: Word) -> int:
    """On the grid that window starts are rounded to, so that no word is in two windows."""
    middle = (word.start + word.end) // 2
    return middle - middle % HOP + HOP - 1


def within(span: Span, words: Iterable[Word]) -> list[Word]:
    """The words whose centre lies in the span."""
    return [word for word in words if span.start <= centre(word) < span.end]


@dataclass
class Engine:
    """Answers windows from the words of the recordings, one for each channel."""

    recordings: Sequence[Recording]
    behaviour: Behaviour
    chance: Random
    waiting: dict[int, RecognitionRequest] = field(default_factory=dict)
    bound: dict[int, Span] = field(default_factory=dict)
    made_up: int = 0
    misheard: dict[tuple[int, int], str] = field(default_factory=dict)

    def answer(self, request: RecognitionRequest, received: int) -> Hypothesis:
        """What is heard in the window; finals are right."""
        span = self.bound.pop(request.request_id, None) or request.bind(received)
        words = within(span, self.recordings[request.channel].words)
        language, sure, doubtful = self._language(request)
        if request.kind is WindowKind.INTERIM:
            words = [self._mistaken(w, request.channel) for w in words]
            if self.chance.random() < self.behaviour.jitter:
                words = self._unstable(words, span.end)
            if doubtful or language != self.behaviour.language:
                words = [replace(w, text=self._never_said()) for w in words]
        if request.options.word_times:
            words = [self._shifted(w) for w in words]
        words = [self._punctuated(w) for w in words]
        return Hypothesis(
            span=span,
            text="".join(w.text for w in words),
            language=language,
            language_confidence=sure,
            words=tuple(words) if request.options.word_times else (),
            doubtful=doubtful,
        )

    def _language(self, request: RecognitionRequest) -> tuple[str, float, bool]:
        """The language heard, how sure that is, and whether the text is doubted."""
        spoken, chance = self.behaviour.language, self.chance
        wrong = request.kind is WindowKind.INTERIM and chance.random() < self.behaviour.doubts
        if len(request.options.languages) == 1:
            assert request.options.languages == (spoken,), "a language that was never sure is held"
            return spoken, 1.0, wrong
        if wrong:
            doubtful = chance.random() < 0.5
            sure = chance.uniform(0.0, 1.0 if doubtful else CONFIDENT - 0.01)
            return OTHER[spoken], sure, doubtful
        unsure = chance.random() < self.behaviour.unsure
        return spoken, chance.uniform(0.2, CONFIDENT - 0.01) if unsure else 1.0, False

    def _unstable(self, words: list[Word], end: int) -> list[Word]:
        """The newest words lost, replaced or followed by others; never twice the same."""
        count = self.chance.randrange(3)
        kept, tail = words[: len(words) - count], words[len(words) - count :]
        fate = self.chance.choice(["lost", "replaced", "followed"])
        if fate == "lost":
            return kept
        if fate == "replaced":
            return kept + [replace(w, text=self._never_said()) for w in tail]
        return [*words, Word(self._never_said(), max(end - 800, 0), end, 0.1)]

    def _mistaken(self, word: Word, channel: int) -> Word:
        """Some words are misheard, and from then on in all interims alike: they are committed."""
        if self.chance.random() < self.behaviour.mishearings:
            self.misheard.setdefault((channel, word.start), self._never_said())
        return replace(word, text=self.misheard.get((channel, word.start), word.text))

    def _never_said(self) -> str:
        self.made_up += 1
        if self.behaviour.language == "zh":
            return chr(0xAC00 + self.made_up)
        return f" x{self.made_up}"

    def _shifted(self, word: Word) -> Word:
        by = self.chance.randrange(-SHIFT, SHIFT)
        return replace(word, start=max(word.start + by, 0), end=max(word.end + by, 0))

    def _punctuated(self, word: Word) -> Word:
        return replace(word, text=word.text + self.chance.choice(["", "", "", ",", "."]))
