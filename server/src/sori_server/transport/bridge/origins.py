"""Which web pages may use the bridge."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from sori_server.domain.errors import OriginNotAllowed, quoted

ANY: Final = "*"
_PRIVATE: Final = (".localhost", ".local", ".internal", ".home.arpa", ".lan")


class OriginPolicy:
    """Allows pages of this machine, of the bridge's own site, and of the sites that are named.

    Its own site counts by itself only under an address, or a name that no stranger can give it:
    any domain can be made to mean a private address, and its pages would then be of "this" site.

    Browsers tell the site of a page in `Origin` and let it be what it is: without this, any page
    somebody looks at could use a server in that person's network. Clients that are no browsers
    send no origin and are not held up.

    Args:
        allowed: origins such as `https://example.org`, separated by commas; `*` for all,
            `null` for pages that were opened as files.
    """

    def __init__(self, allowed: str = "") -> None:
        self._allowed = frozenset(
            origin.strip().lower() for origin in allowed.split(",") if origin.strip()
        )

    def check(self, headers: Mapping[str, str]) -> None:
        """Check where a request comes from.

        Raises:
            OriginNotAllowed: a page of another site sent it.
        """
        if self.allows(headers):
            return
        origin = headers["Origin"]
        raise OriginNotAllowed(
            f"pages of {quoted(origin)} may not use this server; `allowed_origins` names those"
            " that may",
            metadata={"field": "Origin"},
        )

    def allows(self, headers: Mapping[str, str]) -> bool:
        """Whether a request comes from no page, or from one that may send it."""
        origin = headers.get("Origin")
        return origin is None or self._allows(origin.lower(), headers.get("Host", "").lower())

    def _allows(self, origin: str, host: str) -> bool:
        if ANY in self._allowed or origin in self._allowed:
            return True
        try:
            site = urlsplit(origin)
        except ValueError:
            return False
        if not site.netloc:
            return False
        own = site.netloc == host and _is_private(site.hostname or "")
        return own or _is_this_machine(site.hostname)


def _is_private(name: str) -> bool:
    """Whether it is an address, or a name that is none of the public ones."""
    if "." not in name or name.endswith(_PRIVATE):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_this_machine(host: str | None) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False
