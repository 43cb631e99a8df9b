"""Statuses of calls to errors of Sori: what the remote server raised, as if raised here."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Final

import grpc
from sori_client.wire.status import call_status

from sori_server.domain import errors

_UNREACHABLE: Final = (
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.DEADLINE_EXCEEDED,
)
"""What gRPC itself ends calls with when the connection is not made, breaks or is silent."""

_log = logging.getLogger(__name__)


def error_from(failure: grpc.aio.AioRpcError, retry_after: float) -> errors.SoriError:
    """The error that ended a call.

    Of the class that the server raised, if it said so; `UpstreamUnavailable`, to be tried again
    after so many seconds, when there was no server to say anything; `SoriError` for the rest.
    """
    status = call_status(failure)
    kind = _BY_REASON.get(status.reason)
    if kind is not None:
        return kind.restored(status.message, dict(status.metadata), status.retry_after)
    # Only for the log: gRPC's own words tell addresses that are no business of clients.
    _log.warning("the upstream server failed: %s, %s", status.code.name, status.message)
    if status.code in _UNREACHABLE:
        return unavailable(retry_after)
    if status.code is grpc.StatusCode.RESOURCE_EXHAUSTED:
        message = "the upstream server has no room"
        return errors.CapacityExhausted(message, retry_after=status.retry_after or retry_after)
    return errors.SoriError(f"the upstream server failed: {status.code.name}")


def unavailable(retry_after: float) -> errors.UpstreamUnavailable:
    """What is raised when there is no server to say anything."""
    message = "the upstream server cannot be reached, or was lost"
    return errors.UpstreamUnavailable(message, retry_after=retry_after)


def _classes(kind: type[errors.SoriError]) -> Iterator[type[errors.SoriError]]:
    for child in kind.__subclasses__():
        yield child
        yield from _classes(child)


_BY_REASON: Final = {
    kind.reason: kind for kind in _classes(errors.SoriError) if "reason" in vars(kind)
}
"""The classes that have a reason of their own."""
