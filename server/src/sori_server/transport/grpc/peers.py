"""How many calls one host has: no client takes the room of all others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import unquote

from sori_server.domain.errors import CapacityExhausted
from sori_server.domain.limits import Limits
from sori_server.transport.addresses import host_of


class PeerCalls:
    """Counts the calls of each host that has any."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._calls: Counter[str] = Counter()

    @contextmanager
    def call(self, peer: str) -> Iterator[None]:
        """Count one more call of `peer`, `ipv4:ADDRESS:PORT` as gRPC writes it, meanwhile.

        Raises:
            CapacityExhausted: its host has `max_calls_per_peer` already.
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
