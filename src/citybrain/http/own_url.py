"""How we are called from outside: by a setting, or as the client calls us."""

import re
from ipaddress import ip_address

from aiohttp import web

from citybrain.http.problems import Malformed
from citybrain.http.runtime import RUNTIME

# RFC 3986, 3.2.2, without user information
HOST = re.compile(r"([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")


def own_url(request: web.Request) -> str:
    """The URL that our paths come after; raises `Malformed` where Host is none."""
    named = request.app[RUNTIME].settings.public_url
    if named is not None:
        return named.rstrip("/")
    if not HOST.fullmatch(request.host):
        raise Malformed("Host is not a host and a port")
    return f"{request.scheme}://{request.host}"


def is_called_by_address(request: web.Request) -> bool:
    """Whether Host is an address, this machine, or the name of the settings.

    A page of any name can have that name resolved to this machine, and then ask as if it were ours
    (DNS rebinding); addresses have no names to resolve.
    """
    found = HOST.fullmatch(request.host)
    if found is None:
        return False
    host = found[1].strip("[]").lower()
    if host == "localhost" or host.endswith(".localhost"):
        return True
    named = request.app[RUNTIME].settings.public_url
    if named is not None and named.split("/")[2].partition(":")[0].lower() == host:
        return True
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
