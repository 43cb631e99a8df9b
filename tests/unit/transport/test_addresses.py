"""Addresses that one host can choose among are one."""

from __future__ import annotations

import pytest
from sori_server.transport.addresses import host_of

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("::1", "::/64"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("/run/sori.sock", "/run/sori.sock"),
        ("", ""),
    ],
)
def test_what_all_addresses_of_a_host_have_in_common(address: str, host: str) -> None:
    assert host_of(address) == host
