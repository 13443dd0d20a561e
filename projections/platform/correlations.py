"""Which events belong together: the positions of those with the same correlation id.

An index of the log would hold the lock of every append for half as long again: the ids are random.
"""

import re
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import asyncpg

from citybrain.columns import arrays
from citybrain.eventstore import RecordedEvent
from projections.projection import Order
from projections.reading import Pool, fetch

TABLES = """
CREATE TABLE positions (
    correlation uuid   NOT NULL,
    position    bigint NOT NULL,
    PRIMARY KEY (correlation, position)
);
"""

ADD = """
INSERT INTO positions (correlation, position)
SELECT * FROM unnest($1::text::uuid[], $2::text::bigint[]) ORDER BY 1, 2
"""
AS_WE_WRITE: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Correlations:
    """The read model `correlations`."""

    name = "correlations"
    version = 1
    order = Order.STREAM
    topics = None
    tables = TABLES

    async def apply(
        self, connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]
    ) -> None:
        """Add the positions of those that have a correlation."""
        found = [(correlation_of(event), event.position) for event in events]
        rows = [(correlation, position) for correlation, position in found if correlation]
        if rows:
            await connection.execute(ADD, *arrays(rows))


def correlation_of(event: RecordedEvent) -> str | None:
    """What an event belongs to; None where another program stored it without, or as no UUID."""
    try:
        said = event.metadata["correlation_id"]
        return said if AS_WE_WRITE.fullmatch(said) else str(UUID(said))
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


POSITIONS = """
SELECT position FROM correlations.positions
WHERE correlation = $1 AND position > $2 ORDER BY position LIMIT $3
"""


async def positions(pool: Pool, correlation: UUID, after: int, limit: int) -> list[int]:
    """The first positions behind `after` of the events that belong together."""
    return [row["position"] for row in await fetch(pool, POSITIONS, correlation, after, limit)]
