"""What a server raised is raised again behind the call, and nothing else tells of inner things."""

from __future__ import annotations

import inspect

import grpc
import pytest
from google.rpc import status_pb2
from sori_server.domain import errors
from sori_server.domain.errors import SoriError
from sori_server.transport.grpc.status import grpc_status
from sori_server.upstream.status import error_from, unavailable

pytestmark = pytest.mark.unit

RAISED = [
    errors.InvalidConfig("config.task", "is odd", limit="3"),
    errors.InvalidAudio("audio.data", "is no audio: not at all"),
    errors.ProtocolViolation("config: sent twice", metadata={"field": "config"}),
    errors.AudioGap(10, 12, "audio.byte_offset"),
    errors.ModelNotFound("no such model", metadata={"model": "huge"}),
    errors.ResumeTokenInvalid(),
    errors.SessionSuperseded("another connection has resumed the session"),
    errors.IdleTimeout("no message for 60 s", metadata={"idle_timeout": "60"}),
    errors.SlowReader("너무 느립니다 …"),
    errors.MessageTooLarge("audio", 100),
    errors.OriginNotAllowed("pages of https://example.org"),
    errors.SessionTooLong("too long"),
    errors.CapacityExhausted("all streams are taken", retry_after=1.5),
    errors.ServerDraining("leaving", retry_after=0.25),
    errors.ModelLoading("loading", retry_after=1.5),
    errors.UpstreamUnavailable("not there", retry_after=1.5),
    errors.EngineUnavailable("no worker", retry_after=1.5),
    errors.EngineUnavailable("no worker"),
    errors.RecognitionFailed("a hole"),
    errors.RequestCancelled("withdrawn"),
    errors.AddressUnavailable("taken"),
]
GROUPS = {errors.SoriError, errors.ClientError, errors.Unavailable, errors.EngineError}
"""Without a reason of their own."""


def failed(
    code: grpc.StatusCode, message: str = "", details: bytes | None = None
) -> grpc.aio.AioRpcError:
    trailers = grpc.aio.Metadata()
    if details is not None:
        trailers.add("grpc-status-details-bin", details)
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), trailers, message)


def failed_with(error: SoriError) -> grpc.aio.AioRpcError:
    """The call that a server ended with `error`."""
    status = grpc_status(error)
    ((_, details),) = status.trailing_metadata
    assert isinstance(details, bytes)
    return failed(status.code, status.details, details)


def test_every_error_of_the_tree_is_here() -> None:
    tree = {
        value
        for value in vars(errors).values()
        if inspect.isclass(value) and issubclass(value, SoriError)
    }
    assert tree - GROUPS == {type(error) for error in RAISED}


@pytest.mark.parametrize("raised", RAISED, ids=lambda error: type(error).__name__)
def test_an_error_comes_back_as_it_was_raised(raised: SoriError) -> None:
    error = error_from(failed_with(raised), retry_after=9.0)
    assert type(error) is type(raised)
    assert str(error) == str(raised)
    assert error.metadata == raised.metadata
    assert error.retry_after == raised.retry_after
    assert (error.reason, error.retryable) == (raised.reason, raised.retryable)


def test_a_wrong_field_is_still_told_apart_from_what_is_wrong_with_it() -> None:
    error = error_from(failed_with(errors.InvalidConfig("config.task", "is odd")), 1.0)
    assert isinstance(error, errors.InvalidConfig)
    assert (error.field, error.description) == ("config.task", "is odd")


@pytest.mark.parametrize(
    "code",
    [
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
    ],
)
def test_a_server_that_is_not_there_may_be_tried_again(code: grpc.StatusCode) -> None:
    error = error_from(failed(code, "ipv4:10.1.2.3:50051: refused"), retry_after=2.0)
    assert isinstance(error, errors.UpstreamUnavailable)
    assert error.retryable
    assert error.retry_after == 2.0
    assert "10.1.2.3" not in str(error)
    assert str(error) == str(unavailable(2.0))


def test_a_server_without_room_may_be_tried_again() -> None:
    error = error_from(failed(grpc.StatusCode.RESOURCE_EXHAUSTED, "at 10.1.2.3"), 2.0)
    assert isinstance(error, errors.CapacityExhausted)
    assert error.retry_after == 2.0
    assert "10.1.2.3" not in str(error)


@pytest.mark.parametrize(
    "code", [grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.UNIMPLEMENTED]
)
def test_what_is_not_of_sori_is_an_internal_error(code: grpc.StatusCode) -> None:
    error = error_from(failed(code, "at 10.1.2.3"), retry_after=2.0)
    assert type(error) is SoriError
    assert code.name in str(error)
    assert "10.1.2.3" not in str(error)
    assert error.retry_after is None


def test_a_reason_of_later_times_is_taken_for_none() -> None:
    class Later(SoriError):
        reason = "LATER"

    assert type(error_from(failed_with(Later("odd")), 1.0)) is SoriError


def test_details_that_cannot_be_read_are_taken_for_none() -> None:
    error = error_from(failed(grpc.StatusCode.UNAVAILABLE, "", b"\xff\xff"), 1.0)
    assert isinstance(error, errors.UpstreamUnavailable)
    empty = status_pb2.Status().SerializeToString()
    error = error_from(failed(grpc.StatusCode.UNAVAILABLE, "", empty), 1.0)
    assert isinstance(error, errors.UpstreamUnavailable)
