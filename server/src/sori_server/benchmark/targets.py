"""Targets by scheme and path of their URL: the one list of protocols that can be measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from sori_server.benchmark.sori_target import SoriTarget
from sori_server.benchmark.target import Target
from sori_server.benchmark.websocket_dialects import V1, Plain
from sori_server.benchmark.websocket_target import WebSocketTarget
from sori_server.domain.errors import InvalidConfig, quoted


def _whisperlive(address: str) -> Target:
    try:
        from sori_server.benchmark.whisperlive import WhisperLiveTarget  # noqa: PLC0415 - optional
    except ImportError:
        raise InvalidConfig(
            "target", "whisperlive:// needs websockets: `pip install 'sori-server[eval]'`"
        ) from None
    return WhisperLiveTarget(address)


KINDS: Final[Mapping[tuple[str, str], Callable[[str], Target]]] = MappingProxyType(
    {
        ("sori", ""): SoriTarget,
        ("ws", "/v1/stream"): lambda address: WebSocketTarget(address, V1()),
        ("ws", ""): lambda address: WebSocketTarget(address, Plain()),
        ("whisperlive", ""): _whisperlive,
    }
)
"""By scheme and path, what makes a target of `HOST:PORT`."""


def target_of(url: str) -> Target:
    """The target a URL such as `sori://127.0.0.1:50051` names.

    Raises:
        InvalidConfig: no such scheme and path, or no host and port.
    """
    scheme, separator, rest = url.partition("://")
    address, slash, path = rest.rstrip("/").partition("/")
    host, colon, port = address.rpartition(":")
    if not (separator and host and colon and port.isdecimal() and 0 < int(port) < 65_536):
        raise InvalidConfig("target", f"must be SCHEME://HOST:PORT, got {quoted(url)}")
    kind = KINDS.get((scheme, slash + path))
    if kind is None:
        known = ", ".join(f"{name}://HOST:PORT{where}" for name, where in KINDS)
        raise InvalidConfig("target", f"must be one of {known}, got {quoted(url)}")
    return kind(f"{host}:{port}")
