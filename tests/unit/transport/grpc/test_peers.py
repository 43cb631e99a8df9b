"""Streams are counted by address, whatever their ports."""

from __future__ import annotations

import pytest
from sori_server.domain.errors import CapacityExhausted
from sori_server.domain.limits import Limits
from sori_server.transport.grpc.peers import PeerStreams

pytestmark = pytest.mark.unit


def test_one_address_has_so_many_streams_and_another_its_own() -> None:
    peers = PeerStreams(Limits(max_streams_per_peer=2, retry_delay=1.5))
    with peers.stream("ipv4:10.0.0.1:1"), peers.stream("ipv4:10.0.0.1:2"):
        with pytest.raises(CapacityExhausted, match="2 streams") as refused:
            peers.stream("ipv4:10.0.0.1:3").__enter__()
        assert refused.value.metadata == {"max_streams_per_peer": "2"}
        assert refused.value.retry_after == 1.5
        with peers.stream("ipv4:10.0.0.2:1"), peers.stream("ipv6:[::1]:1"):
            pass
    with peers.stream("ipv4:10.0.0.1:4"):
        pass


def test_addresses_without_streams_are_forgotten() -> None:
    peers = PeerStreams(Limits())
    for port in range(100):
        with peers.stream(f"ipv4:10.0.0.{port}:1"):
            pass
    assert not peers._streams
