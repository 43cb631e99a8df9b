"""Where utterances start and end: policy over speech probabilities.

Rules of this file: it sees numbers, never audio; everything that decides about a
boundary by silence lives here. The hysteresis (an exit threshold 0.15 below the entry
threshold) is that of Silero VAD's reference segmentation.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass
from typing import Final

from sori_server.domain.audio import SAMPLE_RATE
from sori_server.domain.config import EndpointingConfig, EndpointingMode

EXIT_MARGIN: Final = 0.15
"""An utterance goes on while probabilities stay above the threshold less this."""
MIN_PAUSE: Final = 0.1
"""Shortest pause, in seconds, at which a long utterance ends: words have shorter ones inside."""
PATIENCE: Final = (0.25, 0.5)
"""Shares of the longest utterance between which the wanted silence shrinks to `MIN_PAUSE`."""


class Phase(enum.Enum):
    """What the endpointer believes about the newest frame."""

    SILENCE = "silence"
    ONSET = "onset"
    SPEECH = "speech"
    HANGOVER = "hangover"


class Signal(enum.Enum):
    """What a frame, or enough frames in a row, say."""

    VOICED = "voiced"
    UNVOICED = "unvoiced"
    ENOUGH_SPEECH = "enough speech"
    ENOUGH_SILENCE = "enough silence"
    ENDED = "ended from outside"


TRANSITIONS: Final[dict[Phase, dict[Signal, Phase]]] = {
    Phase.SILENCE: {Signal.VOICED: Phase.ONSET},
    Phase.ONSET: {Signal.UNVOICED: Phase.SILENCE, Signal.ENOUGH_SPEECH: Phase.SPEECH},
    Phase.SPEECH: {Signal.UNVOICED: Phase.HANGOVER, Signal.ENDED: Phase.ONSET},
    Phase.HANGOVER: {
        Signal.VOICED: Phase.SPEECH,
        Signal.ENOUGH_SILENCE: Phase.SILENCE,
        Signal.ENDED: Phase.SILENCE,
    },
}
"""What may happen; a signal without an entry leaves the phase as it is.

Speech ended from outside goes back to its onset, which it still has: if the next frame is
voiced, speech goes on, however short the rest of it is.
"""


@dataclass(frozen=True, slots=True)
class SpeechOnset:
    """Speech began at `position`."""

    position: int


@dataclass(frozen=True, slots=True)
class SpeechOffset:
    """Speech ended at `position`, as was decided at `decided_at`.

    `overlong` tells that the utterance was as long as utterances may be before the silence
    was long enough.
    """

    position: int
    decided_at: int
    overlong: bool


@dataclass(frozen=True, slots=True)
class SpeechOverlong:
    """The utterance is as long as utterances may be, and speech has not paused."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Silence since `start`, which ends the utterance at `decided_at` if it goes on until then."""

    start: int
    decided_at: int


Boundary = SpeechOnset | SpeechOffset | SpeechOverlong


def exit_threshold(config: EndpointingConfig) -> float:
    """Speech probability below which speech that went on ends."""
    return max(config.speech_threshold - EXIT_MARGIN, config.speech_threshold / 10)


