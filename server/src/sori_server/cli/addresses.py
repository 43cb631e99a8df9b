"""Where a server that listens can be reached from its own machine."""

from __future__ import annotations

from typing import Final

_ANY: Final = ("0.0.0.0", "[::]", "::")  # noqa: S104 - compared, not listened on


def address_of(host: str, port: int) -> str:
    """`HOST:PORT`, the loopback address standing for all addresses."""
    here = "127.0.0.1" if host in _ANY else host
    return f"[{here}]:{port}" if ":" in here else f"{here}:{port}"


def page_url(host: str, port: int) -> str:
    """What to open in a browser."""
    return f"http://{address_of(host, port)}/"
