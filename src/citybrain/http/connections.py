"""Connections of HTTP: so many in all, of one address and a second, and none that only waits.

Who opens more is told so on the doorstep, before anything is made for them to speak HTTP with.
A request's head has to come in a time, and whoever reads an answer has to go on reading. Bodies of
requests are never unpacked: a megabyte of gzip would be a gigabyte of work. What is no HTTP is
refused as everything else is, as a problem.
"""

import asyncio
import resource
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, cast

import structlog
from aiohttp import web
from prometheus_client import Counter as Total
from prometheus_client import Gauge

from citybrain.http.addresses import network_of, within
from citybrain.http.problems import Malformed, problem
from citybrain.random_ids import random_uuid
from citybrain.settings import Settings

log = structlog.get_logger(__name__)

OPEN = Gauge("citybrain_http_connections", "Open connections of the API")
TURNED_AWAY = Total(
    "citybrain_http_connections_turned_away_total", "Connections that were closed at once", ["why"]
)

LOOK_SECONDS = 1.0
"""How often connections are looked at: so much later than its time one may be closed."""

OTHER_FILES = 512
"""So many files of the process are not for connections of clients."""

NEAR = 0.95
"""Of all connections: from there on others should be asked."""

LINGERING_SECONDS = 2.0  # for who goes on sending after a refusal
LINGERING_BYTES = 4 << 20  # and so much of it is taken from them at most
FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nServer: citybrain\r\nRetry-After: 5\r\n"
    b"Connection: close\r\nContent-Length: 0\r\n\r\n"
)


ROUNDED = 0.001  # of one connection, where times are added up


class Pace:
    """So many a second of each, and so many at once: a number for each who has come lately.

    It is the time from which they have all of theirs again (GCRA: ITU-T I.371, annex A).
    """

    def __init__(self, per_second: float, at_once: int) -> None:
        self._apart = 1 / per_second
        self._ahead = (at_once + ROUNDED) * self._apart
        self._full_at: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._full_at)

    def admits(self, whose: str, now: float) -> bool:
        """Whether one more of theirs may come now; it counts where it may."""
        full_at = max(self._full_at.get(whose, now), now) + self._apart
        if full_at - now > self._ahead:
            return False
        self._full_at[whose] = full_at
        return True

    def forget(self, now: float) -> None:
        """Those who have all of theirs."""
        for whose in [each for each, full_at in self._full_at.items() if full_at <= now]:
            del self._full_at[whose]


