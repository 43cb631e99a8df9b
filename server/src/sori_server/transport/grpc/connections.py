"""Connections to the gRPC port: no address takes the room of all others.

gRPC bounds the connections of a port, not those of an address, and ends none on request. Their
sockets are descriptors of this process, though: a duplicate of one tells both its ends, and what
is shut down through it is a lost connection to gRPC.
"""

from __future__ import annotations

import os
import socket
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from sori_server.domain.limits import Limits

DESCRIPTORS: Final = Path("/dev/fd")
"""Lists those of the process that looks, on Linux and macOS alike."""
Peer = tuple[str, int]
"""Address and port of the other end."""


class PortConnections:
    """The connections of one listening port of this process."""

    def __init__(self, port: int, limits: Limits) -> None:
        self._port = port
        self._most = limits.max_connections_per_peer
        self._kept: frozenset[Peer] = frozenset()

    def trim(self) -> int:
        """End the newest connections of each address that has more than its share.

        Looks closer only where the process has descriptors enough for that.

        Returns:
            How many were ended.
        """
        if len(_descriptors()) <= self._most:
            return 0
        excess = self._excess()
        if excess:
            for peer, connection in self._connections():
                if peer in excess:
                    connection.shutdown(socket.SHUT_RDWR)
        return len(excess)

    def _excess(self) -> set[Peer]:
        """The connections above the share of their address; those seen before go last."""
        by_address: dict[str, list[Peer]] = defaultdict(list)
        for peer, _ in self._connections():
            by_address[peer[0]].append(peer)
        excess, kept = set[Peer](), set[Peer]()
        for peers in by_address.values():
            peers.sort(key=lambda peer: peer not in self._kept)
            kept.update(peers[: self._most])
            excess.update(peers[self._most :])
        self._kept = frozenset(kept)
        return excess

    def _connections(self) -> Iterator[tuple[Peer, socket.socket]]:
        """The other end of each connection, and a duplicate of its socket until the next."""
        for descriptor in _descriptors():
            with suppress(OSError), _duplicate(descriptor) as connection:
                if (peer := self._peer(connection)) is not None:
                    yield peer, connection

    def _peer(self, connection: socket.socket) -> Peer | None:
        """The other end of a connection to the port; None of any other socket."""
        if connection.family not in (socket.AF_INET, socket.AF_INET6):
            return None
        if connection.getsockname()[1] != self._port:
            return None
        address, port, *_ = connection.getpeername()
        return address, port


def _descriptors() -> list[int]:
    """All of this process; none where the system does not list them."""
    try:
        return [int(name) for name in os.listdir(DESCRIPTORS)]
    except FileNotFoundError:
        return []


@contextmanager
def _duplicate(descriptor: int) -> Iterator[socket.socket]:
    """Another descriptor of the same socket, meanwhile.

    Raises:
        OSError: the descriptor is of no socket, or was closed.
    """
    copy = os.dup(descriptor)
    try:
        connection = socket.socket(fileno=copy)
    except OSError:
        os.close(copy)
        raise
    with connection:
        yield connection
