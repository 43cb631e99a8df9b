"""Which web pages may use the bridge."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from sori_server.domain.errors import OriginNotAllowed, quoted

ANY: Final = "*"


class OriginPolicy:
    """Allows pages of the bridge's own site, of this machine, and of the sites that are named.

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
        origin = headers.get("Origin")
        if origin is None or self._allows(origin.lower(), headers.get("Host", "").lower()):
            return
        raise OriginNotAllowed(
            f"pages of {quoted(origin)} may not use this server; `allowed_origins` names those"
            " that may",
            metadata={"field": "Origin"},
        )

    def _allows(self, origin: str, host: str) -> bool:
        if ANY in self._allowed or origin in self._allowed:
            return True
        try:
            site = urlsplit(origin)
        except ValueError:
            return False
        return bool(site.netloc) and (site.netloc == host or _is_this_machine(site.hostname))


def _is_this_machine(host: str | None) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False
