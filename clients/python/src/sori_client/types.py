"""What a server says, as frozen values. Times are seconds on the stream's audio clock.

No `repr` shows recognized text, so that values may be logged.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sori_client.config import StreamConfig, Task


class AudioEncoding(enum.Enum):
    """How samples are written as bytes; raw encodings are little-endian and interleaved."""

    LINEAR16 = "linear16"
    FLOAT32 = "float32"
    MULAW = "mulaw"
    ALAW = "alaw"
    WAV = "wav"
    FLAC = "flac"
    OGG_OPUS = "ogg_opus"
    WEBM_OPUS = "webm_opus"
    MP3 = "mp3"
    M4A = "m4a"
    CONTAINER = "container"
    """Any of the containers above, told apart by the first bytes."""

    @property
    def is_container(self) -> bool:
        """Whether the bytes say their rate and channels themselves."""
        return self not in _SAMPLE_BYTES


_SAMPLE_BYTES: Final = {
    AudioEncoding.LINEAR16: 2,
    AudioEncoding.FLOAT32: 4,
    AudioEncoding.MULAW: 1,
    AudioEncoding.ALAW: 1,
}


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """Encoding, rate in hertz and channel count.

    Containers say the last two themselves, and what is written here does not count. Only for
    `ChannelMode.SEPARATE` their `channels` must be right.
    """

    encoding: AudioEncoding = AudioEncoding.LINEAR16
    sample_rate: int = 16_000
    channels: int = 1

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample of all channels; zero for containers."""
        return _SAMPLE_BYTES.get(self.encoding, 0) * self.channels

    @property
    def bytes_per_second(self) -> int:
        """Bytes of one second; zero for containers."""
        return self.frame_bytes * self.sample_rate


CONTAINER: Final = AudioFormat(AudioEncoding.CONTAINER, 0, 0)
"""Audio that says itself what it is."""


class FinalReason(enum.Enum):
    """Why a result is final."""

    ENDPOINT = "endpoint"
    FINALIZE = "finalize"
    MAX_UTTERANCE = "max_utterance"
    CHUNK = "chunk"
    END_OF_AUDIO = "end_of_audio"
    SERVER = "server"


@dataclass(frozen=True, slots=True, repr=False)
class Word:
    """One word, without surrounding spaces; `confidence` is 0 to 1."""

    text: str
    start: float
    end: float
    confidence: float

    def __repr__(self) -> str:
        return f"Word({len(self.text)} characters, {self.start:.2f}..{self.end:.2f} s)"


@dataclass(frozen=True, slots=True)
class Latency:
    """Where the time of one result went, in seconds.

    `total` runs from the moment the text was wanted (for final results: the endpoint
    decision) until it was ready. `endpointing` is the silence waited for before that
    decision, and is not part of `total`.
    """

    total: float
    queue: float
    preprocessing: float
    inference: float
    endpointing: float
    batch_size: int


@dataclass(frozen=True, slots=True, repr=False)
class Result:
    """Interim or final text of one utterance.

    `committed_text` only grows from one result of an utterance to the next and is all the
    text of a final one; `tentative_text` may change. `revision` counts the results of the
    utterance, those that newer ones overtook included; `confidence` belongs to final results.
    `channel` is 1 and up where channels are recognized separately, and utterances are counted
    in each; else it is 0.
    """

    committed_text: str
    tentative_text: str
    is_final: bool
    utterance_index: int
    revision: int
    start: float
    end: float
    language: str = ""
    language_confidence: float = 0.0
    confidence: float = 0.0
    words: tuple[Word, ...] = ()
    final_reason: FinalReason | None = None
    latency: Latency | None = None
    channel: int = 0

    @property
    def text(self) -> str:
        """The text to show: committed, then tentative."""
        return self.committed_text + self.tentative_text

    def __repr__(self) -> str:
        kind = "final" if self.is_final else "interim"
        return (
            f"Result({kind} {self.utterance_index}.{self.revision}, "
            f"{self.start:.2f}..{self.end:.2f} s, {len(self.text)} characters)"
        )


