"""What a session tells its client, in order."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from sori_server.domain.audio import Span
from sori_server.domain.checkpoint import Checkpoint
from sori_server.domain.recognition import Word


class FinalReason(enum.Enum):
    """Why a result is final."""

    ENDPOINT = "endpoint"
    FINALIZE = "finalize"
    MAX_UTTERANCE = "max_utterance"
    CHUNK = "chunk"
    END_OF_AUDIO = "end_of_audio"
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class Latency:
    """Where the time of one result went, in seconds.

    `total` runs from the moment the window was wanted (for finals: the endpoint decision)
    to the moment its result was ready. `endpointing` is the silence that was waited for
    before that decision, and is not part of `total`.
    """

    total: float
    queue: float
    preprocessing: float
    inference: float
    endpointing: float
    batch_size: int


@dataclass(frozen=True, slots=True)
class SessionStarted:
    """The session exists, or goes on; the first event of a connection.

    Audio goes on at `next_byte_offset`, in bytes of everything the client sends.
    """

    session_id: str
    resumed: bool = False
    next_byte_offset: int = 0


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """Speech begins at `position`."""

    position: int
    channel: int = 0


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    """Speech ended at `position`."""

    position: int
    channel: int = 0


@dataclass(frozen=True, slots=True)
class SingleUtteranceEnded:
    """The one utterance that was wanted ended at `position`: send no more audio."""

    position: int


class SpeechTimeout(enum.Enum):
    """Which silence was too long."""

    START = "start"
    END = "end"


@dataclass(frozen=True, slots=True)
class SpeechTimedOut:
    """Nobody spoke for too long up to `position`: send no more audio."""

    timeout: SpeechTimeout
    position: int


class AudioProblem(enum.Enum):
    """What may be wrong with audio that can still be heard."""

    NOT_FINITE = "not_finite"
    CLIPPED = "clipped"
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True)
class AudioWarning:
    """Audio is not what it should be; the stream goes on. At most one of each per stream."""

    problem: AudioProblem
    position: int
    message: str


@dataclass(frozen=True, slots=True, repr=False)
class Result:
    """Text of one utterance so far.

    `committed_text` only grows from one result of an utterance to the next; a final
    result has all its text there. `tentative_text` may change. Displayed text is the
    two joined without a separator.
    """

    utterance_index: int
    revision: int
    span: Span
    committed_text: str
    tentative_text: str
    is_final: bool
    language: str
    language_confidence: float = 1.0
    confidence: float = 0.0
    words: tuple[Word, ...] = ()
    final_reason: FinalReason | None = None
    latency: Latency | None = None
    channel: int = 0
    """1 and up where channels are apart; 0 for mono or mixed audio."""

    @property
    def text(self) -> str:
        """The displayed text."""
        return self.committed_text + self.tentative_text

    def __repr__(self) -> str:
        kind = "final" if self.is_final else "interim"
        return f"Result({kind} {self.utterance_index}, {self.span}, {len(self.text)} characters)"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the session has come: positions on the audio clock.

    All text before `final` is final; that audio needs no more recognition.
    """

    received: int
    final: int


@dataclass(frozen=True, slots=True)
class Finalized:
    """Answer to a finalize request, after the final results it caused."""

    request_id: str
    position: int


@dataclass(frozen=True, slots=True)
class WindowLost:
    """A window could not be recognized; its audio has no text beyond what was committed."""

    span: Span
    reason: str
    channel: int = 0


@dataclass(frozen=True, slots=True)
class InterimsThinned:
    """From `position` on interim results come at least `interval` seconds apart.

    Infinite when there are none. Told at each change, also back to what was asked for.
    """

    position: int
    interval: float


@dataclass(frozen=True, slots=True)
class FinalLate:
    """The final result of this audio is late; it will come."""

    span: Span
    channel: int = 0


class Pacing(enum.Enum):
    """How fast audio may come."""

    OK = "ok"
    SLOW_DOWN = "slow_down"
    PAUSE = "pause"


@dataclass(frozen=True, slots=True)
class GoingAway:
    """The server leaves in `time_left` seconds; finals are flushed before."""

    time_left: float


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """Totals of a session that ended well; the last event."""

    received: int
    speech: int
    final_results: int
    inference: float


Event = (
    SessionStarted
    | SpeechStarted
    | SpeechEnded
    | SingleUtteranceEnded
    | SpeechTimedOut
    | AudioWarning
    | Result
    | Progress
    | Finalized
    | WindowLost
    | InterimsThinned
    | FinalLate
    | GoingAway
    | SessionSummary
)


@dataclass(frozen=True, slots=True)
class NumberedEvent:
    """An event with its place in the session's sequence 1, 2, 3, ...

    Final results and progress have the checkpoint at which a client goes on that has them.
    """

    sequence: int
    event: Event
    checkpoint: Checkpoint | None = field(default=None, compare=False)

    @property
    def is_interim(self) -> bool:
        """Whether it is worth nothing once there is a newer one."""
        return isinstance(self.event, Result) and not self.event.is_final
