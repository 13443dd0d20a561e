"""From where a request comes: from its socket, or as a proxy says that is trusted.

Who has no token is counted by network: an IPv4 address, or the first 64 bits of an IPv6 address,
of which every home has as many as it likes.
"""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from aiohttp import web

Networks = tuple[IPv4Network | IPv6Network, ...]

PROXIES: web.AppKey[Networks] = web.AppKey("proxies", tuple)
"""Those that are believed."""

UNKNOWN = "unknown"
MOST_HOPS = 16


@lru_cache(4096)
def within(address: str, among: Networks) -> bool:
    """Whether an address is in one of these networks."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    found = getattr(found, "ipv4_mapped", None) or found
    return any(found in each for each in among)


@lru_cache(65_536)
def network_of(address: str) -> str:
    """What an address is counted with."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return UNKNOWN
    found = getattr(found, "ipv4_mapped", None) or found
    return str(found if found.version == 4 else ip_network((found, 64), strict=False))


def address_of(request: web.Request) -> str:
    """The address that a request comes from.

    Where its socket is that of a trusted proxy, the last address of `Forwarded` (RFC 7239), or else
    of `X-Forwarded-For`, that is not one: what stands before it anybody may have written.
    """
    address, proxies = request.remote or UNKNOWN, request.app[PROXIES]
    if not proxies or not within(address, proxies):
        return address
    for hop in _hops(request):
        address = hop
        if not within(hop, proxies):
            break
    return address


def comes_from(request: web.Request, among: Networks) -> bool:
    """Whether it does; not where it came through a proxy that is not trusted to say from where."""
    headers = request.headers
    through = "X-Forwarded-For" in headers or "Forwarded" in headers
    if through and not within(request.remote or UNKNOWN, request.app[PROXIES]):
        return False
    return within(address_of(request), among)


def _hops(request: web.Request) -> Sequence[str]:
    """The addresses that are named, the nearest first."""
    if forwarded := request.headers.getall("Forwarded", ()):
        elements = ",".join(forwarded).split(",")[-MOST_HOPS:]
        found = [_for(element) for element in elements]
    else:
        given = ",".join(request.headers.getall("X-Forwarded-For", ()))
        found = [_bare(each) for each in given.split(",")[-MOST_HOPS:]]
    return [each for each in reversed(found) if each]


def _for(element: str) -> str:
    for pair in element.split(";"):
        name, _, value = pair.strip().partition("=")
        if name.lower() == "for":
            return _bare(value.strip('"'))
    return ""


def _bare(text: str) -> str:
    """An address without brackets and port."""
    text = text.strip()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text
