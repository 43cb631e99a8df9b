"""The connection to a server: target, credentials and channel options."""

from __future__ import annotations

import importlib.metadata
from typing import Final

import grpc

KEEPALIVE_INTERVAL: Final = 20.0
"""Seconds between two pings while a call is open; servers of Sori allow one in five."""
PING_TIMEOUT: Final = 5.0
"""Seconds without an answer after which the connection counts as lost."""
MAX_RECONNECT_BACKOFF: Final = 5.0
"""Longest pause between two attempts to connect, so that a retry means something."""
UNLIMITED: Final = -1

ChannelOptions = tuple[tuple[str, str | int], ...]


def channel_options(connect_timeout: float) -> ChannelOptions:
    """Options of every channel.

    gRPC notices a peer that went silent only with `ping_timeout_ms`; the keepalive timeout
    alone leaves it to TCP. `min_reconnect_backoff_ms` is how long one attempt to connect
    may take. With a subchannel pool of its own, a new channel is a new connection: it does
    not wait because another one failed, and does not lead to a server that is leaving.
    """
    return (
        ("grpc.primary_user_agent", f"sori-client/{importlib.metadata.version('sori-client')}"),
        ("grpc.keepalive_time_ms", _ms(KEEPALIVE_INTERVAL)),
        ("grpc.keepalive_timeout_ms", _ms(PING_TIMEOUT)),
        ("grpc.http2.ping_timeout_ms", _ms(PING_TIMEOUT)),
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.min_reconnect_backoff_ms", _ms(connect_timeout)),
        ("grpc.max_reconnect_backoff_ms", _ms(max(MAX_RECONNECT_BACKOFF, connect_timeout))),
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.max_receive_message_length", UNLIMITED),
        ("grpc.max_send_message_length", UNLIMITED),
    )


def open_channel(
    address: str, credentials: grpc.ChannelCredentials | None, options: ChannelOptions
) -> grpc.aio.Channel:
    """A channel of the running event loop; encrypted when there are credentials."""
    if credentials is None:
        return grpc.aio.insecure_channel(address, options=options)
    return grpc.aio.secure_channel(address, credentials, options=options)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
