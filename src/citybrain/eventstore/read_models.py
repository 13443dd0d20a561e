"""Where read models are: in the database of the log, or in one of their own, which has a standby.

Whoever keeps a model up writes its rows and its position in one transaction, in whichever database
it is. Who leads it is decided in the database of the log. A leader that was stopped in the midst of
a transaction is ended in both.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass

import structlog

from citybrain.eventstore.connecting import ConnectionPool, Connector, close_pool, first_connection
from citybrain.eventstore.connections import Connections, limits, needed_for_models, require
from citybrain.eventstore.lane import AGAIN_LATER
from citybrain.eventstore.migrations import migrate, migrations_folder
from citybrain.settings import Settings

log = structlog.get_logger(__name__)

WRITER = "citybrain-worker"
END_WRITERS = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE datname = current_database() AND usename = current_user AND application_name = ANY($1)
"""


@dataclass(frozen=True, slots=True)
class ReadModels:
    """Connections to the database of the read models."""

    connector: Connector
    keeping: ConnectionPool
    """Reads of those who keep models up, and what they write beside them."""
    writing: ConnectionPool
    reading: ConnectionPool
    """Reads of the API."""
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
        # What a crash of PostgreSQL takes back of read models is applied again.
        writing = await connector.pool(
            f"{WRITER} {process}",
            settings.writing_pool_size,
            keeps=working,
            synchronous_commit="off",
        )
        stack.push_async_callback(close_pool, writing)
        reading = keeping
        if settings.replica_url is not None:
            replica = Connector(settings.replica_url.get_secret_value(), None)
            async with first_connection(replica):
                pass  # what is wrong with the URL shows
            reading = await replica.pool(
                f"citybrain-replica {process}", settings.pool_size, keeps=keep
            )
            stack.push_async_callback(close_pool, reading)

        async def end_writers(processes: Sequence[str]) -> None:
            if connector is of_log:
                return
            with suppress(*AGAIN_LATER):  # while it is away nobody writes there
                names = [f"{WRITER} {each}" for each in processes]
                ended = await keeping.fetchval(END_WRITERS, names)
                log.warning("silent_writers_ended", connections=ended)

        yield ReadModels(connector, keeping, writing, reading, end_writers)
