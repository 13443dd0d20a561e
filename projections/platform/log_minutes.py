"""How many events the log had in each minute, and the position of the last; for 90 days."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg

from citybrain.columns import columns
from citybrain.eventstore import RecordedEvent
from projections.board import KEPT
from projections.projection import Order
from projections.reading import Pool, Row, fetch

TABLES = """
CREATE TABLE minutes (
    minute   timestamptz PRIMARY KEY,
    events   bigint NOT NULL,
    position bigint NOT NULL
);
"""
ADD = """
INSERT INTO minutes AS m (minute, events, position)
SELECT * FROM unnest($1::timestamptz[], $2::bigint[], $3::bigint[])
ON CONFLICT (minute) DO UPDATE SET events = m.events + excluded.events,
    position = greatest(m.position, excluded.position)
"""
FORGET = """
DELETE FROM minutes WHERE minute < (
    SELECT max(minute) FROM minutes
    WHERE minute <= (SELECT date_trunc('hour', max(minute)) - $1::interval FROM minutes))
"""


class LogMinutes:
    """The read model `log_minutes`."""

    name = "log_minutes"
    version = 1
    order = Order.LOG
    topics = None
    tables = TABLES

    async def apply(
        self, connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]
    ) -> None:
        """Add the batch's counts to their minutes."""
        found: dict[datetime, list[int]] = {}
        for event in events:
            row = found.setdefault(event.recorded_at.replace(second=0, microsecond=0), [0, 0])
            row[0] += 1
            row[1] = event.position
        await connection.execute(ADD, *columns((at, *row) for at, row in found.items()))
        await connection.execute(FORGET, KEPT)


BEFORE = """
SELECT max(position) AS position FROM (
    SELECT position FROM log_minutes.minutes WHERE minute < $1 ORDER BY minute DESC LIMIT 1
) m
"""
BETWEEN = """
SELECT to_timestamp(floor(extract(epoch FROM minute) / $3) * $3) AS at,
       sum(events)::bigint AS events
FROM log_minutes.minutes WHERE minute >= $1 AND minute < $2 GROUP BY 1 ORDER BY 1
"""
FIRST = "SELECT min(minute) AS first FROM log_minutes.minutes"


async def position_before(pool: Pool, at: datetime) -> int | None:
    """Where the log ended before a minute began; None where that is not known any more."""
    (row,) = await fetch(pool, BEFORE, at)
    position: int | None = row["position"]
    return position


async def between(pool: Pool, since: datetime, until: datetime, step_seconds: int) -> list[Row]:
    """Events of each step with any, from a minute until before another: `at`, `events`."""
    return await fetch(pool, BETWEEN, since, until, step_seconds)


async def first(pool: Pool) -> datetime | None:
    """The first minute of which anything is known."""
    (row,) = await fetch(pool, FIRST)
    at: datetime | None = row["first"]
    return at
