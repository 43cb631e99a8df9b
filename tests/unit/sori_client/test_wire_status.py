from __future__ import annotations

import grpc
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message
from google.rpc import error_details_pb2 as details
from google.rpc import status_pb2
from sori_client import errors
from sori_client.wire.status import error_from

pytestmark = pytest.mark.unit

Code = grpc.StatusCode


def failure(
    code: grpc.StatusCode, message: str = "", *parts: Message, raw: bytes | None = None
) -> grpc.aio.AioRpcError:
    trailers = grpc.aio.Metadata()
    if parts or raw is not None:
        status = status_pb2.Status(code=code.value[0], message=message)
        for part in parts:
            packed = AnyMessage()
            packed.Pack(part)
            status.details.append(packed)
        trailers.add("other", "value")
        trailers.add("grpc-status-details-bin", status.SerializeToString() if raw is None else raw)
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), trailers, message)


def info(reason: str, domain: str = "sori.v1") -> details.ErrorInfo:
    return details.ErrorInfo(reason=reason, domain=domain, metadata={"limit": "7"})


@pytest.mark.parametrize(
    ("code", "reason", "kind", "retryable"),
    [
        (Code.INVALID_ARGUMENT, "INVALID_CONFIG", errors.InvalidRequest, False),
        (Code.INVALID_ARGUMENT, "AUDIO_UNDECODABLE", errors.InvalidAudio, False),
        (Code.FAILED_PRECONDITION, "PROTOCOL_VIOLATION", errors.ProtocolViolation, False),
        (Code.NOT_FOUND, "MODEL_NOT_FOUND", errors.NotFound, False),
        (Code.UNAUTHENTICATED, "", errors.AccessDenied, False),
        (Code.PERMISSION_DENIED, "", errors.AccessDenied, False),
        (Code.UNIMPLEMENTED, "", errors.Unsupported, False),
        (Code.RESOURCE_EXHAUSTED, "STREAM_CAPACITY_EXHAUSTED", errors.Overloaded, True),
        (Code.OUT_OF_RANGE, "SESSION_DURATION_EXCEEDED", errors.SessionTooLong, False),
        (Code.ABORTED, "IDLE_TIMEOUT", errors.IdleTimeout, False),
        (Code.ABORTED, "SLOW_READER", errors.SlowReader, False),
        (Code.ABORTED, "SESSION_SUPERSEDED", errors.SessionSuperseded, False),
        (Code.NOT_FOUND, "RESUME_TOKEN_INVALID", errors.SessionLost, False),
        (Code.ABORTED, "OF_A_NEWER_SERVER", errors.SessionRefused, False),
        (Code.UNAVAILABLE, "SERVER_DRAINING", errors.Unavailable, True),
        (Code.UNAVAILABLE, "MODEL_LOADING", errors.Unavailable, True),
        (Code.UNAVAILABLE, "ENGINE_UNAVAILABLE", errors.Unavailable, True),
        (Code.DATA_LOSS, "AUDIO_GAP", errors.AudioLost, False),
        (Code.DEADLINE_EXCEEDED, "", errors.DeadlineExceeded, True),
        (Code.CANCELLED, "", errors.ConnectionLost, True),
        (Code.INTERNAL, "RECOGNITION_FAILED", errors.ServerError, False),
        (Code.UNKNOWN, "", errors.ServerError, False),
    ],
)
def test_each_status_becomes_its_error(
    code: grpc.StatusCode, reason: str, kind: type[errors.RemoteError], retryable: bool
) -> None:
    parts = [info(reason)] if reason else []
    error = error_from(failure(code, "because", *parts), established=True)
    assert type(error) is kind
    assert (error.code, error.reason, error.retryable) == (code, reason, retryable)
    assert str(error) == f"because ({reason or code.name})"
    assert error.metadata == ({"limit": "7"} if reason else {})


def test_an_unavailable_nobody_sent_is_a_lost_connection_once_the_call_had_begun() -> None:
    bare = failure(Code.UNAVAILABLE, "socket closed")
    assert type(error_from(bare)) is errors.Unavailable
    assert type(error_from(bare, established=True)) is errors.ConnectionLost


def test_all_details_are_read() -> None:
    violations = [
        details.BadRequest.FieldViolation(field="a.b", description="too long"),
        details.BadRequest.FieldViolation(field="c", description="missing"),
    ]
    retry = details.RetryInfo()
    retry.retry_delay.FromMilliseconds(1500)
    error = error_from(
        failure(
            Code.INVALID_ARGUMENT,
            "bad",
            retry,
            details.BadRequest(field_violations=violations),
            details.ResourceInfo(resource_name="mini"),
            details.DebugInfo(detail="ignored"),
            info("INVALID_CONFIG"),
        )
    )
    assert isinstance(error, errors.InvalidRequest)
    assert (error.field, error.description) == ("a.b", "too long")
    assert error.status.violations == (("a.b", "too long"), ("c", "missing"))
    assert error.status.resource == "mini"
    assert error.retry_after == 1.5
    assert error.retryable  # the server said when


def test_no_retry_info_is_no_advice_and_zero_is_advice() -> None:
    assert error_from(failure(Code.UNAVAILABLE)).retry_after is None
    retry = details.RetryInfo()
    retry.retry_delay.SetInParent()
    assert error_from(failure(Code.UNAVAILABLE, "", retry)).retry_after == 0.0


def test_a_reason_of_someone_else_is_not_ours() -> None:
    error = error_from(failure(Code.UNAVAILABLE, "", info("IDLE_TIMEOUT", domain="proxy")))
    assert type(error) is errors.Unavailable
    assert error.reason == ""


def test_a_message_grpc_refuses_for_its_size_is_an_invalid_request() -> None:
    message = "Received message larger than max (5 vs. 4)"
    error = error_from(failure(Code.RESOURCE_EXHAUSTED, message))
    assert isinstance(error, errors.InvalidRequest)
    assert (error.field, error.description) == ("", message)
    assert not error.retryable
    assert type(error_from(failure(Code.RESOURCE_EXHAUSTED, "quota"))) is errors.Overloaded


def test_details_that_cannot_be_read_are_left_out() -> None:
    error = error_from(failure(Code.ABORTED, "x", raw=b"\xff\xff\xff"))
    assert (type(error), error.reason) == (errors.SessionRefused, "")
    broken = status_pb2.Status(code=10)
    broken.details.add(type_url="type.googleapis.com/google.rpc.ErrorInfo", value=b"\xff")
    error = error_from(failure(Code.ABORTED, "x", raw=broken.SerializeToString()))
    assert (type(error), error.reason) == (errors.SessionRefused, "")
