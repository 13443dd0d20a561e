"""Where read models are: in the database of the log, or in one of their own, which has a standby.

Whoever keeps a model up writes its rows and its position in one transaction, in whichever database
it is. Who leads it is decided in the database of the log. A leader that was stopped in the midst of
a transaction is ended in both.

A standby is left while it does not answer, and for a request that waits for a position which it
lacks: models are read where they are kept then.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import structlog

from citybrain.eventstore.appender import AWAY_AFTER_SECONDS
from citybrain.eventstore.connecting import (
    ACQUIRE_SECONDS,
    ConnectionPool,
    Connector,
    DatabaseAway,
    close_pool,
    first_connection,
)
from citybrain.eventstore.connections import Connections, limits, needed_for_models, require
from citybrain.eventstore.migrations import migrate, migrations_folder
from citybrain.eventstore.presence import Presence
from citybrain.faults import AGAIN_LATER
from citybrain.settings import Settings

log = structlog.get_logger(__name__)

_where_kept: ContextVar[bool] = ContextVar("models are read where they are kept", default=False)

WRITER = "citybrain-worker"
END_WRITERS = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE datname = current_database() AND usename = current_user AND application_name = ANY($1)
"""


class StandbyPool(ConnectionPool):
    """Connections to a standby; to where the models are kept while it is away."""

    kept: ConnectionPool
    away_now: Callable[[], bool]

    def acquire(self, *, timeout: float | None = ACQUIRE_SECONDS) -> Any:
        """A connection for a block, to one of them."""
        if _where_kept.get() or self.away_now():
            return self.kept.acquire(timeout=timeout)
        return super().acquire(timeout=timeout)


def read_where_kept() -> None:
    """Read no standby any more, in this request."""
    _where_kept.set(True)


@dataclass(frozen=True, slots=True)
class ReadModels:
    """Connections to the database of the read models."""

    connector: Connector
    keeping: ConnectionPool
    """Reads of those who keep models up, and what they write beside them."""
    writing: ConnectionPool
    reading: ConnectionPool
    """Reads of the API."""
    standby: Presence | None
    """Whether the standby answers that the API reads; None where there is none."""
    end_writers: Callable[[Sequence[str]], Awaitable[None]]
    """Ends what these processes write with, where it is not in the database of the log."""


@asynccontextmanager
async def open_read_models(
    settings: Settings,
    of_log: Connector,
    pool: ConnectionPool,
    process: str,
    keeps: Connections | None,
) -> AsyncIterator[ReadModels]:
    """Migrated and ready; raises what `open_event_store` does.

    `of_log` and `pool` lead to the database of the log, which the models are in where they have no
    other one.
    """
    keep, working = keeps is not None, keeps is not None and keeps.leads > 0
    async with AsyncExitStack() as stack:
        connector, keeping = of_log, pool
        if settings.read_database_url is not None:
            connector = Connector(settings.read_database_url.get_secret_value(), None)
            async with first_connection(connector) as connection:
                await migrate(connection, migrations_folder() / "read")
                if keep:
                    need = needed_for_models(settings, working=working)
                    require(need, await limits(connection))
            keeping = await connector.pool(
                f"citybrain-models {process}", settings.pool_size, keeps=keep
            )
            stack.push_async_callback(close_pool, keeping)
            presence = Presence("read models", connector, process)
            keeping.away = lambda: presence.away_for > AWAY_AFTER_SECONDS
            await stack.enter_async_context(_running(presence.run()))
        # What a crash of PostgreSQL takes back of read models is applied again.
        writing = await connector.pool(
            f"{WRITER} {process}",
            settings.writing_pool_size,
            keeps=working,
            synchronous_commit="off",
        )
        stack.push_async_callback(close_pool, writing)
        writing.away = lambda: keeping.away()
        reading, standby = keeping, None
        if settings.replica_url is not None:
            replica = Connector(settings.replica_url.get_secret_value(), None)
            standby = Presence("standby", replica, process)
            reading = await _standby_pool(replica, standby, keeping, process, settings.pool_size)
            stack.push_async_callback(close_pool, reading)
            await stack.enter_async_context(_running(standby.run()))

        async def end_writers(processes: Sequence[str]) -> None:
            if connector is of_log:
                return
            with suppress(*AGAIN_LATER):  # while it is away nobody writes there
                names = [f"{WRITER} {each}" for each in processes]
                ended = await keeping.fetchval(END_WRITERS, names)
                log.warning("silent_writers_ended", connections=ended)

        yield ReadModels(connector, keeping, writing, reading, standby, end_writers)


async def _standby_pool(
    replica: Connector, standby: Presence, kept: ConnectionPool, process: str, size: int
) -> ConnectionPool:
    """Raises `DatabaseRefused` where something is wrong with the URL; a standby may be away."""
    try:
        async with first_connection(replica):
            pass
    except DatabaseAway:
        standby.note_failure()
    pool = await replica.pool(f"citybrain-replica {process}", size, keeps=False, of=StandbyPool)
    assert isinstance(pool, StandbyPool)
    pool.kept, pool.away_now = kept, lambda: standby.away
    return pool


@asynccontextmanager
async def _running(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
