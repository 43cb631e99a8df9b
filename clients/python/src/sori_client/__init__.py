"""Client of Sori, streaming speech recognition: audio in, typed events out.

`Client` is for asyncio, `sori_client.sync.Client` for plain code. Both take the same
sources and configurations, give the same events and raise the errors of
`sori_client.errors`.
"""

from sori_client.client import Client, Timeouts
from sori_client.config import Endpointing, RecognitionConfig, StreamConfig, Task
from sori_client.errors import (
    AudioLost,
    ConnectionLost,
    ContractBroken,
    DeadlineExceeded,
    InvalidRequest,
    NotFound,
    Overloaded,
    ServerError,
    SessionRefused,
    SoriClientError,
    Unavailable,
)
from sori_client.sources import Bytes, File, Microphone, Source, Stdin
from sori_client.stream import RecognitionStream
from sori_client.types import (
    AudioEncoding,
    AudioFormat,
    Event,
    Finalized,
    FinalReason,
    GoAway,
    Latency,
    Model,
    Progress,
    Recognition,
    Result,
    ServerInfo,
    ServerLimits,
    ServerWarning,
    SessionStarted,
    SpeechEvent,
    SpeechEventType,
    Summary,
    Word,
)

__all__ = [
    "AudioEncoding",
    "AudioFormat",
    "AudioLost",
    "Bytes",
    "Client",
    "ConnectionLost",
    "ContractBroken",
    "DeadlineExceeded",
    "Endpointing",
    "Event",
    "File",
    "FinalReason",
    "Finalized",
    "GoAway",
    "InvalidRequest",
    "Latency",
    "Microphone",
    "Model",
    "NotFound",
    "Overloaded",
    "Progress",
    "Recognition",
    "RecognitionConfig",
    "RecognitionStream",
    "Result",
    "ServerError",
    "ServerInfo",
    "ServerLimits",
    "ServerWarning",
    "SessionRefused",
    "SessionStarted",
    "SoriClientError",
    "Source",
    "SpeechEvent",
    "SpeechEventType",
    "Stdin",
    "StreamConfig",
    "Summary",
    "Task",
    "Timeouts",
    "Unavailable",
    "Word",
]
