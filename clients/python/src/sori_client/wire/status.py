"""From the status of a failed call to an error of the client; the only place that does it."""

from __future__ import annotations

import contextlib
from typing import Final

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from sori_client import errors
from sori_client.errors import CallStatus, RemoteError
from sori_client.wire.responses import seconds

_DETAILS_KEY: Final = "grpc-status-details-bin"
_ERROR_DOMAIN: Final = "sori.v1"
_TOO_LARGE: Final = "larger than max"  # how gRPC, not Sori, refuses an oversized message

_BY_REASON: Final[dict[str, type[RemoteError]]] = {
    "AUDIO_UNDECODABLE": errors.InvalidAudio,
    "IDLE_TIMEOUT": errors.IdleTimeout,
    "SLOW_READER": errors.SlowReader,
    "SESSION_SUPERSEDED": errors.SessionSuperseded,
    "RESUME_TOKEN_INVALID": errors.SessionLost,
}
_BY_CODE: Final[dict[grpc.StatusCode, type[RemoteError]]] = {
    grpc.StatusCode.INVALID_ARGUMENT: errors.InvalidRequest,
    grpc.StatusCode.FAILED_PRECONDITION: errors.ProtocolViolation,
    grpc.StatusCode.NOT_FOUND: errors.NotFound,
    grpc.StatusCode.UNAUTHENTICATED: errors.AccessDenied,
    grpc.StatusCode.PERMISSION_DENIED: errors.AccessDenied,
    grpc.StatusCode.UNIMPLEMENTED: errors.Unsupported,
    grpc.StatusCode.OUT_OF_RANGE: errors.SessionTooLong,
    grpc.StatusCode.ABORTED: errors.SessionRefused,
    grpc.StatusCode.DATA_LOSS: errors.AudioLost,
    grpc.StatusCode.RESOURCE_EXHAUSTED: errors.Overloaded,
    grpc.StatusCode.UNAVAILABLE: errors.Unavailable,
    grpc.StatusCode.CANCELLED: errors.ConnectionLost,
    grpc.StatusCode.DEADLINE_EXCEEDED: errors.DeadlineExceeded,
}


def error_from(failure: grpc.aio.AioRpcError, *, established: bool = False) -> RemoteError:
    """The error that says what `failure` says.

    Args:
        failure: status of the call.
        established: the server had answered before; then an UNAVAILABLE it did not send
            itself is a lost connection.
    """
    status = call_status(failure)
    kind = _BY_REASON.get(status.reason) or _BY_CODE.get(status.code, errors.ServerError)
    if kind is errors.Unavailable and established and not status.reason:
        kind = errors.ConnectionLost
    if kind is errors.Overloaded and not status.reason and _TOO_LARGE in status.message:
        kind = errors.InvalidRequest
    return kind(status)


def call_status(failure: grpc.aio.AioRpcError) -> CallStatus:
    """Code, message and details of `failure`; details that cannot be read are left out."""
    return _with_details(
        failure.code(), failure.details() or "", _details(failure.trailing_metadata())
    )


def _details(trailers: grpc.aio.Metadata | None) -> status_pb2.Status:
    for key, value in trailers or ():
        if key == _DETAILS_KEY and isinstance(value, bytes):
            with contextlib.suppress(DecodeError):
                return status_pb2.Status.FromString(value)
    return status_pb2.Status()


def _with_details(code: grpc.StatusCode, message: str, details: status_pb2.Status) -> CallStatus:
    info = error_details_pb2.ErrorInfo()
    retry = error_details_pb2.RetryInfo()
    bad_request = error_details_pb2.BadRequest()
    resource = error_details_pb2.ResourceInfo()
    for detail in details.details:
        for target in (info, retry, bad_request, resource):
            if detail.Is(target.DESCRIPTOR):
                with contextlib.suppress(DecodeError):
                    detail.Unpack(target)
    ours = info.domain == _ERROR_DOMAIN
    return CallStatus(
        code=code,
        message=message,
        reason=info.reason if ours else "",
        retry_after=seconds(retry.retry_delay) if retry.HasField("retry_delay") else None,
        metadata=dict(info.metadata),
        violations=tuple((v.field, v.description) for v in bad_request.field_violations),
        resource=resource.resource_name,
    )
