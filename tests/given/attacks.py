"""Attacks on the edge, bounded in number and time, on loopback only.

Each is one loop of one connection; so many of it go on at the same time. As a module it is a
process of its own, so that it costs whoever is measured nothing but the server:
`python -m tests.given.attacks NAME URL SECONDS TOKEN` attacks from 127.0.0.66.
"""

import asyncio
import gzip
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import cache
from itertools import count
from urllib.parse import urlsplit

FROM = "127.0.0.66"
PATIENCE_SECONDS = 20.0
SWELLING_BYTES = 100_000_000
PAGE = "page_size=1000&page=9&updated_after=1990-01-01T00:00:00Z&start_date=2026-01-01T00:00:00Z"
METHODS = ("PROPFIND", "MKCOL", "PURGE", "LINK", "TRACE", "OPTIONS", "HEAD", "DELETE")
_numbers = count()


@dataclass(frozen=True, slots=True)
class Target:
    """The server, and a token of somebody who may do next to nothing."""

    url: str
    token: str

    @property
    def port(self) -> int:
        port = urlsplit(self.url).port
        assert port is not None
        return port


@dataclass(slots=True)
class Wire:
    """A connection of an attacker."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, *parts: bytes) -> None:
        self.writer.write(b"".join(parts))
        await self.writer.drain()

    async def answered(self) -> int:
        """The status of the next answer, which is read whole; 0 where the server has hung up."""
        line = await self.reader.readline()
        length = 0
        while (header := await self.reader.readline()) not in (b"\r\n", b""):
            name, _, value = header.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        await self.reader.readexactly(length)
        return int(line.split()[1]) if line else 0

    async def hung_up(self) -> int:
        """Wait until the server closes it."""
        while await self.reader.read(1 << 16):
            pass
        return 0


@asynccontextmanager
async def wire(target: Target) -> AsyncIterator[Wire]:
    """A connection from the attackers' address."""
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", target.port, local_addr=(FROM, 0), limit=1 << 20
    )
    try:
        yield Wire(reader, writer)
    finally:
        writer.transport.abort()


def request(method: str, path: str, *headers: str, body: bytes = b"") -> bytes:
    """A whole request, or its head where a header announces more."""
    if not any(header.startswith(("Content-Length", "Transfer")) for header in headers):
        headers = (*headers, f"Content-Length: {len(body)}")
    lines = (f"{method} {path} HTTP/1.1", "Host: here", *headers, "", "")
    return "\r\n".join(lines).encode() + body


def bearer(token: str) -> str:
    return f"Authorization: Bearer {token}"


@cache
def swelling() -> bytes:
    """What becomes a hundred megabytes."""
    return gzip.compress(bytes(SWELLING_BYTES))


KIND = "Content-Type: application/json"


async def packed_bodies(target: Target, on: Wire) -> int:
    headers = (KIND, "Content-Encoding: gzip", bearer(target.token))
    await on.send(request("POST", "/v1/cases", *headers, body=swelling()))
    return await on.answered()


async def packed_without_token(target: Target, on: Wire) -> int:
    await on.send(request("POST", "/nothing", "Content-Encoding: gzip", body=swelling()))
    return await on.answered()


async def half_heads(_: Target, on: Wire) -> int:
    await on.send(b"GET /v1/cases HTTP/1.1\r\nHost: here\r\nX-Slow: ")
    return await on.hung_up()


async def silent_sockets(_: Target, on: Wire) -> int:
    return await on.hung_up()


async def slow_bodies(target: Target, on: Wire) -> int:
    headers = (KIND, "Content-Length: 1000000", bearer(target.token))
    await on.send(request("POST", "/v1/cases", *headers))
    for _ in range(5):
        await on.send(b" ")
        await asyncio.sleep(0.2)
    return -1


async def endless_bodies(target: Target, on: Wire) -> int:
    headers = (KIND, "Transfer-Encoding: chunked", bearer(target.token))
    await on.send(request("POST", "/v1/cases", *headers))
    for _ in range(64):
        await on.send(b"10000\r\n" + bytes(65536) + b"\r\n")
    return await on.answered()


async def unread_answers(_: Target, on: Wire) -> int:
    await on.send(request("GET", "/openapi.json") * 8)
    await asyncio.sleep(1.0)
    return -1


async def deep_pages(_: Target, on: Wire) -> int:
    await on.send(request("GET", f"/open311/v2/requests.xml?{PAGE}"))
    return await on.answered()


async def odd_requests(_: Target, on: Wire) -> int:
    number = next(_numbers)
    method = METHODS[number % len(METHODS)]
    path = f"/odd-{number}/%2e%2e/{number}?q={number}&q={number}"
    await on.send(request(method, path, f"X-Odd-{number}: {number}"))
    line = await on.reader.readline()
    return int(line.split()[1]) if line else 0


async def wrong_roles(target: Target, on: Wire) -> int:
    await on.send(request("GET", "/v1/events", bearer(target.token)))
    return await on.answered()


async def guessed_tokens(_: Target, on: Wire) -> int:
    await on.send(request("GET", "/v1/cases", bearer(f"eyJhbGciOiJFUzI1NiJ9.{next(_numbers)}.x")))
    return await on.answered()


async def asked_how_it_is(_: Target, on: Wire) -> int:
    path = ("/readyz", "/metrics")[next(_numbers) % 2]
    await on.send(request("GET", path))
    return await on.answered()


async def hasty_connections(_: Target, on: Wire) -> int:
    """One connection after the other, as fast as they come."""
    await on.send(request("GET", "/healthz"))
    return -1


Attack = Callable[[Target, Wire], Awaitable[int]]
"""Once on a connection: the status of the answer, 0 where it was closed, -1 where neither."""

ATTACKS: dict[str, tuple[Attack, int]] = {
    each.__name__: (each, connections)
    for each, connections in (
        (packed_bodies, 10),
        (packed_without_token, 10),
        (half_heads, 300),
        (silent_sockets, 300),
        (slow_bodies, 100),
        (endless_bodies, 10),
        (unread_answers, 50),
        (deep_pages, 50),
        (odd_requests, 30),
        (wrong_roles, 30),
        (guessed_tokens, 30),
        (asked_how_it_is, 30),
        (hasty_connections, 100),
    )
}
"""Each attack, and on how many connections at the same time."""


async def once(name: str, target: Target) -> int:
    """One attack on one connection."""
    attack, _ = ATTACKS[name]
    with suppress(OSError, asyncio.IncompleteReadError):
        async with asyncio.timeout(PATIENCE_SECONDS), wire(target) as on:
            return await attack(target, on)
    return 0


async def attacking(name: str, target: Target, seconds: float) -> None:
    """All connections of an attack, again and again, for so long."""
    attack, connections = ATTACKS[name]
    swelling()

    async def one() -> None:
        while True:
            with suppress(OSError, asyncio.IncompleteReadError, ValueError):
                async with wire(target) as on:
                    while await attack(target, on) > 0:
                        pass
            await asyncio.sleep(0.01)

    with suppress(TimeoutError):
        async with asyncio.timeout(seconds), asyncio.TaskGroup() as group:
            for _ in range(connections):
                group.create_task(one())


if __name__ == "__main__":
    os.nice(10)  # attackers have machines of their own
    what, url, lasts, token = sys.argv[1:]
    asyncio.run(attacking(what, Target(url, token), float(lasts)))
