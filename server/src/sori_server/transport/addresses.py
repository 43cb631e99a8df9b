"""Whose connections and calls count together."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Network, ip_address
from typing import Final

HOST_PREFIX: Final = 64
"""Bits of an IPv6 address that one host cannot choose: the rest is its own (RFC 4291, 2.5.1)."""


def host_of(address: str) -> str:
    """What all addresses of one host have in common.

    An IPv4 address, as such or mapped into IPv6; the network of /64 that an IPv6 address is in;
    of anything else, all of it.
    """
    try:
        ip = ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, IPv4Address):
        return str(ip)
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    return str(IPv6Network((int(ip), HOST_PREFIX), strict=False))
