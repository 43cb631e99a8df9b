"""The bridge's port: deadlines of requests that do not come, and a bound on connections.

aiohttp has no deadline for the first request of a connection; an idle connection after that
is closed by its keep-alive timeout, half a request or not. Clients that take no bytes at all are
dropped by the system, whatever they asked for.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable
from typing import Final

from aiohttp import web

from sori_server.domain.errors import AddressUnavailable
from sori_server.domain.limits import Limits
from sori_server.transport.addresses import host_of

SEND_BUFFER: Final = 64 * 1024
"""Bytes the system keeps for a client that does not read; by itself it would keep megabytes, and
nobody would notice that a client is slow."""
RECEIVE_BUFFER: Final = 256 * 1024
"""Bytes the system takes ahead of the server: a ping behind minutes of audio is answered too late
for the client that sent it."""
SWEEPS: Final = 10
"""In the time that a connection has for the head of a request."""
_FULL: Final = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"


class Listener:
    """Accepts connections for `server` and closes those that ask for nothing in time."""

    def __init__(self, server: web.Server, limits: Limits) -> None:
        self._server = server
        self._limits = limits
        self._silent: dict[web.RequestHandler, float] = {}
        """Deadlines on the loop's clock. Those of connections that were lost go with the next
        sweep: kept until their time, ten thousand of them would make each collection of garbage
        take a tenth of a second."""
        self._there: dict[str, set[web.RequestHandler]] = {}
        """Connections of each host; those that were lost go with the next sweep, or when the host
        has too many."""
        self._sweeping: asyncio.TimerHandle | None = None
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
        self._sweep()
        bound: int = self._listening.sockets[0].getsockname()[1]
        return bound

    def close(self) -> None:
        """Accept no more connections."""
        if self._listening is not None:
            self._listening.close()
        if self._sweeping is not None:
            self._sweeping.cancel()
        self._silent.clear()
        self._there.clear()

    def note_request(self, request: web.Request) -> None:
        """Take note that the head of a request has come."""
        self._silent.pop(request.protocol, None)

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
        asyncio.get_running_loop().call_later(0, self._admit, connection)
        return connection

    def _admit(self, connection: web.RequestHandler) -> None:
        """Give a connection that knows its other end a deadline, if that has not too many."""
        transport, host = connection.transport, _host_of(connection)
        if transport is None or host is None:
            return
        if not self._has_room(host, connection):
            transport.write(_FULL)
            transport.close()
            return
        deadline = asyncio.get_running_loop().time() + self._limits.header_timeout
        self._silent[connection] = deadline

    def _has_room(self, host: str, connection: web.RequestHandler) -> bool:
        """Whether this connection of a host is not one too many; counts it if so."""
        most, there = self._limits.max_connections_per_peer, self._there.setdefault(host, set())
        if len(there) >= most:
            there.difference_update(_gone(there))
        if len(there) >= most:
            return False
        there.add(connection)
        return True

    def _sweep(self) -> None:
        """Cut off who has asked for nothing in time, and forget who has gone."""
        loop, patience = asyncio.get_running_loop(), self._limits.header_timeout
        for connection, deadline in list(self._silent.items()):
            transport = connection.transport
            if transport is None or loop.time() >= deadline:
                del self._silent[connection]
                if transport is not None:
                    transport.abort()
        for host, there in list(self._there.items()):
            there.difference_update(_gone(there))
            if not there:
                del self._there[host]
        self._sweeping = loop.call_later(patience / SWEEPS, self._sweep)


def _gone(connections: Iterable[web.RequestHandler]) -> set[web.RequestHandler]:
    """Those that were lost."""
    return {each for each in connections if each.transport is None}


def _host_of(connection: web.RequestHandler) -> str | None:
    """The host at the other end."""
    name = connection.transport and connection.transport.get_extra_info("peername")
    return host_of(name[0]) if name else None


class _Refusal(asyncio.Protocol):
    """A connection too many: told so, and closed."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)  # noqa: S101 - of a socket
        transport.write(_FULL)
        transport.close()
