"""Applies parked events again, stream by stream and in order."""

from dataclasses import dataclass
from typing import Any

import asyncpg
import structlog

from citybrain.eventstore import EventStore, RecordedEvent
from citybrain.eventstore.connecting import LONG_SECONDS
from projections.ahead import hold
from projections.projection import Projection
from projections.worker import describe

log = structlog.get_logger(__name__)

HOLD_LIVE = "SELECT position FROM projection_checkpoints WHERE projection = $1 FOR UPDATE"
PARKED = """
SELECT stream_id, array_agg(position ORDER BY position) AS positions
FROM parked_events WHERE projection = $1 GROUP BY stream_id ORDER BY min(position)
"""
UNPARK = "DELETE FROM parked_events WHERE projection = $1 AND position = ANY($2)"
FAILED_AGAIN = """
UPDATE parked_events SET attempts = attempts + 1, error = $3
WHERE projection = $1 AND position = $2
"""


@dataclass(frozen=True, slots=True)
class Retried:
    """What became of the parked events of a projection."""

    applied: int
    still_parked: int


async def retry_parked(store: EventStore, projection: Projection) -> Retried:
    """Apply what is parked again; a stream stops at its first event that fails again."""
    connection = await store.connect_keeping("citybrain-retry", statement_seconds=LONG_SECONDS)
    applied = still_parked = 0
    try:
        async with connection.transaction():
            await hold(connection, projection.name)
            await connection.fetchval(HOLD_LIVE, projection.name)
            await connection.execute(
                "SELECT set_config('search_path', quote_ident($1) || ', public', true)",
                projection.name,
            )
            for row in await connection.fetch(PARKED, projection.name):
                events = await store.read(row["stream_id"])
                wanted = [event for event in events if event.position in set(row["positions"])]
                done = await _retry_stream(connection, projection, wanted)
                applied += done
                still_parked += len(wanted) - done
    finally:
        connection.terminate()
    return Retried(applied, still_parked)


async def _retry_stream(
    connection: "asyncpg.Connection[Any]", projection: Projection, events: list[RecordedEvent]
) -> int:
    for number, event in enumerate(events):
        try:
            async with connection.transaction():
                await projection.apply(connection, [event])
                await connection.execute(UNPARK, projection.name, [event.position])
        except Exception as error:
            log.warning("event_still_parked", projection=projection.name, position=event.position)
            await connection.execute(FAILED_AGAIN, projection.name, event.position, describe(error))
            return number
    return len(events)
