"""Builds a read model anew beside the live one, compares the two, and swaps them.

A shadow is a schema of its own with its own checkpoint. Readers see the live model until one
transaction renames the schemas; a live worker notices that its checkpoint moved.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg

from citybrain.errors import CitybrainError
from citybrain.eventstore import EventStore
from citybrain.eventstore.connecting import LONG_SECONDS
from citybrain.eventstore.locks import TRY_LOCK
from projections.ahead import all_ahead, hold
from projections.belonging import recorded_at
from projections.projection import Projection
from projections.worker import ProjectionWorker

BATCH_SIZE = 2000
NEAR = 2_000  # events behind that may be caught up while the live checkpoint is held
SAMPLES = 5

LIVE_POSITION = "SELECT position FROM projection_checkpoints WHERE projection = $1"
HOLD_LIVE = f"{LIVE_POSITION} FOR UPDATE"
ADOPT_CHECKPOINT = """
UPDATE projection_checkpoints live
SET version = shadow.version, position = shadow.position, fed = shadow.fed,
    recorded_at = shadow.recorded_at,
    updated_at = clock_timestamp()
FROM projection_checkpoints shadow WHERE live.projection = $1 AND shadow.projection = $2
"""
NOTHING_AHEAD = "DELETE FROM streams_ahead WHERE projection = $1"
ADOPT_PARKED = "UPDATE parked_events SET projection = $1 WHERE projection = $2"
FIRST_PARKED = """
SELECT stream_id, min(position) FROM parked_events WHERE projection = $1 GROUP BY stream_id
"""
TABLES_OF = """
SELECT tablename FROM pg_tables WHERE schemaname = $1 ORDER BY tablename
"""

Progress = Callable[[int, int], None]
"""Called with the position reached and the position aimed at."""


class RebuildRunning(CitybrainError):
    """The projection is being rebuilt or compared already."""

    code = "rebuild-running"


class NothingToCompare(CitybrainError):
    """There is no live model of this version to compare with; it must be built first."""

    code = "nothing-to-compare"


@dataclass(frozen=True, slots=True)
class TableDifference:
    """Rows that stand in only one of the two models, with a few of them as text."""

    table: str
    rows: int
    only_live: int
    only_rebuilt: int
    samples: list[str]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A live model beside one rebuilt from the log up to the same position."""

    projection: str
    position: int
    tables: list[TableDifference]

    @property
    def equal(self) -> bool:
        """Whether no row differs."""
        return all(not table.only_live and not table.only_rebuilt for table in self.tables)


async def rebuild(
    store: EventStore, projection: Projection, progress: Progress = lambda *_: None
) -> int:
    """Rebuild and swap in; returns the position of the new model. The live one serves on."""
    async with _shadow(store, projection, "next") as shadow:
        await _catch_up(store, shadow, store.head, progress)
        connection = shadow.connection
        old = f"{projection.name}__old"
        async with connection.transaction():
            await hold(connection, projection.name)
            live = await connection.fetchval(HOLD_LIVE, projection.name)
            await _apply_up_to(store, shadow, await store.head(), progress)
            await connection.execute(NOTHING_AHEAD, projection.name)
            if live is not None:
                await connection.execute(f'DROP SCHEMA IF EXISTS "{old}" CASCADE')
                await connection.execute(f'ALTER SCHEMA "{projection.name}" RENAME TO "{old}"')
            await connection.execute(
                f'ALTER SCHEMA "{shadow.schema}" RENAME TO "{projection.name}"'
            )
            await connection.execute(
                "DELETE FROM parked_events WHERE projection = $1", projection.name
            )
            await connection.execute(ADOPT_PARKED, projection.name, shadow.schema)
            if live is None:
                await connection.execute(
                    "UPDATE projection_checkpoints SET projection = $1 WHERE projection = $2",
                    projection.name,
                    shadow.schema,
                )
            else:
                await connection.execute(ADOPT_CHECKPOINT, projection.name, shadow.schema)
        await connection.execute(f'DROP SCHEMA IF EXISTS "{old}" CASCADE')
        return shadow.position


