"""From where a request comes: nobody is believed but proxies that are named."""

from ipaddress import ip_network

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from citybrain.http.addresses import PROXIES, address_of, comes_from, network_of

TRUSTED = tuple(ip_network(each) for each in ("10.0.0.0/24", "fd00::/64"))


def asked(peer: str, **headers: str) -> web.Request:
    app = web.Application()
    app[PROXIES] = TRUSTED
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return make_mocked_request("GET", "/", headers=named, app=app).clone(remote=peer)


@pytest.mark.parametrize(
    ("peer", "headers", "address"),
    [
        ("203.0.113.7", {}, "203.0.113.7"),
        ("203.0.113.7", {"X_Forwarded_For": "1.2.3.4"}, "203.0.113.7"),
        ("10.0.0.1", {"X_Forwarded_For": "1.2.3.4"}, "1.2.3.4"),
        ("10.0.0.1", {"X_Forwarded_For": "6.6.6.6, 1.2.3.4"}, "1.2.3.4"),
        ("10.0.0.1", {"X_Forwarded_For": "6.6.6.6, 1.2.3.4, 10.0.0.9"}, "1.2.3.4"),
        ("10.0.0.1", {"X_Forwarded_For": "1.2.3.4:5678"}, "1.2.3.4"),
        ("10.0.0.1", {"X_Forwarded_For": "[2001:db8::1]:5678"}, "2001:db8::1"),
        ("10.0.0.1", {"X_Forwarded_For": ""}, "10.0.0.1"),
        ("10.0.0.1", {"X_Forwarded_For": "10.0.0.9"}, "10.0.0.9"),
        ("10.0.0.1", {"Forwarded": 'for="[2001:db8::1]:99";proto=https'}, "2001:db8::1"),
        ("10.0.0.1", {"Forwarded": "for=6.6.6.6, For=1.2.3.4;by=x"}, "1.2.3.4"),
        ("10.0.0.1", {"Forwarded": "for=1.2.3.4", "X_Forwarded_For": "6.6.6.6"}, "1.2.3.4"),
        ("::ffff:10.0.0.1", {"X_Forwarded_For": "1.2.3.4"}, "1.2.3.4"),
    ],
)
def test_the_last_that_is_no_proxy_of_ours_counts(
    peer: str, headers: dict[str, str], address: str
) -> None:
    assert address_of(asked(peer, **headers)) == address


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("_hidden", "unknown"),
        ("1.2.3.4'; --", "unknown"),
    ],
)
def test_a_home_is_one_network(address: str, network: str) -> None:
    assert network_of(address) == network


def test_who_came_through_a_proxy_of_nobody_is_not_near() -> None:
    near = (ip_network("192.168.0.0/16"), ip_network("10.0.0.0/8"))
    assert comes_from(asked("192.168.1.1"), near)
    assert not comes_from(asked("192.168.1.1", X_Forwarded_For="192.168.1.2"), near)
    assert comes_from(asked("10.0.0.1", X_Forwarded_For="192.168.1.2"), near)
    assert not comes_from(asked("10.0.0.1", X_Forwarded_For="203.0.113.7"), near)