class Door(web.Server):
    """Counts connections, and closes those that do not go on."""

    def __init__(self, made: web.Server, settings: Settings, options: Mapping[str, Any]) -> None:
        super().__init__(made.request_handler, request_factory=made.request_factory, **options)
        self._options = options
        self._settings = settings
        self._proxies = tuple(settings.http_trusted_proxies)
        self.limit = files_for(settings.http_connections_limit)
        self.guarded: set[Connection] = set()
        self._of_network: Counter[str] = Counter()
        self._pace = Pace(
            settings.http_new_connections_per_second, settings.http_connections_per_address
        )
        self.empty = asyncio.Event()
        self.empty.set()

    def __call__(self) -> "Doorstep":  # type: ignore[override]  # no handler yet: it may be let in
        return Doorstep(self)

    def opened(self) -> "Connection":
        """What speaks HTTP with whoever may come in."""
        return Connection(self, loop=asyncio.get_running_loop(), **self._options)

    @property
    def nearly_full(self) -> bool:
        """Whether it is time that others are asked."""
        return len(self.guarded) >= self.limit * NEAR

    def turns_away(self, network: str) -> str | None:
        """Why one more of a network may not come in, if so: `full`, `address` or `rate`."""
        if len(self.guarded) >= self.limit:
            return "full"
        if not network:
            return None
        if self._of_network[network] >= self._settings.http_connections_per_address:
            return "address"
        return None if self._pace.admits(network, asyncio.get_running_loop().time()) else "rate"

    def enter(self, connection: "Connection", network: str) -> None:
        """It has come in."""
        self.guarded.add(connection)
        if network:
            self._of_network[network] += 1
        self.empty.clear()

    def leave(self, connection: "Connection", network: str) -> None:
        """It has ended."""
        self.guarded.discard(connection)
        if network:
            self._of_network[network] -= 1
            if not self._of_network[network]:
                del self._of_network[network]
        if not self.guarded:
            self.empty.set()

    def network(self, address: str) -> str:
        """What an address is counted with; nothing for a proxy, which speaks for many."""
        return "" if within(address, self._proxies) else network_of(address)

    async def watch(self) -> None:
        """Close what only waits, again and again."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            OPEN.set(len(self.guarded))
            now = asyncio.get_running_loop().time()
            self._pace.forget(now)
            for connection in list(self.guarded):
                connection.look(now, self._settings)


class Doorstep(asyncio.Protocol):
    """Who has just connected: they are let in, or turned away at next to no cost."""

    __slots__ = ("_door",)

    def __init__(self, door: Door) -> None:
        self._door = door

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        wire = cast("asyncio.Transport", transport)
        peer = wire.get_extra_info("peername")
        network = self._door.network(str(peer[0]) if peer else "")
        if (why := self._door.turns_away(network)) is not None:
            TURNED_AWAY.labels(why).inc()
            wire.write(FULL)
            wire.close()
            return
        connection = self._door.opened()
        self._door.enter(connection, network)
        wire.set_protocol(connection)
        connection.come_in(wire, network)


class Connection(web.RequestHandler):
    """One connection: its head has come in time, its answers are read, or it is closed."""

    __slots__ = (
        *("_begun", "_beyond", "_door", "_lingering", "_network", "_stuck_since"),
        *("_unsent", "_wire"),
    )

    def __init__(self, door: Door, **options: Any) -> None:
        super().__init__(door, **options)
        self._door = door
        self._network: str | None = None
        self._wire: asyncio.Transport | None = None
        self._begun: float | None = None
        self._unsent, self._stuck_since = 0, 0.0
        self._beyond, self._lingering = 0, LINGERING_BYTES

    def come_in(self, wire: asyncio.Transport, network: str) -> None:
        """Begin to speak HTTP on it."""
        self._network, self._wire = network, wire
        self._begun = self._loop.time()
        self.connection_made(wire)

    def connection_lost(self, exc: BaseException | None) -> None:
        if self._network is not None:
            self._door.leave(self, self._network)
            self._network = self._wire = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        before = self._request_count
        super().data_received(data)
        if self._request_count != before:
            self._begun, self._beyond, self._lingering = None, 0, LINGERING_BYTES
        elif not self._request_in_progress and self._waiter is None:
            self._beyond += len(data)
            self._hold_back()
        elif self._begun is None and self._waiter is not None:
            self._begun = self._loop.time()

    def linger(self, most: int) -> None:
        """So many bytes more are taken in of the body of a request that has been refused."""
        self._lingering = most if most > 0 else -1
        self._hold_back()

    def resume_reading(self, resume_parser: bool = True) -> None:
        if self._beyond <= self._lingering:
            super().resume_reading(resume_parser)

    def _hold_back(self) -> None:
        """Leave on the wire what is too much; the connection ends when it has lingered."""
        if self._beyond > self._lingering and self._wire is not None:
            self._wire.pause_reading()

    def look(self, now: float, settings: Settings) -> None:
        """Close it where a head has not come in time, or nobody reads what was sent."""
        wire = self._wire
        if wire is None:
            return
        unsent = wire.get_write_buffer_size()
        if not unsent or unsent != self._unsent:
            self._unsent, self._stuck_since = unsent, now
        elif now - self._stuck_since > settings.http_unread_seconds:
            wire.abort()
        begun = self._begun
        if begun is not None and now - begun > settings.http_head_seconds:
            self.force_close()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """What no handler has answered: it is no HTTP, or its bytes are not as it says.

        Nothing of what came is said or logged: it may be a token.
        """
        if request.writer.output_size > 0:
            raise ConnectionError("half of an answer has been sent")
        log.warning("request_not_http", status=status, error=type(exc).__name__)
        code = Malformed.code if status < 500 else "internal"
        detail = "this is no request of HTTP/1.1" if status < 500 else "something failed here"
        answer = problem(status, code, detail, correlation_id=random_uuid(), headers=HEADERS)
        answer.force_close()
        return answer


HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'; base-uri 'none'",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
    "Server": "citybrain",
}
"""Of every answer."""


def files_for(connections: int) -> int:
    """So many of these as the process may have files for, which it raises as far as it can."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + OTHER_FILES
    if soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return min(connections, max(soft - OTHER_FILES, soft // 2))


class DoorRunner(web.AppRunner):
    """Runs an application behind a `Door`."""

    def __init__(self, app: web.Application, settings: Settings, **options: Any) -> None:
        super().__init__(
            app,
            access_log=None,
            auto_decompress=False,
            keepalive_timeout=settings.http_idle_seconds,
            lingering_time=LINGERING_SECONDS,
            **options,
        )
        self._settings = settings
        self._watching: asyncio.Task[None] | None = None

    @property
    def door(self) -> Door:
        """After `setup`."""
        assert isinstance(self.server, Door)
        return self.server

    async def _make_server(self) -> web.Server:
        door = Door(await super()._make_server(), self._settings, self._kwargs)
        self._watching = asyncio.create_task(door.watch())
        return door

    async def _cleanup_server(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
            with suppress(asyncio.CancelledError):
                await self._watching
        await super()._cleanup_server()
