"""What a client may ask of a stream, with the defaults filled in."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Final

from sori_server.domain.audio import AudioEncoding, AudioFormat

LONGEST_UTTERANCE: Final = 28.0
"""Seconds of one utterance that fit in Whisper's 30 s window with the silence around it."""

LONGEST_CHUNK_WITH_OVERLAP: Final = 28.8
"""Seconds of a chunk and its overlap that fit there with the words heard again."""


class Task(enum.Enum):
    """Text in the language spoken, or in English."""

    TRANSCRIBE = "transcribe"
    TRANSLATE = "translate"


class ChannelMode(enum.Enum):
    """All channels as one, or each by itself."""

    MIX = "mix"
    SEPARATE = "separate"


class Priority(enum.Enum):
    """Whether somebody waits for the text of a stream."""

    LIVE = "live"
    BATCH = "batch"
    """Its windows wait behind those of live streams, though not forever."""


class EndpointingMode(enum.Enum):
    """Who decides when an utterance ends."""

    VAD = "vad"
    """Silence."""
    CLIENT = "client"
    """`Finalize` only."""
    FIXED = "fixed"
    """The clock, every chunk; and silence, where it comes first."""


@dataclass(frozen=True, slots=True, repr=False)
class Replacement:
    """Text to write instead of what was heard; whole words, compared without punctuation."""

    search: str
    replace: str
    case_sensitive: bool = False

    def __repr__(self) -> str:
        return f"Replacement({len(self.search)} characters)"


@dataclass(frozen=True, slots=True, repr=False)
class Adaptation:
    """What a stream expects to hear.

    `initial_prompt` is text before the first word, `hotwords` are likely words and phrases;
    both only bias the model. `replacements` are made in text that is committed or final.
    """

    initial_prompt: str = ""
    hotwords: tuple[str, ...] = ()
    replacements: tuple[Replacement, ...] = ()

    def __repr__(self) -> str:
        return (
            f"Adaptation({len(self.initial_prompt)} characters, {len(self.hotwords)} hotwords,"
            f" {len(self.replacements)} replacements)"
        )


@dataclass(frozen=True, slots=True)
class RecognitionConfig:
    """What to recognize, and how the text is decoded.

    `languages` holds Whisper's language codes: none to detect, one to fix, several to choose
    among; `language_tags` are the BCP-47 tags the client gave for them, in the same order.
    A language detected with confidence stays for the stream unless `language_switching`.
    `beam_size` applies to final results; interim results are always decoded greedily.
    """

    audio_format: AudioFormat = field(default_factory=lambda: AudioFormat(AudioEncoding.LINEAR16))
    model: str = ""
    languages: tuple[str, ...] = ()
    language_tags: tuple[str, ...] = ()
    language_switching: bool = False
    task: Task = Task.TRANSCRIBE
    word_times: bool = False
    interim_words: bool = False
    """Words with times in interim results, too."""
    adaptation: Adaptation = field(default_factory=Adaptation)
    channel_mode: ChannelMode = ChannelMode.MIX
    beam_size: int = 5
    no_speech_threshold: float = 0.6
    """A window is taken for silence when the model doubts its text and finds no speech more
    probable than this."""
    condition_on_previous_text: bool | None = None
    """Whether earlier text of the stream is the prompt of later windows; None for what the
    model bears."""

    @property
    def channels_apart(self) -> int:
        """Channels that are recognized by themselves; 1 for all of them mixed."""
        return self.audio_format.channels if self.channel_mode is ChannelMode.SEPARATE else 1


@dataclass(frozen=True, slots=True)
class EndpointingConfig:
    """When utterances start and end; all durations in seconds."""

    mode: EndpointingMode = EndpointingMode.VAD
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
    speech_start_timeout: float | None = None
    """The stream ends when it has no speech for this long from its start."""
    speech_end_timeout: float | None = None
    """The stream ends when nobody has spoken for this long after speech."""
    chunk_duration: float = 5.0
    """Mode FIXED: text becomes final every time this much audio has passed."""
    overlap_duration: float = 0.2
    """Mode FIXED: words that end in the last stretch of a chunk, as long as this, may be cut
    and are left to the next chunk, which hears them whole."""

    @property
    def longest_utterance(self) -> float:
        """`max_utterance`, or what fits in a Whisper window."""
        return LONGEST_UTTERANCE if self.max_utterance is None else self.max_utterance


@dataclass(frozen=True, slots=True)
class ResumeConfig:
    """Whether a session outlives its connection, for how many seconds, and which one goes on."""

    enabled: bool = False
    window: float | None = None
    """None for as long as the server allows."""
    token: str = field(default="", repr=False)
    """Resumes a session; empty for a new one."""
    last_sequence: int = 0
    """Number of the last response that the client of `token` received."""


@dataclass(frozen=True, slots=True)
class StreamConfig:
    """Settings of one stream."""

    recognition: RecognitionConfig = field(default_factory=RecognitionConfig)
    endpointing: EndpointingConfig = field(default_factory=EndpointingConfig)
    preset: str = ""
    """Name of the preset the settings started from; empty for none."""
    interim_results: bool = False
    single_utterance: bool = False
    """The stream ends after its first utterance."""
    interim_interval: float = 0.5
    """Seconds of audio between two interim results."""
    commit_confidence: float | None = None
    """Least confidence of an interim that commits words; None for what the model needs."""
    voice_activity_events: bool = False
    progress_interval: float | None = None
    """Seconds of audio between two progress events; None sends them after finals only."""
    latency_breakdown: bool = False
    priority: Priority = Priority.LIVE
    resume: ResumeConfig = field(default_factory=ResumeConfig)
    early_finals: bool = True
    """Final windows are asked for before the silence that ends their utterance is over."""
