"""Connections of one address above its share are ended, newest first; those of others are not."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest
from sori_server.domain.limits import Limits
from sori_server.transport.grpc.connections import PortConnections

pytestmark = pytest.mark.unit


class Port:
    """A listener in this process, and the clients of it."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        self.port: int = self._listener.getsockname()[1]

    def connected(self, count: int, source: str = "127.0.0.1") -> list[socket.socket]:
        """The clients' ends of so many connections more from an address."""
        return [self._connected(source) for _ in range(count)]

    def _connected(self, source: str) -> socket.socket:
        where = ("127.0.0.1", self.port)
        client = socket.create_connection(where, timeout=1, source_address=(source, 0))
        self._stack.enter_context(client)
        self._stack.enter_context(self._listener.accept()[0])
        return client


@pytest.fixture
def port() -> Iterator[Port]:
    with ExitStack() as stack:
        yield Port(stack)


def is_open(client: socket.socket) -> bool:
    client.setblocking(False)
    with suppress(BlockingIOError):
        return bool(client.recv(1))
    return True


def test_the_newest_of_an_address_above_its_share_are_ended(port: Port) -> None:
    connections = PortConnections(port.port, Limits(max_connections_per_peer=3))
    before = port.connected(3)
    assert connections.trim() == 0
    after = port.connected(2)
    elsewhere = port.connected(3, "127.0.0.2")
    assert connections.trim() == 2
    assert [is_open(each) for each in before + elsewhere] == [True] * 6
    assert [is_open(each) for each in after] == [False] * 2


def test_other_ports_are_left_alone(port: Port) -> None:
    with ExitStack() as stack:
        other = Port(stack)
        clients = other.connected(4)
        assert PortConnections(port.port, Limits(max_connections_per_peer=2)).trim() == 0
        assert all(is_open(each) for each in clients)


def test_looking_leaves_no_descriptor(port: Port) -> None:
    connections = PortConnections(port.port, Limits(max_connections_per_peer=1))
    port.connected(3)
    before = len(os.listdir("/dev/fd"))
    assert connections.trim() == 2
    assert len(os.listdir("/dev/fd")) == before


def test_without_descriptors_enough_nothing_is_looked_at(port: Port) -> None:
    connections = PortConnections(port.port, Limits(max_connections_per_peer=100_000))
    port.connected(3)
    assert connections.trim() == 0
    assert not connections._kept