class SpeechEventType(enum.Enum):
    """What happened; the last three end the stream, whose `Summary` follows."""

    SPEECH_STARTED = "speech_started"
    SPEECH_ENDED = "speech_ended"
    SINGLE_UTTERANCE_ENDED = "single_utterance_ended"
    SPEECH_START_TIMEOUT = "speech_start_timeout"
    SPEECH_END_TIMEOUT = "speech_end_timeout"


@dataclass(frozen=True, slots=True)
class SpeechEvent:
    """What happened at `offset`; `channel` is as in `Result`."""

    type: SpeechEventType
    offset: float
    channel: int = 0


class Pacing(enum.Enum):
    """How fast a server wants audio; sending waits for a server that does not read anyway."""

    OK = "ok"
    SLOW_DOWN = "slow_down"
    PAUSE = "pause"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the server has come.

    All text before `final` is final. `acknowledged_bytes` counts what the client sent, in
    its own encoding, and no server asks for the first `committed_bytes` again. `credit` is the
    audio that the server takes before it stops reading. What a server does not tell is None.
    """

    acknowledged_bytes: int
    received: float
    final: float
    committed_bytes: int | None = None
    pacing: Pacing | None = None
    credit: float | None = None


@dataclass(frozen=True, slots=True)
class Finalized:
    """Answer to `finalize(request_id)`, after the final results it caused."""

    request_id: str
    offset: float


@dataclass(frozen=True, slots=True)
class ServerWarning:
    """Something was lost or degraded; the stream goes on.

    `reason` is a `sori.v1.WarningReason` without its prefix, for programs.
    """

    reason: str
    message: str
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class GoAway:
    """The server will end the call in `time_left`; all final results come before."""

    time_left: float
    message: str


@dataclass(frozen=True, slots=True)
class Model:
    """A model of the server; `loaded` means ready to serve.

    `interim_model` is the name of the smaller model that interim results come from, empty
    where they come from this one. Their text is then all tentative.
    """

    name: str
    display_name: str
    revision: str
    languages: tuple[str, ...]
    tasks: tuple[Task, ...]
    loaded: bool
    interim_model: str = ""


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """Limits of a stream and of `recognize()`."""

    max_session_duration: float
    idle_timeout: float
    max_buffered_audio: float
    max_chunk_bytes: int
    max_recording_duration: float
    resume_window: float = 0.0
    """How long a session outlives its connection, in seconds."""
    max_unacknowledged_responses: int = 0


@dataclass(frozen=True, slots=True)
class SessionStarted:
    """The session exists; `config` holds the settings in force, defaults filled in.

    A `resumable` one goes on after a lost connection.
    """

    session_id: str
    config: StreamConfig
    audio_format: AudioFormat
    model: Model
    limits: ServerLimits
    resumable: bool = False


@dataclass(frozen=True, slots=True)
class Summary:
    """Totals of a stream that ended well."""

    received_audio: float
    speech_audio: float
    final_results: int
    inference_time: float


@dataclass(frozen=True, slots=True)
class Reconnecting:
    """The connection was lost, or is left for another server: the stream tries to go on.

    Said by the client. `reason` is that of the error, or its gRPC status, or `GO_AWAY`.
    """

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Reconnected:
    """The stream goes on at the server at `address`, after `downtime` seconds.

    Said by the client. No event is missing or comes twice.
    """

    address: str
    downtime: float


Event = (
    SessionStarted
    | Result
    | SpeechEvent
    | Progress
    | Finalized
    | ServerWarning
    | GoAway
    | Reconnecting
    | Reconnected
    | Summary
)
"""What happened to a stream. The first is `SessionStarted`, the last `Summary`."""


@dataclass(frozen=True, slots=True)
class Recognition:
    """The text of one recording: its final results in order."""

    results: tuple[Result, ...]
    summary: Summary

    @property
    def text(self) -> str:
        """The texts of all results, a space between two."""
        return " ".join(text for result in self.results if (text := result.text.strip()))


@dataclass(frozen=True, slots=True)
class Preset:
    """Settings under a name, for `StreamConfig.preset`."""

    name: str
    description: str


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """State of the server; a `draining` one refuses new streams."""

    version: str
    limits: ServerLimits
    active_streams: int
    available_streams: int
    draining: bool
    presets: tuple[Preset, ...] = ()
