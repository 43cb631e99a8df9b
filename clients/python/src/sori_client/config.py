"""What a client asks for. Durations are seconds; None and zero leave it to the server."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field


class Task(enum.Enum):
    """Text in the language spoken, or in English."""

    TRANSCRIBE = "transcribe"
    TRANSLATE = "translate"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecognitionConfig:
    """What to recognize."""

    model: str = ""
    """A name from `list_models()`; empty for the server's default."""
    languages: tuple[str, ...] = ()
    """BCP-47 tags: none to detect, one to fix, more to choose among."""
    task: Task = Task.TRANSCRIBE
    word_times: bool = False
    """Fill `Result.words` of final results."""
    beam_size: int = 0
    """Beam of final results, 1 to 10."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpointing:
    """When utterances start and end."""

    end_silence: float | None = None
    """Silence that ends an utterance, 0.1 to 10 s."""
    max_utterance: float | None = None
    """Utterances are cut here at the latest, 2 to 28 s."""
    min_speech: float | None = None
    """Least speech that starts an utterance, up to 2 s."""
    prefix_padding: float | None = None
    """Audio kept before detected speech, up to 2 s."""
    speech_threshold: float | None = None
    """Speech probability that counts as speech, above 0, below 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamConfig(RecognitionConfig):
    """Settings of one stream."""

    interim_results: bool = False
    """Send results before they are final."""
    interim_interval: float | None = None
    """Least audio between two interim results of an utterance, 0.1 to 10 s."""
    endpointing: Endpointing = field(default_factory=Endpointing)
    voice_activity_events: bool = False
    """Send `SpeechEvent`."""
    progress_interval: float | None = None
    """Send `Progress` after this much audio; None sends it after final results."""
    latency_breakdown: bool = False
    """Fill `Result.latency`."""
