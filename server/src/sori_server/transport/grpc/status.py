"""Errors to gRPC statuses with `google.rpc` details: one table."""

from __future__ import annotations

from typing import Final

import grpc
from google.protobuf.any_pb2 import Any
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from sori_server.domain import errors
from sori_server.transport.contract.durations import duration

DOMAIN: Final = "sori.v1"
"""`ErrorInfo.domain` of all errors."""

_CODES: Final[dict[type[errors.SoriError], int]] = {
    errors.InvalidAudio: code_pb2.INVALID_ARGUMENT,
    errors.InvalidConfig: code_pb2.INVALID_ARGUMENT,
    errors.ProtocolViolation: code_pb2.FAILED_PRECONDITION,
    errors.ModelNotFound: code_pb2.NOT_FOUND,
    errors.AudioGap: code_pb2.DATA_LOSS,
    errors.ResumeTokenInvalid: code_pb2.NOT_FOUND,
    errors.SessionSuperseded: code_pb2.ABORTED,
    errors.IdleTimeout: code_pb2.ABORTED,
    errors.SlowReader: code_pb2.ABORTED,
    errors.MessageTooLarge: code_pb2.RESOURCE_EXHAUSTED,
    errors.OriginNotAllowed: code_pb2.PERMISSION_DENIED,
    errors.SessionTooLong: code_pb2.OUT_OF_RANGE,
    errors.CapacityExhausted: code_pb2.RESOURCE_EXHAUSTED,
    errors.ServerDraining: code_pb2.UNAVAILABLE,
    errors.ModelLoading: code_pb2.UNAVAILABLE,
    errors.UpstreamUnavailable: code_pb2.UNAVAILABLE,
    errors.EngineUnavailable: code_pb2.UNAVAILABLE,
}


def grpc_status(error: errors.SoriError) -> grpc.Status:
    """The status a call ends with; INTERNAL for errors without a row of their own."""
    code = _CODES.get(type(error), code_pb2.INTERNAL)
    status = status_pb2.Status(code=code, message=str(error))
    for detail in _details(error):
        packed = Any()
        packed.Pack(detail)
        status.details.append(packed)
    rich: grpc.Status = rpc_status.to_status(status)
    return rich


def _details(error: errors.SoriError) -> list[Message]:
    details: list[Message] = [
        error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=error.metadata)
    ]
    if isinstance(error, errors.InvalidConfig):
        violation = error_details_pb2.BadRequest.FieldViolation(
            field=error.field, description=error.description
        )
        details.append(error_details_pb2.BadRequest(field_violations=[violation]))
    if isinstance(error, errors.ModelNotFound):
        details.append(
            error_details_pb2.ResourceInfo(
                resource_type="model", resource_name=error.metadata.get("model", "")
            )
        )
    if error.retry_after is not None:
        details.append(error_details_pb2.RetryInfo(retry_delay=duration(error.retry_after)))
    return details
