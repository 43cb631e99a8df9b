"""The errors of Sori.

    SoriError
    ├── ClientError                 the caller can fix it
    │   ├── InvalidConfig           a field of a message is wrong: names field and limit
    │   │   └── InvalidAudio        bytes that are not audio in the announced format
    │   ├── ProtocolViolation       a message out of order
    │   ├── AudioGap                bytes are missing between two offsets
    │   ├── ModelNotFound           no such model
    │   ├── ResumeTokenInvalid      no session can be resumed with it, for whatever reason
    │   ├── SessionSuperseded       another connection resumed the session
    │   ├── IdleTimeout             nothing received for too long
    │   ├── SlowReader              responses not accepted in time
    │   ├── MessageTooLarge         a frame, form or file above its limit
    │   ├── OriginNotAllowed        a page of another site
    │   └── SessionTooLong          more audio than one stream may send
    ├── CapacityExhausted           no room now; try again after `retry_after`
    ├── Unavailable                 try again, here later or elsewhere now
    │   ├── ServerDraining
    │   ├── ModelLoading
    │   └── UpstreamUnavailable     the server behind a bridge is not there, or was lost
    ├── AddressUnavailable          the server cannot listen there
    └── EngineError
        ├── RecognitionFailed       this window cannot be recognized; others can
        ├── RequestCancelled        the window was withdrawn
        └── EngineUnavailable       no worker can be had

Each has a `reason` (the `ErrorInfo.reason` on the wire), says whether trying again may
help (`retryable`), and carries no transcript text. Doors own the mapping to their
status codes, one table each.
"""

from __future__ import annotations

from typing import ClassVar, Final, Self

LONGEST_QUOTE: Final = 64
"""Characters of a client's text that errors repeat: a status has to fit in a few KiB."""


def quoted(text: str) -> str:
    """What a client wrote, for error messages: in quotes, and cut if it is long."""
    return repr(text if len(text) <= LONGEST_QUOTE else f"{text[:LONGEST_QUOTE]}…")


class SoriError(Exception):
    """Base of all errors a user of Sori can see.

    Attributes:
        reason: constant for programs, as in `sori.v1.ErrorReason` without its prefix.
        retryable: whether the same call may succeed later.
        metadata: further facts (limits, offsets) by name.
        retry_after: seconds to wait before trying again; None when there is no advice.
    """

    reason: ClassVar[str] = "INTERNAL"
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        metadata: dict[str, str] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.metadata = metadata or {}
        self.retry_after = retry_after

    @classmethod
    def restored(
        cls, message: str, metadata: dict[str, str], retry_after: float | None = None
    ) -> Self:
        """The error that another server told of, whatever this class is usually made from."""
        error = cls.__new__(cls)
        SoriError.__init__(error, message, metadata=metadata, retry_after=retry_after)
        return error


class ClientError(SoriError):
    """The caller can fix it."""


class InvalidConfig(ClientError):
    """A field of a message is wrong."""

    reason = "INVALID_CONFIG"

    def __init__(self, field: str, description: str, **metadata: str) -> None:
        super().__init__(f"{field}: {description}", metadata={"field": field, **metadata})

    @property
    def field(self) -> str:
        """Its path, for example `config.recognition.audio_format.sample_rate_hertz`."""
        return self.metadata.get("field", "")

    @property
    def description(self) -> str:
        """What is wrong with it."""
        return str(self).removeprefix(f"{self.field}: ")


class InvalidAudio(InvalidConfig):
    """Bytes that are not audio in the announced format."""

    reason = "AUDIO_UNDECODABLE"


class ProtocolViolation(ClientError):
    """A message out of order: config missing, repeated or late."""

    reason = "PROTOCOL_VIOLATION"


class AudioGap(ClientError):
    """Audio between two byte offsets is missing."""

    reason = "AUDIO_GAP"

    def __init__(self, expected: int, got: int, what: str) -> None:
        super().__init__(
            f"{what}: {expected} bytes were received, {got} were announced",
            metadata={"received_bytes": str(expected), "announced_bytes": str(got)},
        )


class ModelNotFound(ClientError):
    """No such model."""

    reason = "MODEL_NOT_FOUND"


class ResumeTokenInvalid(ClientError):
    """No session can be resumed with this token.

    The same for all reasons, so that nobody learns by trying.
    """

    reason = "RESUME_TOKEN_INVALID"

    def __init__(self) -> None:
        super().__init__(
            "config.resume.resume_token: it is not valid, or was used, or its session is gone",
            metadata={"field": "config.resume.resume_token"},
        )


class SessionSuperseded(ClientError):
    """Another connection resumed the session."""

    reason = "SESSION_SUPERSEDED"


class IdleTimeout(ClientError):
    """Nothing received for too long."""

    reason = "IDLE_TIMEOUT"


class SlowReader(ClientError):
    """The client does not accept responses in time."""

    reason = "SLOW_READER"


class MessageTooLarge(ClientError):
    """A frame, form or file above its limit."""

    reason = "MESSAGE_TOO_LARGE"

    def __init__(self, field: str, most: int) -> None:
        super().__init__(
            f"{field}: at most {most} bytes are allowed",
            metadata={"field": field, "limit": str(most)},
        )


class OriginNotAllowed(ClientError):
    """A page of a site that is not allowed to use this server."""

    reason = "ORIGIN_NOT_ALLOWED"


class SessionTooLong(ClientError):
    """More audio than one stream may send."""

    reason = "SESSION_DURATION_EXCEEDED"


class CapacityExhausted(SoriError):
    """No room for another stream now."""

    reason = "STREAM_CAPACITY_EXHAUSTED"
    retryable = True


class Unavailable(SoriError):
    """Try again, here later or elsewhere now."""

    retryable = True


class ServerDraining(Unavailable):
    """The server is leaving."""

    reason = "SERVER_DRAINING"


class ModelLoading(Unavailable):
    """The model is not warm yet."""

    reason = "MODEL_LOADING"


class UpstreamUnavailable(Unavailable):
    """The server behind a bridge cannot be reached, or was lost."""

    reason = "UPSTREAM_UNAVAILABLE"


class AddressUnavailable(SoriError):
    """The server cannot listen there."""

    reason = "ADDRESS_UNAVAILABLE"


class EngineError(SoriError):
    """Recognition did not happen."""


class RecognitionFailed(EngineError):
    """This window cannot be recognized; others can."""

    reason = "RECOGNITION_FAILED"


class RequestCancelled(EngineError):
    """The window was withdrawn before it was recognized."""

    reason = "REQUEST_CANCELLED"


class EngineUnavailable(EngineError):
    """No worker can be had."""

    reason = "ENGINE_UNAVAILABLE"
    retryable = True
