"""How many calls one address has: no client takes the room of all others."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeAlias
from urllib.parse import unquote

import grpc

from sori_server.domain.errors import CapacityExhausted
from sori_server.domain.limits import Limits
from sori_server.transport.addresses import host_of
from sori_server.transport.grpc.status import abort

Context = grpc.aio.ServicerContext[Any, Any]
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"

_KINDS: Final = {
    (False, False): (grpc.unary_unary_rpc_method_handler, "unary_unary"),
    (False, True): (grpc.unary_stream_rpc_method_handler, "unary_stream"),
    (True, False): (grpc.stream_unary_rpc_method_handler, "stream_unary"),
    (True, True): (grpc.stream_stream_rpc_method_handler, "stream_stream"),
}
"""What makes a handler, and where it keeps its code, by whether requests and responses stream."""


class PeerCalls(grpc.aio.ServerInterceptor):
    """Counts the calls of each address that has any, of every service."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._calls: Counter[str] = Counter()

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        """The handler of a call, within what its address may have."""
        handler = await continuation(handler_call_details)
        return None if handler is None else self._counted(handler)

    def _counted(self, handler: Handler) -> Handler:
        make, kind = _KINDS[handler.request_streaming, handler.response_streaming]
        behaviour = getattr(handler, kind)

        async def answer(asked: Any, context: Context) -> Any:  # noqa: ANN401
            try:
                with self.call(context.peer()):
                    return await behaviour(asked, context)
            except CapacityExhausted as error:
                await abort(context, error, self._limits.write_timeout)

        async def answers(asked: Any, context: Context) -> AsyncIterator[Any]:  # noqa: ANN401
            try:
                with self.call(context.peer()):
                    async for each in behaviour(asked, context):
                        yield each
            except CapacityExhausted as error:
                await abort(context, error, self._limits.write_timeout)

        return make(
            answers if inspect.isasyncgenfunction(behaviour) else answer,
            handler.request_deserializer,
            handler.response_serializer,
        )

    @contextmanager
    def call(self, peer: str) -> Iterator[None]:
        """Count one more call of `peer`, `ipv4:ADDRESS:PORT` as gRPC writes it, meanwhile.

        Raises:
            CapacityExhausted: its address has `max_calls_per_peer` already.
        """
        address = unquote(peer.partition(":")[2].rpartition(":")[0])
        host, most = host_of(address.strip("[]")), self._limits.max_calls_per_peer
        if self._calls[host] >= most:
            raise CapacityExhausted(
                f"one address may have {most} calls",
                metadata={"max_calls_per_peer": str(most)},
                retry_after=self._limits.retry_delay,
            )
        self._calls[host] += 1
        try:
            yield
        finally:
            self._calls[host] -= 1
            if not self._calls[host]:
                del self._calls[host]
