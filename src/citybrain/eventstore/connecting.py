"""Opens connections so that none of them hangs: each statement ends, and a dead peer is noticed.

Both sides send keepalives, so a machine that is gone, or behind a network that swallows packets, is
found out after `DEAD_AFTER_SECONDS`: by us, and by PostgreSQL, which frees what we held. A server
that is there and does not answer is left after the time that a statement has.

A connection has a server's session of its own, directly or through a pooler in session mode. Those
of a pool for reads may share sessions, through a pooler in transaction mode: they keep nothing in
one, neither settings nor prepared statements.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, ClassVar

import asyncpg

from citybrain.errors import CitybrainError
from citybrain.eventstore.connection import Connection
from citybrain.eventstore.connections import NotEnoughConnections
from citybrain.eventstore.embedded import EmbeddedPostgres
from citybrain.eventstore.lane import STATEMENT_TIMEOUT_SECONDS
from citybrain.eventstore.types import StoreUnavailable
from citybrain.faults import CONNECTION_LOST

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
SESSION = f"""
SET jit = off;
SET tcp_keepalives_idle = {KEEPALIVE_IDLE};
SET tcp_keepalives_interval = {KEEPALIVE_EVERY};
SET tcp_keepalives_count = {KEEPALIVES};
SET tcp_user_timeout = {DEAD_AFTER_SECONDS * 1000};
SET synchronous_commit = """
"""Said once a connection stands: most poolers refuse a connection that begins with it."""


class DatabaseRefused(CitybrainError):
    """No connection can come of `CITYBRAIN_DATABASE_URL` as it is; the message says why."""

    code = "database-refused"
    exit_status: ClassVar[int] = 78  # EX_CONFIG of sysexits.h


class DatabaseAway(CitybrainError):
    """Nobody answers at `CITYBRAIN_DATABASE_URL` now."""

    code = "database-away"
    exit_status: ClassVar[int] = 75  # EX_TEMPFAIL


def refusal_of(error: Exception) -> CitybrainError | None:
    """What to tell somebody whose first connection failed with `error`; no part of the URL."""
    match error:
        case ssl.SSLCertVerificationError():
            return DatabaseRefused(
                f"PostgreSQL shows a certificate that is not trusted ({error.verify_message}): "
                "name the authority's certificate in the URL, sslmode=verify-full&sslrootcert=FILE"
            )
        case ssl.SSLError():
            return DatabaseRefused("no TLS connection to PostgreSQL comes about")
        case asyncpg.InvalidAuthorizationSpecificationError():
            return DatabaseRefused(
                "PostgreSQL does not let this role in: look at role and password in the URL, and "
                "at its pg_hba.conf"
            )
        case asyncpg.InvalidCatalogNameError():
            return DatabaseRefused("the database in the URL does not exist: CREATE DATABASE it")
        case asyncpg.ClientConfigurationError() | ValueError():
            return DatabaseRefused(f"CITYBRAIN_DATABASE_URL cannot be used: {type(error).__name__}")
        case asyncpg.PostgresConnectionError():
            return DatabaseAway("PostgreSQL, or the pooler before it, refuses the connection")
        case asyncpg.CannotConnectNowError() | TimeoutError() | OSError():
            return DatabaseAway(f"PostgreSQL cannot be reached ({type(error).__name__})")
        case _:
            return None


class ConnectionPool(asyncpg.Pool):
    """A pool that nobody waits for without end: neither for a connection, nor to give it back.

    The library starts a task to take a connection and another one to give it back: three quarters
    of what a short question costs. Neither is needed where both are done at once, as a rule.
    """

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

    async def _acquire(self, seconds: float | None) -> Any:
        async with asyncio.timeout(seconds):
            inside: Any = super()
            return await inside._acquire(None)

    async def _release(self, connection: Any, seconds: float | None) -> None:
        if connection._con is None:
            return  # it has been given back
        connection._con._on_release()
        with suppress(TimeoutError):  # it is closed then; why it was cancelled is what counts
            await connection._holder.release(seconds)  # who is cancelled in it: closed as well


class Connector:
    """Opens the connections of a process; starts an embedded server again that has died."""

    def __init__(
        self, dsn: str, embedded: EmbeddedPostgres | None, pooled: str | None = None
    ) -> None:
        self.dsn = dsn
        self._embedded = embedded
        self._pooled = pooled
        """URL of the same database through a pooler in transaction mode."""

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
        options |= {"command_timeout": statement_seconds}
        try:
            connection = await _open(self.dsn, application, options)
        except CONNECTION_LOST as error:
            if self._embedded is None or isinstance(error, asyncpg.TooManyConnectionsError):
                raise
            await self._embedded.ensure_running()
            connection = await _open(self.dsn, application, options)
        try:
            await connection.execute(SESSION + synchronous_commit, timeout=CONNECT_SECONDS)
        except BaseException:
            connection.terminate()
            raise
        return connection

    async def reads(self, application: str, size: int, *, keeps: bool) -> ConnectionPool:
        """A pool for statements and transactions that need no session of their own."""
        if self._pooled is None:
            return await self.pool(application, size, keeps=keeps)
        url = self._pooled

        async def connect(*_: Any, **options: Any) -> "asyncpg.Connection[Any]":
            options |= {"command_timeout": STATEMENT_TIMEOUT_SECONDS, "statement_cache_size": 0}
            return await _open(url, application, options)

        return await _pool(url, connect, size, keeps=keeps, of=ConnectionPool)

    async def pool(
        self,
        application: str,
        size: int,
        *,
        keeps: bool,
        synchronous_commit: str = "on",
        of: Callable[..., ConnectionPool] = ConnectionPool,
    ) -> ConnectionPool:
        """Up to so many connections; with `keeps` all of them, from now on."""

        async def connect(*_: Any, **options: Any) -> "asyncpg.Connection[Any]":
            return await self.connect(application, synchronous_commit=synchronous_commit, **options)

        return await _pool(self.dsn, connect, size, keeps=keeps, of=of)


@asynccontextmanager
async def first_connection(connector: Connector) -> AsyncIterator["asyncpg.Connection[Any]"]:
    """The first connection to a database; what is wrong with the settings shows here."""
    try:
        connection = await connector.connect("citybrain-migrate", statement_seconds=LONG_SECONDS)
    except asyncpg.TooManyConnectionsError as error:
        raise NotEnoughConnections("PostgreSQL takes no more connections, not even one") from error
    except Exception as error:
        if (refused := refusal_of(error)) is not None:
            raise refused from error
        raise
    try:
        yield connection
    finally:
        await connection.close()


async def close_pool(pool: "asyncpg.Pool[Any]") -> None:
    """Close it, and wait no longer than it is worth."""
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            await pool.close()
    except TimeoutError:
        pool.terminate()


async def _pool(
    url: str, connect: Any, size: int, *, keeps: bool, of: Callable[..., ConnectionPool]
) -> ConnectionPool:
    pool = of(
        url,
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


async def _open(url: str, application: str, options: dict[str, Any]) -> "asyncpg.Connection[Any]":
    """A connection that begins with what each pooler knows of, and no more."""
    connection: asyncpg.Connection[Any] = await asyncpg.connect(
        url,
        **{
            "connection_class": Connection,
            **options,
            "timeout": CONNECT_SECONDS,
            "server_settings": {"application_name": application, "timezone": "UTC"},
        },
    )
    _keep_alive(connection)
    return connection


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
