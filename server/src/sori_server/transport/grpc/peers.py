"""How many calls one host has: no client takes the room of all others."""

from __future__ import annotations

from collections import Counter
from urllib.parse import unquote

from sori_server.domain.errors import CapacityExhausted
from sori_server.domain.limits import Limits
from sori_server.transport.addresses import host_of


class PeerCalls:
    """Counts the calls of each host that has any."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._calls: Counter[str] = Counter()

    @property
    def calls(self) -> int:
        """Calls of all hosts."""
        return self._calls.total()

    def begin(self, peer: str) -> None:
        """Count one more call of `peer`, `ipv4:ADDRESS:PORT` as gRPC writes it, until `end`.

        Raises:
            CapacityExhausted: its host has `max_calls_per_peer` already.
        """
        host, most = _host_of(peer), self._limits.max_calls_per_peer
        if self._calls[host] >= most:
            raise CapacityExhausted(
                f"one address may have {most} calls",
                metadata={"max_calls_per_peer": str(most)},
                retry_after=self._limits.retry_delay,
            )
        self._calls[host] += 1

    def end(self, peer: str) -> None:
        """A call of `peer` that was counted is over."""
        host = _host_of(peer)
        self._calls[host] -= 1
        if not self._calls[host]:
            del self._calls[host]


def _host_of(peer: str) -> str:
    address = unquote(peer.partition(":")[2].rpartition(":")[0])
    return host_of(address.strip("[]"))