async def compare(
    store: EventStore, projection: Projection, progress: Progress = lambda *_: None
) -> Comparison:
    """Rebuild beside the live model up to its exact position and compare every row."""
    async with _shadow(store, projection, "compare") as shadow:
        connection = shadow.connection

        async def live_position() -> int:
            return await connection.fetchval(LIVE_POSITION, projection.name) or 0

        await _catch_up(store, shadow, live_position, progress)
        async with connection.transaction():
            await hold(connection, projection.name)
            live = await connection.fetchval(HOLD_LIVE, projection.name)
            if live is None:
                raise NothingToCompare(f"{projection.name} has not been built yet")
            await _apply_up_to(store, shadow, live, progress)
            await _apply_ahead(store, shadow)
            tables = [
                await _difference(connection, projection.name, shadow.schema, row["tablename"])
                for row in await connection.fetch(TABLES_OF, projection.name)
            ]
        return Comparison(projection.name, live, tables)


@asynccontextmanager
async def _shadow(
    store: EventStore, projection: Projection, suffix: str
) -> AsyncIterator[ProjectionWorker]:
    """An empty shadow model; whatever is left of it afterwards is removed."""
    connection = await store.connect_keeping("citybrain-rebuild", statement_seconds=LONG_SECONDS)
    try:
        if not await connection.fetchval(TRY_LOCK, f"rebuild:{projection.name}"):
            raise RebuildRunning(f"{projection.name} is being rebuilt or compared already")
        shadow = ProjectionWorker(projection, connection, f"{projection.name}__{suffix}")
        await shadow.drop()  # what a killed rebuild left
        await shadow.create()
        try:
            yield shadow
        finally:
            if not connection.is_closed():
                await shadow.drop()
    finally:
        connection.terminate()


async def _catch_up(
    store: EventStore,
    shadow: ProjectionWorker,
    goal: Callable[[], Awaitable[int]],
    progress: Progress,
) -> None:
    """Bring the shadow near a goal that moves; never past it."""
    while True:
        position = await goal()
        if position - shadow.position <= NEAR:
            return
        await _apply_up_to(store, shadow, position, progress)


async def _apply_up_to(
    store: EventStore, shadow: ProjectionWorker, position: int, progress: Progress
) -> None:
    if shadow.position >= position:
        return
    topics = sorted(shadow.projection.topics or ())
    async for batch in store.replay(
        shadow.position, position, topics=topics, batch_size=BATCH_SIZE
    ):
        await shadow.apply(batch)
        progress(shadow.position, position)
    await shadow.pass_by(position, await recorded_at(store, position))
    progress(shadow.position, position)


async def _apply_ahead(store: EventStore, shadow: ProjectionWorker) -> None:
    """Apply what the live model has of streams that are ahead of its checkpoint.

    What it has parked of them is left out. Within the transaction that compares.
    """
    projection, connection = shadow.projection, shadow.connection
    versions = await all_ahead(connection, projection.name)
    parked = {row[0]: row[1] for row in await connection.fetch(FIRST_PARKED, projection.name)}
    events = [
        event
        for stream_id, version in versions.items()
        for event in await store.read(stream_id, up_to_version=version)
        if shadow.position < event.position < parked.get(stream_id, event.position + 1)
    ]
    if wanted := shadow.wanted(sorted(events, key=lambda event: event.position)):
        await shadow.enter()
        await projection.apply(connection, wanted)


async def _difference(
    connection: "asyncpg.Connection[Any]", live: str, rebuilt: str, table: str
) -> TableDifference:
    rows = await connection.fetchval(f'SELECT count(*) FROM "{live}"."{table}"')  # noqa: S608
    only = []
    samples: list[str] = []
    for one, other in ((live, rebuilt), (rebuilt, live)):
        found = await connection.fetch(
            f"""
            SELECT row, count(*) OVER () AS rows FROM (
                SELECT t::text AS row FROM "{one}"."{table}" t
                EXCEPT ALL SELECT t::text FROM "{other}"."{table}" t
            ) AS only_here ORDER BY row LIMIT {SAMPLES}
            """  # noqa: S608
        )
        only.append(found[0]["rows"] if found else 0)
        samples += [f"only {'live' if one == live else 'rebuilt'}: {row['row']}" for row in found]
    return TableDifference(table, rows, only[0], only[1], samples)
