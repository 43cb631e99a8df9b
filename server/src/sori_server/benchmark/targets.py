"""Targets by the scheme of their URL: the one list of protocols that can be measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from sori_server.benchmark.sori_target import SoriTarget
from sori_server.benchmark.target import Target
from sori_server.domain.errors import InvalidConfig, quoted


def _whisperlive(address: str) -> Target:
    try:
        from sori_server.benchmark.whisperlive import WhisperLiveTarget  # noqa: PLC0415 - optional
    except ImportError:
        raise InvalidConfig(
            "target", "whisperlive:// needs websockets: `pip install 'sori-server[eval]'`"
        ) from None
    return WhisperLiveTarget(address)


SCHEMES: Final[Mapping[str, Callable[[str], Target]]] = MappingProxyType(
    {"sori": SoriTarget, "whisperlive": _whisperlive}
)
"""By scheme, what makes a target of `HOST:PORT`."""


def target_of(url: str) -> Target:
    """The target a URL such as `sori://127.0.0.1:50051` names.

    Raises:
        InvalidConfig: an unknown scheme, or no host and port.
    """
    scheme, separator, address = url.partition("://")
    host, colon, port = address.rstrip("/").rpartition(":")
    if not (separator and host and colon and port.isdecimal() and 0 < int(port) < 65_536):
        raise InvalidConfig("target", f"must be SCHEME://HOST:PORT, got {quoted(url)}")
    if scheme not in SCHEMES:
        known = ", ".join(f"{name}://" for name in SCHEMES)
        raise InvalidConfig("target", f"must start with one of {known}, got {quoted(url)}")
    return SCHEMES[scheme](f"{host}:{port}")
