"""The gRPC server: options, health, reflection, start and graceful stop.

Every option is measured, not believed: unknown ones are ignored without a word, so each
has a test that shows its effect.
"""

from __future__ import annotations

import asyncio
import logging
import resource
from typing import Final

import grpc

from sori_server.domain.errors import AddressUnavailable
from sori_server.domain.limits import Limits
from sori_server.runtime.gateway import Gateway
from sori_server.transport.grpc import health, reflection, service
from sori_server.transport.grpc.connections import PortConnections
from sori_server.transport.grpc.gatekeeper import Gatekeeper
from sori_server.transport.grpc.peers import PeerCalls

SERVICES: Final = (service.SERVICE, health.SERVICE, reflection.V1ALPHA)
"""What reflection lists: all it has descriptors of, so not itself under its v1 name."""

HEALTH_POLL: Final = 0.2
"""Seconds between two looks at whether streams would be served."""
UNTRIMMED: Final = 4
"""Times `max_connections` that gRPC accepts: between two looks a flood has room of its own."""
SPARE_CALLS: Final = 16
"""On one connection, besides all streams that may be open: questions, and streams to be refused."""


def server_options(limits: Limits) -> list[tuple[str, int]]:
    """Channel arguments of the server.

    Without the bandwidth probe 64 KiB, 2 s of LINEAR16 at 16 kHz, wait in the transport
    while the server does not read; with it, 2 minutes. A dead peer is noticed by the ping
    timeout, whose default is a minute; `grpc.keepalive_timeout_ms` does nothing here. Calls
    that are taken back at once count as open until gRPC has forgotten them: with a bound, a
    flood of them costs memory for as many, not for all. One more waits in its client.
    """
    return [
        ("grpc.http2.bdp_probe", 0),
        ("grpc.max_receive_message_length", limits.max_recording_bytes),
        ("grpc.max_metadata_size", limits.max_metadata_bytes),
        ("grpc.absolute_max_metadata_size", limits.max_metadata_bytes),
        ("grpc.max_concurrent_streams", _streams(limits) + SPARE_CALLS),
        ("grpc.max_allowed_incoming_connections", _connections(limits)),
        ("grpc.max_connection_idle_ms", _milliseconds(limits.idle_connection_timeout)),
        ("grpc.server_handshake_timeout_ms", _milliseconds(limits.header_timeout)),
        ("grpc.keepalive_time_ms", _milliseconds(limits.keepalive_interval)),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.ping_timeout_ms", _milliseconds(limits.ping_timeout)),
        (
            "grpc.http2.min_ping_interval_without_data_ms",
            _milliseconds(limits.min_ping_interval),
        ),
        ("grpc.so_reuseport", 0),
    ]


def _streams(limits: Limits) -> int:
    """Of all clients: they may come through one connection, from a bridge or a proxy."""
    return limits.max_streams + limits.max_batch_streams


def _connections(limits: Limits) -> int:
    """Some of the descriptors are left for all else, and to look at connections with."""
    descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    most = UNTRIMMED * limits.max_connections
    return most if descriptors == resource.RLIM_INFINITY else min(most, descriptors // 2)


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def _is_news(record: logging.LogRecord) -> bool:
    """GRPC tells with a traceback of each client that leaves before it has taken its status."""
    return not record.getMessage().startswith("ExecuteBatchError")


class GrpcServer:
    """The gRPC door of a gateway."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        limits = gateway.limits
        logging.getLogger("grpc._cython.cygrpc").addFilter(_is_news)
        self.peers = PeerCalls(limits)
        self._server = grpc.aio.server(
            interceptors=[Gatekeeper(limits, self.peers)], options=server_options(limits)
        )
        self._health = health.Health(("", service.SERVICE), limits)
        service.SpeechService(gateway).add_to(self._server)
        self._health.add_to(self._server)
        reflection.Reflection(SERVICES, limits).add_to(self._server)

    async def start(self, host: str, port: int) -> int:
        """Listen. Port 0 picks a free one. Health follows the gateway from here on.

        Returns:
            The port listened on.

        Raises:
            AddressUnavailable: the port is taken or the host is not ours.
        """
        self.tell_health()
        try:
            address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
            bound = self._server.add_insecure_port(address)
        except RuntimeError as error:
            raise AddressUnavailable(
                f"cannot listen on {host}:{port}: the port is taken or the host is not local",
                metadata={"host": host, "port": str(port)},
            ) from error
        await self._server.start()
        self._watching = asyncio.create_task(self._watch_health(), name="sori-health")
        connections = PortConnections(bound, self._gateway.limits)
        self._trimming = asyncio.create_task(connections.keep(), name="sori-connections")
        return bound

    def tell_health(self) -> None:
        """Tell health checkers at once whether to send streams here."""
        self._health.tell(serving=self._gateway.ready)

    async def _watch_health(self) -> None:
        """Tell health checkers of workers that die and come back."""
        while True:
            self.tell_health()
            await asyncio.sleep(HEALTH_POLL)

    def begin_drain(self) -> None:
        """Tell health checkers for good that the server leaves."""
        self._watching.cancel()
        self._health.tell(serving=False)

    async def stop(self) -> None:
        """Close the port and end the calls that are left."""
        self._watching.cancel()
        self._trimming.cancel()
        await self._server.stop(self._gateway.limits.write_timeout)
