"""The bridge's port: deadlines of requests that do not come, and a bound on connections.

aiohttp has no deadline for the first request of a connection; an idle connection after that
is closed by its keep-alive timeout, half a request or not. Clients that take no bytes at all are
dropped by the system, whatever they asked for.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Final

from aiohttp import web

from sori_server.domain.errors import AddressUnavailable
from sori_server.domain.limits import Limits

SEND_BUFFER: Final = 64 * 1024
"""Bytes the system keeps for a client that does not read; by itself it would keep megabytes, and
nobody would notice that a client is slow."""
RECEIVE_BUFFER: Final = 256 * 1024
"""Bytes the system takes ahead of the server: a ping behind minutes of audio is answered too late
for the client that sent it."""
_FULL: Final = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"


class Listener:
    """Accepts connections for `server` and closes those that ask for nothing in time."""

    def __init__(self, server: web.Server, limits: Limits) -> None:
        self._server = server
        self._limits = limits
        self._silent: dict[asyncio.BaseProtocol, asyncio.TimerHandle] = {}
        self._listening: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen. Port 0 picks a free one.

        Returns:
            The port listened on.

        Raises:
            AddressUnavailable: the port is taken or the host is not ours.
        """
        loop = asyncio.get_running_loop()
        try:
            self._listening = await loop.create_server(self._accept, host, port)
        except OSError as error:
            raise AddressUnavailable(
                f"cannot listen on {host}:{port}: the port is taken or the host is not local",
                metadata={"host": host, "port": str(port)},
            ) from error
        for listening in self._listening.sockets:
            self._bound(listening)
        bound: int = self._listening.sockets[0].getsockname()[1]
        return bound

    def close(self) -> None:
        """Accept no more connections."""
        if self._listening is not None:
            self._listening.close()
        for deadline in self._silent.values():
            deadline.cancel()
        self._silent.clear()

    def note_request(self, request: web.Request) -> None:
        """Take note that the head of a request has come."""
        if (deadline := self._silent.pop(request.protocol, None)) is not None:
            deadline.cancel()

    def _bound(self, listening: socket.socket) -> None:
        """What the system does by itself for connections, which inherit it."""
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
            patience = round(1000 * (self._limits.write_timeout + self._limits.close_timeout))
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, patience)

    def _accept(self) -> asyncio.BaseProtocol:
        if len(self._server.connections) >= self._limits.max_connections:
            return _Refusal()
        connection = self._server()
        loop, patience = asyncio.get_running_loop(), self._limits.header_timeout
        self._silent[connection] = loop.call_later(patience, self._abort, connection)
        loop.call_later(0, self._check_peer, connection)  # when it knows its other end
        return connection

    def _check_peer(self, connection: web.RequestHandler) -> None:
        """Close a connection whose other end has too many."""
        transport, peer = connection.transport, _peer_of(connection)
        if transport is None or peer is None:
            return
        mates = sum(_peer_of(each) == peer for each in self._server.connections)
        if mates > self._limits.max_connections_per_peer:
            transport.write(_FULL)
            transport.close()

    def _abort(self, connection: web.RequestHandler) -> None:
        del self._silent[connection]
        if connection.transport is not None:
            connection.transport.abort()


def _peer_of(connection: web.RequestHandler) -> str | None:
    """The address at the other end."""
    name = connection.transport and connection.transport.get_extra_info("peername")
    return name[0] if name else None


class _Refusal(asyncio.Protocol):
    """A connection too many: told so, and closed."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)  # noqa: S101 - of a socket
        transport.write(_FULL)
        transport.close()
