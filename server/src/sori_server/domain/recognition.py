"""What passes between session and engine: one window of audio out, one hypothesis back."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from sori_server.domain.audio import Span
from sori_server.domain.config import Priority, Task


class WindowKind(enum.Enum):
    """Finals are first-class work: never dropped, never behind interims."""

    INTERIM = "interim"
    FINAL = "final"


@dataclass(frozen=True, slots=True)
class DecodingOptions:
    """How a window is decoded; every field is safe to mix between streams."""

    languages: tuple[str, ...] = ()
    task: Task = Task.TRANSCRIBE
    beam_size: int = 1
    word_times: bool = False
    no_speech_threshold: float = 0.6
    temperature: float = 0.0
    """Above zero for the one retry of a doubtful window; set by the engine."""


@dataclass(frozen=True, slots=True)
class RecognitionRequest:
    """One window of a stream that wants text.

    `end` is None for interims: the engine binds it when it dispatches the window, to the
    newest received sample on the grid `start + k * step`. The grid makes what an interim
    sees a function of the audio, not of the load.

    `prompt` is text before the window, `hotwords` are words it may hold: both bias the model.
    """

    request_id: int
    kind: WindowKind
    start: int
    end: int | None
    options: DecodingOptions
    prompt: str = ""
    hotwords: tuple[str, ...] = ()
    step: int = 0
    ahead: int = 0
    """Samples to come before the text of a final is wanted: it is asked for while the silence
    that would end the utterance is still being waited for."""
    channel: int = 0
    """Place of its channel in the stream's audio."""
    priority: Priority = Priority.LIVE

    def bind(self, received: int) -> Span:
        """The samples to recognize, given the position up to which audio was received."""
        if self.end is not None:
            return Span(self.start, self.end)
        steps = max(received - self.start, 0) // self.step
        return Span(self.start, self.start + steps * self.step)


@dataclass(frozen=True, slots=True, repr=False)
class Word:
    """One word with its place on the audio clock; `confidence` is 0 to 1."""

    text: str
    start: int
    end: int
    confidence: float

    def __repr__(self) -> str:
        return f"Word({len(self.text)} characters, {self.start}..{self.end})"


@dataclass(frozen=True, slots=True)
class EngineTiming:
    """Where the time of one window went, in seconds, and how many windows shared its batch."""

    queue: float = 0.0
    preprocessing: float = 0.0
    inference: float = 0.0
    batch_size: int = 1


@dataclass(frozen=True, slots=True, repr=False)
class Hypothesis:
    """Text of one window. `words` is empty unless word times were asked for.

    `words` join (without separators) to `text`: each keeps its leading space, as
    languages differ in whether they have one.
    """

    span: Span
    text: str
    language: str
    language_confidence: float = 1.0
    words: tuple[Word, ...] = ()
    confidence: float = 0.0
    no_speech: bool = False
    doubtful: bool = False
    """Whether a guard against invented text objected to it."""
    tokens: int = 0
    """Text tokens decoded, where the engine tells."""
    timing: EngineTiming = EngineTiming()

    def __repr__(self) -> str:
        return f"Hypothesis({self.span}, {len(self.text)} characters, {self.language})"
