"""What a client may ask of a stream, with the defaults filled in."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Final

from sori_server.domain.audio import AudioEncoding, AudioFormat

LONGEST_UTTERANCE: Final = 28.0
"""Seconds of one utterance that fit in Whisper's 30 s window with the silence around it."""


class Task(enum.Enum):
    """Text in the language spoken, or in English."""

    TRANSCRIBE = "transcribe"
    TRANSLATE = "translate"


@dataclass(frozen=True, slots=True)
class RecognitionConfig:
    """What to recognize, and how the text is decoded.

    `languages` holds ISO 639-1 codes: none to detect, one to fix, several to choose among.
    `beam_size` applies to final results; interim results are always decoded greedily.
    """

    audio_format: AudioFormat = field(default_factory=lambda: AudioFormat(AudioEncoding.LINEAR16))
    model: str = ""
    languages: tuple[str, ...] = ()
    task: Task = Task.TRANSCRIBE
    word_times: bool = False
    beam_size: int = 5


@dataclass(frozen=True, slots=True)
class EndpointingConfig:
    """When utterances start and end; all durations in seconds."""

    end_silence: float = 0.5
    """Silence that ends an utterance."""
    min_speech: float = 0.1
    """Least speech that starts an utterance."""
    prefix_padding: float = 0.3
    """Audio kept before detected speech."""
    speech_threshold: float = 0.5
    """Speech probability that counts as speech, 0 to 1."""
    max_utterance: float | None = None
    """Utterances are cut here at the latest; None for what the model bears."""

    @property
    def longest_utterance(self) -> float:
        """`max_utterance`, or what fits in a Whisper window."""
        return LONGEST_UTTERANCE if self.max_utterance is None else self.max_utterance


@dataclass(frozen=True, slots=True)
class StreamConfig:
    """Settings of one stream."""

    recognition: RecognitionConfig = field(default_factory=RecognitionConfig)
    endpointing: EndpointingConfig = field(default_factory=EndpointingConfig)
    interim_results: bool = False
    interim_interval: float = 0.5
    """Seconds of audio between two interim results."""
    commit_confidence: float | None = None
    """Least confidence of an interim that commits words; None for what the model needs."""
    voice_activity_events: bool = False
    progress_interval: float | None = None
    """Seconds of audio between two progress events; None sends them after finals only."""
    latency_breakdown: bool = False
