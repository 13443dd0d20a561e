"""How many streams and events there are of each category, and when the last one came."""

from collections.abc import Sequence
from typing import Any

import asyncpg

from citybrain.columns import columns
from citybrain.domain.stream import category_of
from citybrain.eventstore import RecordedEvent
from projections.projection import Order
from projections.reading import Pool, Row, fetch

TABLES = """
CREATE TABLE categories (
    category      text COLLATE "C" PRIMARY KEY,
    streams       bigint NOT NULL,
    events        bigint NOT NULL,
    last_position bigint NOT NULL,
    last_recorded_at timestamptz NOT NULL
);
"""

ADD = """
INSERT INTO categories AS c (category, streams, events, last_position, last_recorded_at)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::timestamptz[])
ON CONFLICT (category) DO UPDATE SET
    streams = c.streams + excluded.streams,
    events = c.events + excluded.events,
    last_position = greatest(c.last_position, excluded.last_position),
    last_recorded_at = greatest(c.last_recorded_at, excluded.last_recorded_at)
"""


class Streams:
    """The read model `streams`."""

    name = "streams"
    version = 1
    order = Order.STREAM
    topics = None
    tables = TABLES

    async def apply(
        self, connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]
    ) -> None:
        """Add the batch's counts to their categories."""
        sums: dict[str, list[Any]] = {}
        for event in events:
            row = sums.setdefault(category_of(event.stream_id), [0, 0, 0, None])
            row[0] += event.version == 1
            row[1] += 1
            row[2], row[3] = event.position, event.recorded_at
        rows = [(category, *row) for category, row in sums.items()]
        await connection.execute(ADD, *columns(rows))


COUNTS = """
SELECT category, streams, events, last_position, last_recorded_at
FROM streams.categories ORDER BY category
"""


async def counts(pool: Pool) -> list[Row]:
    """Streams and events by category."""
    return await fetch(pool, COUNTS)
