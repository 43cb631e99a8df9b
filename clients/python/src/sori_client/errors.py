"""The errors of the client.

    SoriClientError
    ├── RemoteError                  the call failed; `code`, `reason` and `metadata` say why
    │   ├── InvalidRequest           a field is wrong: `field`, `description`
    │   │   └── InvalidAudio         bytes that are not audio in the announced format
    │   ├── ProtocolViolation        messages the server did not expect in this order
    │   ├── NotFound                 no such model: `resource`
    │   ├── AccessDenied             credentials missing or not sufficient
    │   ├── Unsupported              not in this server
    │   ├── SessionRefused           the server ended the session on purpose
    │   │   ├── SessionTooLong       more audio than one stream may send
    │   │   ├── IdleTimeout          nothing was sent for too long
    │   │   ├── SlowReader           events were not taken in time
    │   │   └── SessionSuperseded    another connection resumed the session
    │   ├── SessionLost              the server no longer knows the session of a stream
    │   ├── AudioLost                the server missed bytes of audio
    │   ├── Overloaded               no room now; again after `retry_after`     retryable
    │   ├── Unavailable              again later, or elsewhere now              retryable
    │   │   └── ConnectionLost       a call that had begun broke                retryable
    │   ├── DeadlineExceeded         no answer in time                          retryable
    │   └── ServerError              the server failed
    ├── ContractBroken               the server said what it must not say
    │   └── SequenceError            a response is missing or came twice
    ├── ReplayLimitExceeded          a server asks for audio that is no longer kept
    ├── InvalidSetting               a value no message can hold; also a `ValueError`
    ├── StreamEnded                  the stream takes no more messages
    └── SourceError                  there is no audio to send
        ├── UnsupportedAudio         a file that cannot be sent like this
        ├── MicrophoneUnavailable    no `sounddevice`, or no such device
        └── MicrophoneOverflow       audio came faster than it could be sent

No message carries recognized text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import ClassVar

import grpc


class SoriClientError(Exception):
    """Base of all errors of the client.

    Attributes:
        code: the gRPC status; None when no call was made or the error is the client's.
        reason: constant for programs, as in `sori.v1.ErrorReason` without its prefix.
        retry_after: seconds to wait before trying again; None when there is no advice.
        metadata: further facts (limits, offsets) by name.
    """

    code: grpc.StatusCode | None = None
    reason: str = ""
    retry_after: float | None = None
    metadata: Mapping[str, str] = MappingProxyType({})
    _retryable: ClassVar[bool] = False

    @property
    def retryable(self) -> bool:
        """Whether the same call may succeed later."""
        return self._retryable or self.retry_after is not None


@dataclass(frozen=True, slots=True)
class CallStatus:
    """How a call ended: the gRPC status and what its details say."""

    code: grpc.StatusCode
    message: str
    reason: str = ""
    retry_after: float | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    violations: tuple[tuple[str, str], ...] = ()
    """Field and description of each `BadRequest.FieldViolation`."""
    resource: str = ""


class RemoteError(SoriClientError):
    """The call failed."""

    def __init__(self, status: CallStatus) -> None:
        label = status.reason or status.code.name
        super().__init__(f"{status.message} ({label})" if status.message else label)
        self.status = status
        self.code = status.code
        self.reason = status.reason
        self.retry_after = status.retry_after
        self.metadata = status.metadata


class InvalidRequest(RemoteError):
    """A field of the request is wrong.

    Attributes:
        field: path of the first wrong field in the message; empty when not told.
        description: what is wrong with it.
    """

    def __init__(self, status: CallStatus) -> None:
        super().__init__(status)
        violations = status.violations or (("", status.message),)
        self.field, self.description = violations[0]


class InvalidAudio(InvalidRequest):
    """Bytes that are not audio in the announced format."""


class ProtocolViolation(RemoteError):
    """Messages the server did not expect in this order."""


class NotFound(RemoteError):
    """No such model.

    Attributes:
        resource: what was not found.
    """

    def __init__(self, status: CallStatus) -> None:
        super().__init__(status)
        self.resource = status.resource


class AccessDenied(RemoteError):
    """Credentials are missing or not sufficient."""


class Unsupported(RemoteError):
    """Not in this server."""


class SessionRefused(RemoteError):
    """The server ended the session on purpose."""


class SessionTooLong(SessionRefused):
    """More audio than one stream may send."""


class IdleTimeout(SessionRefused):
    """Nothing was sent for too long."""


class SlowReader(SessionRefused):
    """Events were not taken in time."""


class SessionSuperseded(SessionRefused):
    """Another connection resumed the session."""


class SessionLost(RemoteError):
    """A stream that lost its connection cannot go on: no server knows its session.

    What was received before is all there is of its text. A new stream starts at zero.
    """


class AudioLost(RemoteError):
    """The server missed bytes of audio."""


class Overloaded(RemoteError):
    """No room now."""

    _retryable = True


class Unavailable(RemoteError):
    """Try again later, or elsewhere now."""

    _retryable = True


class ConnectionLost(Unavailable):
    """A call that had begun broke: the network or the server went away."""


def client_closed() -> ConnectionLost:
    """What calls raise that were open when their client was closed."""
    return ConnectionLost(CallStatus(grpc.StatusCode.CANCELLED, "the client was closed"))


class DeadlineExceeded(RemoteError):
    """No answer in time."""

    _retryable = True


class ServerError(RemoteError):
    """The server failed."""


class ContractBroken(SoriClientError):
    """The server said what it must not say."""


class SequenceError(ContractBroken):
    """A response is missing or came twice.

    Attributes:
        expected: number the next response should have had.
        received: number it had.
    """

    def __init__(self, expected: int, received: int) -> None:
        kind = "missing" if received > expected else "repeated"
        super().__init__(f"response {kind}: expected number {expected}, received {received}")
        self.expected = expected
        self.received = received


class ReplayLimitExceeded(SoriClientError):
    """A server asks for audio that is no longer kept: `Resume.replay_bytes` is too small for it.

    Attributes:
        limit: bytes that are kept.
        wanted: offset of the first byte the server asks for.
        kept: offset of the first byte still there.
    """

    def __init__(self, limit: int, wanted: int, kept: int) -> None:
        super().__init__(
            f"the server asks for audio from byte {wanted} on, but of at most {limit} bytes"
            f" that are kept the first is {kept}"
        )
        self.limit = limit
        self.wanted = wanted
        self.kept = kept


class InvalidSetting(SoriClientError, ValueError):
    """A value no message can hold: the server never saw it."""


class StreamEnded(SoriClientError):
    """The stream takes no more messages."""


class SourceError(SoriClientError):
    """There is no audio to send."""


class UnsupportedAudio(SourceError):
    """A file that is neither WAV nor of a given format, or that cannot be paced."""


class MicrophoneUnavailable(SourceError):
    """No `sounddevice`, or no such device."""


class MicrophoneOverflow(SourceError):
    """Audio came faster than it could be sent."""
