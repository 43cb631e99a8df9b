"""A session with what it asked for and said so far, for its tests: frames of 10 ms.

Speech is a probability; what was spoken is written out or, with `Stream.hear`, read from
`spoken`, words with places of which a window has those whose middle lies in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sori_server.domain.audio import SAMPLE_RATE
from sori_server.domain.config import EndpointingConfig, RecognitionConfig, StreamConfig
from sori_server.domain.events import Event, FinalReason, Result, SpeechEnded, SpeechStarted
from sori_server.domain.recognition import (
    EngineTiming,
    Hypothesis,
    RecognitionRequest,
    WindowKind,
    Word,
)
from sori_server.session.core import Session
from sori_server.session.windowing import HOLD_BACK

FRAME = 160
SECOND = SAMPLE_RATE
NEWEST = "".join(f" new{i}" for i in range(HOLD_BACK))
"""As many words as are held back."""


@dataclass
class Stream:
    """A session with what it asked for and said so far."""

    config: StreamConfig
    channels: int = 1
    spoken: Sequence[Word] = ()
    asked: list[RecognitionRequest] = field(default_factory=list)
    withdrawn: list[int] = field(default_factory=list)
    said: list[Event] = field(default_factory=list)
    settled: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.session = Session(self.config, FRAME, self.channels)

    def audio(self, seconds: float, *speech: float) -> None:
        """Audio of one speech probability for each channel, in chunks of 100 ms."""
        frames = round(seconds * 100)
        for start in range(0, frames, 10):
            count = min(10, frames - start)
            self.session.receive_audio(count * FRAME, [[each] * count for each in speech])
            self.drain()

    def speech(self, seconds: float) -> None:
        """Speech on all channels."""
        self.audio(seconds, *[0.9] * self.channels)

    def silence(self, seconds: float) -> None:
        """Silence on all channels."""
        self.audio(seconds, *[0.0] * self.channels)

    def finalize(self, request_id: str = "now") -> None:
        """Finalize what is spoken."""
        self.session.finalize(request_id)
        self.drain()

    def end(self) -> None:
        """End the audio."""
        self.session.end_of_audio()
        self.drain()

    def answer(  # every one is a field of a hypothesis
        self,
        request: RecognitionRequest,
        text: str,
        words: tuple[Word, ...] = (),
        *,
        timing: EngineTiming = EngineTiming(),  # noqa: B008
        language: str = "en",
        sure: float = 0.8,
        confidence: float = 0.7,
        doubtful: bool = False,
    ) -> None:
        """Answer a window; `sure` is the confidence of the language."""
        span = request.bind(self.session.received)
        heard = Hypothesis(
            span, text, language, sure, words, confidence, doubtful=doubtful, timing=timing
        )
        self.settled.add(request.request_id)
        self.session.receive_hypothesis(request.request_id, heard, 0.2)
        self.drain()

    def hear(self, request: RecognitionRequest) -> None:
        """Answer a window with those of the `spoken` words whose middle lies in it."""
        span = request.bind(self.session.received)
        heard = [w for w in self.spoken if span.start <= (w.start + w.end) // 2 < span.end]
        # A word cut off is placed within the window, as an alignment does.
        placed = tuple(
            replace(w, start=max(w.start, span.start), end=min(w.end, span.end)) for w in heard
        )
        words = placed if request.options.word_times else ()
        self.answer(request, "".join(w.text for w in heard), words, sure=1.0)

    def hear_all(self) -> None:
        """Answer whatever waits, and what is asked for because of that."""
        while waiting := self.waiting:
            self.hear(waiting[0])

    def fail(self, request: RecognitionRequest) -> None:
        """A window cannot be recognized."""
        self.settled.add(request.request_id)
        self.session.receive_failure(request.request_id, "RECOGNITION_FAILED")
        self.drain()

    def drain(self) -> None:
        """Take what the session asks for and says."""
        self.asked += self.session.requests()
        self.withdrawn += self.session.withdrawn()
        while (numbered := self.session.next_event()) is not None:
            self.said.append(numbered.event)
            assert numbered.sequence == len(self.said)

    @property
    def waiting(self) -> list[RecognitionRequest]:
        """Windows without an answer that want one, oldest first."""
        gone = self.settled.union(self.withdrawn)
        return [r for r in self.asked if r.request_id not in gone]

    @property
    def interims_asked(self) -> list[RecognitionRequest]:
        """Interim windows asked for."""
        return [r for r in self.asked if r.kind is WindowKind.INTERIM]

    @property
    def finals_asked(self) -> list[RecognitionRequest]:
        """Final windows asked for."""
        return [r for r in self.asked if r.kind is WindowKind.FINAL]

    @property
    def results(self) -> list[Result]:
        """All results."""
        return [event for event in self.said if isinstance(event, Result)]

    @property
    def final_results(self) -> list[Result]:
        """Final results."""
        return [result for result in self.results if result.is_final]

    @property
    def finals(self) -> list[tuple[str, FinalReason | None]]:
        """Text and reason of final results."""
        return [(r.text, r.final_reason) for r in self.final_results]

    @property
    def shown(self) -> list[tuple[str, str]]:
        """Committed and tentative text of all results."""
        return [(r.committed_text, r.tentative_text) for r in self.results]

    @property
    def activity(self) -> list[SpeechStarted | SpeechEnded]:
        """Where speech started and ended."""
        return [event for event in self.said if isinstance(event, SpeechStarted | SpeechEnded)]

    @property
    def kinds(self) -> list[str]:
        """Names of the events."""
        return [type(event).__name__ for event in self.said]


def words(text: str, *, first: float = 0.0, every: float = 0.5) -> tuple[Word, ...]:
    """A word `every` so many seconds from `first` on, with a fifth of that after it."""
    places = ((word, first + i * every) for i, word in enumerate(text.split()))
    return tuple(
        Word(f" {word}", round(at * SECOND), round((at + 0.8 * every) * SECOND), 0.9)
        for word, at in places
    )


def counted(first: int, count: int) -> str:
    """Words that tell their place."""
    return "".join(f" n{i}" for i in range(first, first + count))


def stream(
    recognition: RecognitionConfig | None = None,
    *,
    channels: int = 1,
    interims: bool = False,
    single_utterance: bool = False,
    early: bool = True,
    **endpointing: Any,  # noqa: ANN401  # the fields of `EndpointingConfig`
) -> Stream:
    """A stream whose speech events are told, too."""
    config = StreamConfig(
        recognition=recognition or RecognitionConfig(),
        endpointing=EndpointingConfig(**endpointing),
        interim_results=interims,
        single_utterance=single_utterance,
        voice_activity_events=True,
        early_finals=early,
    )
    return Stream(config, channels)
