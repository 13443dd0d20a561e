"""What PostgreSQL itself takes into the same table: the limits of an append.

They promise nothing: one connection, no expected versions, rows made beforehand. Only the time
inside statements counts.
"""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import asyncpg

from citybrain.columns import columns
from citybrain.eventstore import NewEvent
from ops.bench.append_ours import verify
from ops.bench.events import EVENT, new_metadata, new_stream_id
from ops.bench.figures import Sample, sample
from ops.bench.tally import WARM_UP_SECONDS, Tally
from ops.bench.workbench import Workbench

COLUMNS = (
    "originator_id",
    "originator_version",
    "topic",
    "state",
    "notification_id",
    "recorded_at",
    "metadata",
)
INSERT_ONE = """
INSERT INTO stored_events (
    originator_id, originator_version, topic, state, notification_id, recorded_at, metadata)
VALUES ($1, $2, $3, $4, $5, $6, $7)
"""
INSERT_MANY = """
INSERT INTO stored_events (
    originator_id, originator_version, topic, state, notification_id, recorded_at, metadata)
SELECT s, v, t, b, n, r, m::json
FROM unnest($1::text[], $2::bigint[], $3::text[], $4::bytea[], $5::bigint[], $6::timestamptz[],
            $7::text[]) AS e(s, v, t, b, n, r, m)
"""

Row = tuple[str, int, str, bytes, int, datetime, str]


def new_row(position: int, event: NewEvent = EVENT) -> Row:
    """A row of `stored_events`, in the order of `COLUMNS`."""
    at = datetime.now(UTC)
    return (new_stream_id(), 1, event.topic, event.state, position, at, new_metadata().to_json())


async def copy_binary(bench: Workbench, rows_per_copy: int = 10_000) -> Sample:
    """COPY in binary, 10 000 rows in a transaction."""

    async def write(connection: "asyncpg.Connection[Any]", rows: list[Row]) -> None:
        await connection.copy_records_to_table("stored_events", records=rows, columns=COLUMNS)

    return await _batches(bench, rows_per_copy, write)


async def insert_unnest(
    bench: Workbench, rows_per_insert: int = 1000, event: NewEvent = EVENT
) -> Sample:
    """INSERT … SELECT FROM unnest, 1000 rows in a transaction."""

    async def write(connection: "asyncpg.Connection[Any]", rows: list[Row]) -> None:
        await connection.execute(INSERT_MANY, *columns(rows))

    return await _batches(bench, rows_per_insert, write, event)


async def insert_one_row(
    bench: Workbench, connections: int = 16, event: NewEvent = EVENT
) -> Sample:
    """INSERT of one row with a commit each, by so many connections at once."""
    positions = itertools.count(1)
    async with bench.database() as url:
        tally = Tally(bench.seconds)

        async def client() -> None:
            connection = await asyncpg.connect(url)
            try:
                insert = await connection.prepare(INSERT_ONE)
                while tally.running():
                    began = time.perf_counter()
                    await insert.fetch(*new_row(next(positions), event))
                    tally.note(began, 1)
            finally:
                await connection.close()

        async with asyncio.TaskGroup() as clients:
            for _ in range(connections):
                clients.create_task(client())
        await verify(url, tally.acknowledged)
    return tally.sample()


async def _batches(
    bench: Workbench,
    rows_per_batch: int,
    write: Callable[["asyncpg.Connection[Any]", list[Row]], Awaitable[None]],
    event: NewEvent = EVENT,
) -> Sample:
    """Rows per second inside `write`; as a limit should, it leaves out making the rows."""
    positions = itertools.count(1)
    counted, busy, warm_up = 0, 0.0, WARM_UP_SECONDS
    written = 0
    async with bench.database() as url:
        connection = await asyncpg.connect(url)
        try:
            while busy < bench.seconds:
                rows = [new_row(next(positions), event) for _ in range(rows_per_batch)]
                began = time.perf_counter()
                await write(connection, rows)
                took = time.perf_counter() - began
                written += rows_per_batch
                if warm_up > 0:
                    warm_up -= took
                else:
                    busy += took
                    counted += rows_per_batch
        finally:
            await connection.close()
        await verify(url, written)
    return sample(counted, busy)
