"""Calls are counted by host, whatever their ports."""

from __future__ import annotations

import pytest
from sori_server.domain.errors import CapacityExhausted
from sori_server.domain.limits import Limits
from sori_server.transport.grpc.peers import PeerCalls

pytestmark = pytest.mark.unit


def test_one_host_has_so_many_calls_and_another_its_own() -> None:
    peers = PeerCalls(Limits(max_calls_per_peer=2, retry_delay=1.5))
    peers.begin("ipv4:10.0.0.1:1")
    peers.begin("ipv4:10.0.0.1:2")
    with pytest.raises(CapacityExhausted, match="2 calls") as refused:
        peers.begin("ipv4:10.0.0.1:3")
    assert refused.value.metadata == {"max_calls_per_peer": "2"}
    assert refused.value.retry_after == 1.5
    for other in ("ipv4:10.0.0.2:1", "ipv6:%5B::1%5D:1", "unix:/s"):
        peers.begin(other)
    peers.end("ipv4:10.0.0.1:1")
    peers.begin("ipv4:10.0.0.1:4")


def test_the_addresses_that_one_host_may_choose_from_count_together() -> None:
    peers = PeerCalls(Limits(max_calls_per_peer=1))
    peers.begin("ipv6:%5B2001:db8::1%5D:1")
    with pytest.raises(CapacityExhausted):
        peers.begin("ipv6:%5B2001:db8::2%5D:1")
    peers.begin("ipv6:%5B2001:db8:0:1::1%5D:1")


def test_hosts_without_calls_are_forgotten() -> None:
    peers = PeerCalls(Limits())
    for port in range(100):
        peers.begin(f"ipv4:10.0.0.{port}:1")
        peers.end(f"ipv4:10.0.0.{port}:1")
    assert not peers._calls
