"""The status a streaming call really ended with."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

import grpc

T = TypeVar("T")


class FinalStatus:
    """Keeps the status of a call from being overwritten.

    When a message is being written while the server ends the call, grpc.aio replaces the
    server's status by INTERNAL, sometimes before and sometimes after it has arrived
    (grpc/grpc#36066, open in 1.85). Of the status first set and the one set last, the one
    that is not INTERNAL, or has metadata, is the server's.
    """

    def __init__(self, call: grpc.aio.Call) -> None:
        self._first: grpc.aio.AioRpcError | None = None
        call.add_done_callback(self._keep)

    def of(self, last: grpc.aio.AioRpcError) -> grpc.aio.AioRpcError:
        """The server's status, given the one the call raised."""
        if _made_here(last) and self._first is not None:
            return self._first
        return last

    def _keep(self, call: grpc.aio.Call) -> None:
        if self._first is None:
            self._first = _finished(_status(call))


def _made_here(status: grpc.aio.AioRpcError) -> bool:
    return status.code() is grpc.StatusCode.INTERNAL and not status.trailing_metadata()


async def _status(call: grpc.aio.Call) -> grpc.aio.AioRpcError:
    return grpc.aio.AioRpcError(
        await call.code(), grpc.aio.Metadata(), await call.trailing_metadata(), await call.details()
    )


def _finished(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that has nothing to wait for."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    coroutine.close()
    raise RuntimeError("the call has no status yet")
