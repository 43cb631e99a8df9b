"""Connections to the gRPC port: no address takes the room of all others.

gRPC bounds the connections of a port, not those of an address, and ends none on request. Their
sockets are descriptors of this process, though: a duplicate of one tells both its ends, and what
is shut down through it is a lost connection to gRPC.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import stat
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from sori_server.domain.limits import Limits
from sori_server.transport.addresses import host_of

DESCRIPTORS: Final = Path("/dev/fd")
"""Lists those of the process that looks, on Linux and macOS alike."""
POLL: Final = 0.1
"""Seconds between two looks."""
CROWDED_POLL: Final = 0.02
"""The same, when there was a connection too many."""
Place = tuple[int, int]
"""A descriptor, and the number of the socket that it is."""

_log = logging.getLogger(__name__)


class PortConnections:
    """The connections of one listening port of this process."""

    def __init__(self, port: int, limits: Limits) -> None:
        self._port = port
        self._most = limits.max_connections
        self._most_of_host = limits.max_connections_per_peer
        self._hosts: dict[Place, str | None] = {}
        """Of every socket, first seen first, the host at the other end of a connection to the
        port; None of all others."""

    async def keep(self) -> None:
        """Trim until cancelled, the more often where it was needed, in a quarter of the time."""
        while True:
            began, ended = time.thread_time(), 0
            try:
                ended = self.trim()
            except Exception:  # a bug of ours leaves the bound that gRPC has
                _log.exception("connections could not be looked at")
            took = time.thread_time() - began
            await asyncio.sleep(max(CROWDED_POLL if ended else POLL, 3 * took))

    def trim(self) -> int:
        """End the newest connections above the bounds of a host and of the port.

        Looks closer only where the process has descriptors enough for that. Where the system does
        not list them, or lets this process have no more, nothing is ended.

        Returns:
            How many were ended.
        """
        with suppress(OSError):
            descriptors = [int(name) for name in os.listdir(DESCRIPTORS)]
            if len(descriptors) > min(self._most, self._most_of_host):
                self._look_at(descriptors)
                return sum(self._shut_down(*each) for each in self._excess())
        return 0

    def _look_at(self, descriptors: list[int]) -> None:
        places = dict.fromkeys(_sockets_among(descriptors))
        seen = {place: host for place, host in self._hosts.items() if place in places}
        for place in places:
            if place not in seen or not place[1]:  # macOS does not number them
                with suppress(OSError), _duplicate(place) as connection:
                    seen[place] = self._host_at(connection)
        self._hosts = seen

    def _host_at(self, connection: socket.socket) -> str | None:
        """The host at the other end, if this is a connection to the port.

        Raises:
            OSError: it was lost meanwhile.
        """
        if connection.family not in (socket.AF_INET, socket.AF_INET6):
            return None
        if connection.getsockname()[1] != self._port:
            return None
        return host_of(connection.getpeername()[0])

    def _shut_down(self, place: Place, host: str) -> bool:
        """Whether this still was a connection of that host, which has ended now."""
        with suppress(OSError), _duplicate(place) as connection:
            if self._host_at(connection) == host:
                connection.shutdown(socket.SHUT_RDWR)
                return True
        return False

    def _excess(self) -> list[tuple[Place, str]]:
        kept: Counter[str] = Counter()
        in_all, excess = 0, []
        for place, host in self._hosts.items():
            if host is None:
                continue
            if kept[host] < self._most_of_host and in_all < self._most:
                kept[host] += 1
                in_all += 1
            else:
                excess.append((place, host))
        return excess


def _sockets_among(descriptors: list[int]) -> Iterator[Place]:
    for descriptor in descriptors:
        with suppress(OSError):
            status = os.fstat(descriptor)
            if stat.S_ISSOCK(status.st_mode):
                yield descriptor, status.st_ino


@contextmanager
def _duplicate(place: Place) -> Iterator[socket.socket]:
    """Another descriptor of the same socket, meanwhile.

    Raises:
        OSError: it was closed meanwhile, or there are too many descriptors.
    """
    descriptor, number = place
    copy = os.dup(descriptor)
    try:
        if os.fstat(copy).st_ino != number:
            raise OSError("the descriptor is of something else by now")
        connection = socket.socket(fileno=copy)
    except OSError:
        os.close(copy)
        raise
    with connection:
        yield connection
