"""Connections of one address above its share are ended, newest first; those of others are not."""

from __future__ import annotations

import asyncio
import errno
import gc
import os
import resource
import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from unittest.mock import Mock

import pytest
from sori_server.domain.limits import Limits
from sori_server.transport.grpc.connections import Place, PortConnections

pytestmark = pytest.mark.unit


class Port:
    """A listener in this process, and the clients of it."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        self.port: int = self._listener.getsockname()[1]

        self.accepted: list[socket.socket] = []

    def connected(self, count: int, source: str = "127.0.0.1") -> list[socket.socket]:
        """The clients' ends of so many connections more from an address."""
        return [self._connected(source) for _ in range(count)]

    def _connected(self, source: str) -> socket.socket:
        where = ("127.0.0.1", self.port)
        client = socket.create_connection(where, timeout=1, source_address=(source, 0))
        self._stack.enter_context(client)
        self.accepted.append(self._stack.enter_context(self._listener.accept()[0]))
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
    gc.collect()
    before = len(os.listdir("/dev/fd"))
    assert connections.trim() == 2
    assert len(os.listdir("/dev/fd")) <= before


def test_without_descriptors_enough_nothing_is_looked_at(port: Port) -> None:
    many = Limits(max_connections=100_000, max_connections_per_peer=100_000)
    connections = PortConnections(port.port, many)
    port.connected(3)
    assert connections.trim() == 0
    assert not connections._hosts


def test_the_newest_above_the_bound_of_the_port_are_ended_whosever_they_are(port: Port) -> None:
    connections = PortConnections(port.port, Limits(max_connections=4))
    kept = [client for n in range(4) for client in port.connected(1, f"127.0.0.{n + 1}")]
    assert connections.trim() == 0
    others = [client for n in range(4) for client in port.connected(1, f"127.0.0.{n + 5}")]
    assert connections.trim() == 4
    assert [is_open(each) for each in kept + others] == [True] * 4 + [False] * 4


def test_a_process_without_a_free_descriptor_looks_again_when_it_has_one(port: Port) -> None:
    connections = PortConnections(port.port, Limits(max_connections_per_peer=3))
    before = port.connected(3)
    assert connections.trim() == 0
    after = port.connected(2)
    with no_free_descriptor():
        assert connections.trim() == 0
    assert connections.trim() == 2
    assert [is_open(each) for each in before + after] == [True] * 3 + [False] * 2


@contextmanager
def no_free_descriptor() -> Iterator[None]:
    """Meanwhile this process can have no more."""
    with open(os.devnull, "rb") as first, ExitStack() as stack:
        bound = resource.getrlimit(resource.RLIMIT_NOFILE)
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, bound)
        resource.setrlimit(resource.RLIMIT_NOFILE, (first.fileno() + 64, bound[1]))
        with suppress(OSError):
            while True:
                stack.callback(os.close, os.dup(first.fileno()))
        yield


def test_connections_that_cannot_be_looked_at_are_looked_at_again(
    port: Port, monkeypatch: pytest.MonkeyPatch
) -> None:
    connections = PortConnections(port.port, Limits(max_connections_per_peer=1))
    port.connected(3)
    with monkeypatch.context() as patched:
        patched.setattr(os, "dup", Mock(side_effect=OSError(errno.EMFILE, "too many")))
        assert connections.trim() == 0
    assert connections.trim() == 2


async def test_a_bug_does_not_end_the_looking(
    port: Port, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    connections = PortConnections(port.port, Limits(max_connections_per_peer=1))
    clients = port.connected(2)
    excess = PortConnections._excess
    looks = Mock(side_effect=[RuntimeError("a bug"), *[[]] * 3])
    monkeypatch.setattr(PortConnections, "_excess", lambda _: looks())
    keeping = asyncio.create_task(connections.keep())
    async with asyncio.timeout(5):
        while looks.call_count < 3:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        monkeypatch.setattr(PortConnections, "_excess", excess)
        while is_open(clients[1]):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    keeping.cancel()
    assert "a bug" in caplog.text


def test_connections_that_are_reset_meanwhile_are_no_error(
    port: Port, monkeypatch: pytest.MonkeyPatch
) -> None:
    connections = PortConnections(port.port, Limits(max_connections_per_peer=1))
    clients = port.connected(3)
    reset = struct.pack("ii", 1, 0)
    excess = PortConnections._excess

    def reset_first(self: PortConnections) -> list[tuple[Place, str]]:
        for each in clients:
            each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
            each.close()
        return excess(self)

    monkeypatch.setattr(PortConnections, "_excess", reset_first)
    assert connections.trim() == 0


def test_a_descriptor_that_became_another_socket_is_left_alone(
    port: Port, monkeypatch: pytest.MonkeyPatch
) -> None:
    connections = PortConnections(port.port, Limits(max_connections_per_peer=1))
    port.connected(3)
    innocent, other = socket.socketpair()
    excess = PortConnections._excess

    def replaced_first(self: PortConnections) -> list[tuple[Place, str]]:
        found = excess(self)
        assert found
        for each in port.accepted:
            os.dup2(innocent.fileno(), each.fileno())
        return found

    monkeypatch.setattr(PortConnections, "_excess", replaced_first)
    assert connections.trim() == 0
    with innocent, other:
        assert is_open(other)
