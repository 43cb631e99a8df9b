"""How many streams one address has: no client takes the room of all others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from sori_server.domain.errors import CapacityExhausted
from sori_server.domain.limits import Limits


class PeerStreams:
    """Counts the streams of each address that has any."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._streams: Counter[str] = Counter()

    @contextmanager
    def stream(self, peer: str) -> Iterator[None]:
        """Count one more stream of `peer`, `ipv4:ADDRESS:PORT` as gRPC writes it, meanwhile.

        Raises:
            CapacityExhausted: its address has `max_streams_per_peer` already.
        """
        address, most = peer.rpartition(":")[0], self._limits.max_streams_per_peer
        if self._streams[address] >= most:
            raise CapacityExhausted(
                f"one address may have {most} streams",
                metadata={"max_streams_per_peer": str(most)},
                retry_after=self._limits.retry_delay,
            )
        self._streams[address] += 1
        try:
            yield
        finally:
            self._streams[address] -= 1
            if not self._streams[address]:
                del self._streams[address]
