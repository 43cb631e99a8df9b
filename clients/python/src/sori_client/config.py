"""What a client asks for. Durations are seconds; None and zero leave it to the server."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field


class Task(enum.Enum):
    """Text in the language spoken, or in English."""

    TRANSCRIBE = "transcribe"
    TRANSLATE = "translate"


class ChannelMode(enum.Enum):
    """All channels mixed to one, or each recognized by itself."""

    MIX = "mix"
    SEPARATE = "separate"


class Priority(enum.Enum):
    """Whether somebody waits for the text of a stream."""

    LIVE = "live"
    BATCH = "batch"
    """A recording: its text waits behind that of live streams, though not forever."""


class EndpointingMode(enum.Enum):
    """Who decides when an utterance ends."""

    VAD = "vad"
    """Silence."""
    CLIENT = "client"
    """`RecognitionStream.finalize()`."""
    FIXED = "fixed"
    """The clock, after `chunk_duration`, or silence before that."""


@dataclass(frozen=True, slots=True, repr=False)
class Replacement:
    """Text to write instead of what was heard: whole words, without their punctuation."""

    search: str
    replace: str
    case_sensitive: bool = False

    def __repr__(self) -> str:
        return f"Replacement({len(self.search)} characters)"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecognitionConfig:
    """What to recognize."""

    model: str = ""
    """A name from `list_models()`; empty for the server's default."""
    languages: tuple[str, ...] = ()
    """BCP-47 tags: none to detect, one to fix, more to choose among."""
    language_switching: bool = False
    """Detect the language again in every utterance."""
    task: Task = Task.TRANSCRIBE
    word_times: bool = False
    """Fill `Result.words` of final results."""
    interim_words: bool = False
    """Fill `Result.words` of interim results, too."""
    initial_prompt: str = field(default="", repr=False)
    """Text before the first word: a description, names, the style; only biases the model."""
    hotwords: tuple[str, ...] = field(default=(), repr=False)
    """Likely words and phrases; they only bias the model."""
    replacements: tuple[Replacement, ...] = ()
    """Made in committed and final text."""
    channel_mode: ChannelMode = ChannelMode.MIX
    beam_size: int = 0
    """Beam of final results, 1 to 10."""
    no_speech_threshold: float | None = None
    """Windows that the model doubts and finds less likely to hold speech have no text, 0 to 1."""
    condition_on_previous_text: bool | None = None
    """Give the model earlier text of the stream as prompt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpointing:
    """When utterances start and end. Settings that mean nothing in the mode are refused."""

    mode: EndpointingMode | None = None
    """None for `VAD`, or what the preset says."""
    end_silence: float | None = None
    """Modes `VAD` and `FIXED`: silence that ends an utterance, 0.1 to 10 s."""
    max_utterance: float | None = None
    """Modes `VAD` and `CLIENT`: utterances are cut here at the latest, 2 to 28 s."""
    min_speech: float | None = None
    """Least speech that starts an utterance, up to 2 s."""
    prefix_padding: float | None = None
    """Audio kept before detected speech, up to 2 s."""
    speech_threshold: float | None = None
    """Speech probability that counts as speech, above 0, below 1."""
    speech_start_timeout: float | None = None
    """The server ends the stream when no speech starts in this time, 0.5 to 3600 s."""
    speech_end_timeout: float | None = None
    """The server ends the stream this long after speech, 0.5 to 3600 s."""
    chunk_duration: float | None = None
    """Mode `FIXED`: speech becomes final text after this long at the latest, 1 to 28 s."""
    overlap_duration: float | None = None
    """Mode `FIXED`: words at the end of a chunk, in a stretch as long as this, are left to the
    next one; at most half of the chunk, and both together 28.8 s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamConfig(RecognitionConfig):
    """Settings of one stream."""

    preset: str = ""
    """A name from `server_info().presets`: what settings that are None or zero stand for."""
    interim_results: bool = False
    """Send results before they are final."""
    interim_interval: float | None = None
    """Least audio between two interim results of an utterance, 0.1 to 10 s."""
    endpointing: Endpointing = field(default_factory=Endpointing)
    single_utterance: bool = False
    """The server ends the stream after its first utterance."""
    voice_activity_events: bool = False
    """Send `SpeechEvent` when speech starts and ends."""
    progress_interval: float | None = None
    """Send `Progress` after this much audio; None sends it after final results."""
    latency_breakdown: bool = False
    """Fill `Result.latency`."""
    priority: Priority = Priority.LIVE
