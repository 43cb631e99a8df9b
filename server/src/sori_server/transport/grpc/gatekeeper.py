"""What holds for every call: how many one host may have, and how errors are told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias

import grpc

from sori_server.domain.errors import SoriError
from sori_server.domain.limits import Limits
from sori_server.transport.grpc.operations import end
from sori_server.transport.grpc.peers import PeerCalls
from sori_server.transport.grpc.status import grpc_status

Context = grpc.aio.ServicerContext[Any, Any]
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"

_KINDS: Final = {
    False: (grpc.stream_unary_rpc_method_handler, "stream_unary"),
    True: (grpc.stream_stream_rpc_method_handler, "stream_stream"),
}
"""What makes a handler, and where it keeps its code, by whether there are many responses."""


class Gatekeeper(grpc.aio.ServerInterceptor):
    """Around the handlers of all services: calls are counted, errors of Sori become statuses.

    Handlers read their requests themselves, if it is one or more, which is the same on the wire.
    That of a `unary_` handler gRPC would read before it is called: the call would have no deadline
    and not count until then, and of bytes that are no message gRPC would tell as of an error of
    the server's. With many responses they write them themselves, too.
    """

    def __init__(self, limits: Limits, peers: PeerCalls) -> None:
        self._limits = limits
        self._peers = peers

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        """The handler of a call, with this around it."""
        handler = await continuation(handler_call_details)
        return None if handler is None else self._around(handler)

    def _around(self, handler: Handler) -> Handler:
        make, kind = _KINDS[handler.response_streaming]
        behaviour = getattr(handler, kind)

        async def answer(requests: Any, context: Context) -> Any:  # noqa: ANN401
            try:
                self._count(context)
                return await behaviour(requests, context)
            except SoriError as error:
                await end(context, grpc_status(error), self._limits)

        return make(answer, handler.request_deserializer, handler.response_serializer)

    def _count(self, context: Context) -> None:
        """Until its client has taken the status, which may be long after the handler has returned.

        Raises:
            CapacityExhausted: the host of the client has too many calls.
        """
        peer = context.peer()
        self._peers.begin(peer)
        context.add_done_callback(lambda _: self._peers.end(peer))  # type: ignore[arg-type]
