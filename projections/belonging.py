"""Whether a read model is of the log as it is: one in another database stays where it was.

A log that went back leaves models with events that it lacks, or has others in place of. A model
knows of the last event that it has when it was recorded, which with its position says which one.
"""

from datetime import datetime

from citybrain.eventstore import EventStore
from citybrain.eventstore.reader import patiently
from projections.worker import ProjectionWorker

RECORDED_AT = "SELECT recorded_at FROM stored_events WHERE notification_id = $1"
FURTHEST_AHEAD = """
SELECT position, recorded_at FROM streams_ahead WHERE projection = $1
ORDER BY position DESC LIMIT 1
"""
ANOTHER_LOG_SINCE = """
SELECT EXISTS (SELECT FROM log_incarnations
               WHERE began_after < $1 AND ($2::timestamptz IS NULL OR began_at > $2))
"""


async def recorded_at(store: EventStore, position: int) -> datetime | None:
    """When the event at a position was recorded; None where there is none."""
    found: datetime | None = await patiently(lambda: store.pool.fetchval(RECORDED_AT, position))
    return found


async def belongs(store: EventStore, worker: ProjectionWorker) -> bool:
    """Whether all that a model has is in the log.

    False where it is void: the log went back, and somebody has begun another incarnation. Raises
    `LogWentBack` where nobody has.
    """
    known = [(worker.position, worker.recorded_at)]
    if worker.fed:
        known += map(tuple, await store.keeping.fetch(FURTHEST_AHEAD, worker.schema))
    for position, at in known:
        if position and not await _has(store, position, at):
            if await store.pool.fetchval(ANOTHER_LOG_SINCE, position, at):
                return False
            raise store.witness.went_back(position, await store.head())
    return True


async def _has(store: EventStore, position: int, at: datetime | None) -> bool:
    found = await recorded_at(store, position)
    return found is not None and at in (None, found)
