"""Which of two statuses of a call is the server's, whichever came first."""

from __future__ import annotations

from collections.abc import Callable

import grpc
import pytest
from grpc.aio import AioRpcError, Metadata
from sori_client.final_status import FinalStatus

pytestmark = pytest.mark.unit

INTERNAL, ABORTED = grpc.StatusCode.INTERNAL, grpc.StatusCode.ABORTED
REASON = Metadata(("grpc-status-details-bin", b"why"))
MADE_HERE = AioRpcError(INTERNAL, Metadata(), Metadata(), "Internal error from Core.")
MEANT = AioRpcError(INTERNAL, Metadata(), REASON, "not recognized")
BARE = AioRpcError(ABORTED, Metadata(), Metadata(), "over")


class Ended:
    """A call whose status was set, and once more by grpc.aio."""

    def __init__(self, status: AioRpcError) -> None:
        self._status = status

    def add_done_callback(self, callback: Callable[[Ended], None]) -> None:
        callback(self)
        self._status = MADE_HERE
        callback(self)

    async def code(self) -> grpc.StatusCode:
        return self._status.code()

    async def details(self) -> str | None:
        return self._status.details()

    async def trailing_metadata(self) -> Metadata:
        return self._status.trailing_metadata()


@pytest.mark.parametrize("servers", [MEANT, BARE])
def test_what_grpc_makes_up_replaces_no_status_of_a_server(servers: AioRpcError) -> None:
    for first, last in ((servers, MADE_HERE), (MADE_HERE, servers), (servers, servers)):
        status = FinalStatus(Ended(first)).of(last)  # type: ignore[arg-type]
        assert (status.code(), status.details()) == (servers.code(), servers.details())
        assert list(status.trailing_metadata()) == list(servers.trailing_metadata())


def test_what_grpc_makes_up_is_told_when_there_is_nothing_else() -> None:
    status = FinalStatus(Ended(MADE_HERE)).of(MADE_HERE)  # type: ignore[arg-type]
    assert (status.code(), status.details()) == (INTERNAL, "Internal error from Core.")
