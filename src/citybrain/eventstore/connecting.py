"""Opens connections so that none of them hangs: each statement ends, and a dead peer is noticed.

Both sides send keepalives, so a machine that is gone, or behind a network that swallows packets, is
found out after `DEAD_AFTER_SECONDS`: by us, and by PostgreSQL, which frees what we held. A server
that is there and does not answer is left after the time that a statement has.
"""

import socket
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import asyncpg

from citybrain.eventstore.connection import Connection
from citybrain.eventstore.embedded import EmbeddedPostgres
from citybrain.eventstore.lane import CONNECTION_LOST, STATEMENT_TIMEOUT_SECONDS
from citybrain.eventstore.types import StoreUnavailable

CONNECT_SECONDS = 5.0
DEAD_AFTER_SECONDS = 10
KEEPALIVE_IDLE, KEEPALIVE_EVERY, KEEPALIVES = 4, 2, 3
ACQUIRE_SECONDS = 60.0  # to have a connection of a pool; a request has its own end before
RELEASE_SECONDS = 2.0  # to give it back: one that does not answer a cancellation is closed
AWAY = "PostgreSQL cannot be reached"
AWAY_RETRY_SECONDS = 5
LONG_SECONDS = 6 * 3600.0  # for what goes through a whole table

SOCKET_OPTIONS = (
    (socket.SOL_SOCKET, "SO_KEEPALIVE", 1),
    (socket.IPPROTO_TCP, "TCP_KEEPIDLE", KEEPALIVE_IDLE),
    (socket.IPPROTO_TCP, "TCP_KEEPINTVL", KEEPALIVE_EVERY),
    (socket.IPPROTO_TCP, "TCP_KEEPCNT", KEEPALIVES),
    (socket.IPPROTO_TCP, "TCP_USER_TIMEOUT", DEAD_AFTER_SECONDS * 1000),
)
SERVER_SIDE = {
    "tcp_keepalives_idle": str(KEEPALIVE_IDLE),
    "tcp_keepalives_interval": str(KEEPALIVE_EVERY),
    "tcp_keepalives_count": str(KEEPALIVES),
    "tcp_user_timeout": str(DEAD_AFTER_SECONDS * 1000),
}


class ConnectionPool(asyncpg.Pool):
    """A pool that nobody waits for without end: neither for a connection, nor to give it back."""

    away: Callable[[], bool] = staticmethod(lambda: False)
    """Whether PostgreSQL is known to be away: then nobody waits at all."""

    def acquire(self, *, timeout: float | None = ACQUIRE_SECONDS) -> Any:
        """A connection for a block.

        Raises `TimeoutError` where there is none in time, `StoreUnavailable` where it is known
        that there will be none.
        """
        if self.away():
            raise StoreUnavailable(AWAY, retry_after_seconds=AWAY_RETRY_SECONDS)
        return super().acquire(timeout=timeout)

    def release(
        self, connection: Any, *, timeout: float | None = RELEASE_SECONDS
    ) -> Coroutine[Any, Any, None]:
        """Give a connection back."""
        return self._release(connection, timeout)

    async def _release(self, connection: Any, seconds: float | None) -> None:
        with suppress(TimeoutError):  # it is closed then; why it was cancelled is what counts
            await super().release(connection, timeout=seconds)


class Connector:
    """Opens the connections of a process; starts an embedded server again that has died."""

    def __init__(self, dsn: str, embedded: EmbeddedPostgres | None) -> None:
        self.dsn = dsn
        self._embedded = embedded

    async def connect(
        self,
        application: str = "citybrain",
        *,
        statement_seconds: float = STATEMENT_TIMEOUT_SECONDS,
        synchronous_commit: str = "on",
        **options: Any,
    ) -> "asyncpg.Connection[Any]":
        """A new connection; raises one of `CONNECTION_LOST`.

        A statement that takes longer than `statement_seconds` is given up with `TimeoutError`.
        """
        options = {
            "connection_class": Connection,
            **options,
            "timeout": CONNECT_SECONDS,
            "command_timeout": statement_seconds,
            "server_settings": {
                "application_name": application,
                "jit": "off",
                "synchronous_commit": synchronous_commit,
                "timezone": "UTC",
                **SERVER_SIDE,
            },
        }
        connection: asyncpg.Connection[Any]
        try:
            connection = await asyncpg.connect(self.dsn, **options)
        except CONNECTION_LOST as error:
            if self._embedded is None or isinstance(error, asyncpg.TooManyConnectionsError):
                raise
            await self._embedded.ensure_running()
            connection = await asyncpg.connect(self.dsn, **options)
        _keep_alive(connection)
        return connection

    async def pool(
        self, application: str, size: int, *, keeps: bool, synchronous_commit: str = "on"
    ) -> ConnectionPool:
        """Up to so many connections; with `keeps` all of them, from now on."""

        async def connect(*_: Any, **options: Any) -> "asyncpg.Connection[Any]":
            return await self.connect(application, synchronous_commit=synchronous_commit, **options)

        pool = ConnectionPool(
            self.dsn,
            connect=connect,
            min_size=size if keeps else 0,
            max_size=size,
            max_queries=50_000,
            max_inactive_connection_lifetime=0 if keeps else 60,
            reset=_as_it_was,
            loop=None,
            connection_class=Connection,
            record_class=asyncpg.Record,
        )
        await pool
        return pool


def _keep_alive(connection: "asyncpg.Connection[Any]") -> None:
    """The options of the socket, which asyncpg has no parameters for."""
    inside: Any = connection  # asyncpg shows its transport in no other way
    found = inside._transport.get_extra_info("socket")
    if found is None or found.family == socket.AF_UNIX:
        return
    for level, name, value in SOCKET_OPTIONS:
        if hasattr(socket, name):  # TCP_USER_TIMEOUT and others are Linux's
            with suppress(OSError):
                found.setsockopt(level, getattr(socket, name), value)


async def _as_it_was(connection: object) -> None:
    """Pooled connections only read, in single statements: no session state to reset, no trip."""