class Endpointer:
    """Turns speech probabilities of consecutive frames into utterance boundaries.

    Mode `CLIENT` goes on through silence until the utterance is as long as one may be; mode
    `FIXED` cuts after every chunk, and ends at silence as `VAD` does, but never sooner.
    """

    def __init__(self, config: EndpointingConfig, frame: int, start: int = 0) -> None:
        """`frame` is the length of one probability in samples; the first is that at `start`."""
        self._config = config
        self._frame = frame
        fixed = config.mode is EndpointingMode.FIXED
        self._longest = config.chunk_duration if fixed else config.longest_utterance
        self._phase = Phase.SILENCE
        self._position = self._onset = self._start = self._since = start
        self._silence_start = 0

    @property
    def phase(self) -> Phase:
        """The phase after the newest frame."""
        return self._phase

    @property
    def onset(self) -> int:
        """Where the speech of the current phase began; meaningless in silence."""
        return self._onset

    @property
    def last_speech(self) -> int:
        """Where the newest speech of the current utterance ends."""
        return self._silence_start if self._phase is Phase.HANGOVER else self._position

    @property
    def longest(self) -> float:
        """Seconds after which an utterance is cut."""
        return self._longest

    @property
    def speech_end(self) -> int:
        """Where the newest speech that ended did so; 0 before any has."""
        return self._silence_start

    @property
    def pause(self) -> Pause | None:
        """The silence inside the utterance; None where there is none, or none ends it."""
        if self._phase is not Phase.HANGOVER or self._config.mode is EndpointingMode.CLIENT:
            return None
        ends = min(
            self._silence_start + self._wanted_silence() * SAMPLE_RATE,
            max(
                self._start + self._longest * SAMPLE_RATE,
                self._silence_start + MIN_PAUSE * SAMPLE_RATE,
            ),
        )
        frames = max(math.ceil((ends - self._position) / self._frame), 1)
        return Pause(self._silence_start, self._position + frames * self._frame)

    def accept(self, probability: float) -> Boundary | None:
        """Take the next frame's speech probability; the boundary it decides, if any."""
        start = self._position
        self._position += self._frame
        before = self._phase
        self._signal(Signal.VOICED if self._voiced(probability) else Signal.UNVOICED)
        if before is Phase.SILENCE and self._phase is Phase.ONSET:
            self._onset = start
        elif before is Phase.SPEECH and self._phase is Phase.HANGOVER:
            self._silence_start = start
        return self._decide()

    def begin(self, position: int, *, cut: bool) -> None:
        """Count the length of the utterance from `position`: its padding, or the last cut.

        After a cut, patience goes on from where the speech that was cut began.
        """
        self._start = position
        if not cut:
            self._since = position

    def resume(self, speech_end: int) -> None:
        """The speech so far was that of another session, which had some until `speech_end`."""
        self.end()
        self._silence_start = speech_end

    def end(self) -> None:
        """The utterance was ended from outside."""
        if self._phase is Phase.SPEECH:
            self._silence_start = self._position
        self._signal(Signal.ENDED)

    def _decide(self) -> Boundary | None:
        if self._phase is Phase.ONSET and self._length(self._onset) >= self._config.min_speech:
            self._signal(Signal.ENOUGH_SPEECH)
            return SpeechOnset(self._onset)
        overlong = self._length(self._start) >= self._longest
        if self._phase is Phase.HANGOVER:
            silence = self._length(self._silence_start)
            enough = silence >= self._wanted_silence()
            if enough or (overlong and silence >= MIN_PAUSE):
                self._signal(Signal.ENOUGH_SILENCE)
                return SpeechOffset(self._silence_start, self._position, overlong=not enough)
        speaking = self._phase in (Phase.SPEECH, Phase.HANGOVER)
        return SpeechOverlong() if overlong and speaking else None

    def _voiced(self, probability: float) -> bool:
        inside = self._phase is Phase.SPEECH
        threshold = exit_threshold(self._config) if inside else self._config.speech_threshold
        return probability >= threshold

    def _wanted_silence(self) -> float:
        """Silence that ends the utterance: shorter, the longer the utterance already is."""
        if self._config.mode is EndpointingMode.CLIENT:
            return math.inf
        low, high = (share * self._config.longest_utterance for share in PATIENCE)
        spoken = (self._silence_start - self._since) / SAMPLE_RATE
        impatience = min(max((spoken - low) / (high - low), 0.0), 1.0)
        shortest = min(MIN_PAUSE, self._config.end_silence)
        return self._config.end_silence - impatience * (self._config.end_silence - shortest)

    def _length(self, since: int) -> float:
        return (self._position - since) / SAMPLE_RATE

    def _signal(self, signal: Signal) -> None:
        self._phase = TRANSITIONS[self._phase].get(signal, self._phase)
