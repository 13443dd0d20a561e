"""How far the read models have come, and what they set aside."""

from collections.abc import Sequence

from citybrain.eventstore import EventStore
from citybrain.eventstore.locks import FREE
from projections.projection import Projection
from projections.reading import Pool, Row, fetch

STATUS = """
SELECT c.projection, c.version, c.position, c.updated_at, c.stopped,
       (SELECT count(*) FROM parked_events p WHERE p.projection = c.projection) AS parked
FROM projection_checkpoints c ORDER BY c.projection
"""

LOWEST = """
SELECT min(position) AS position FROM projection_checkpoints WHERE projection = ANY($1)
"""

PROGRESS = "SELECT coalesce(sum(position), 0)::bigint AS positions FROM projection_checkpoints"

PARKED = """
SELECT projection, position, stream_id, topic, error, attempts, parked_at, source, announced
FROM parked_events WHERE $2::text IS NULL OR projection = $2
ORDER BY projection, position LIMIT $1
"""


async def lowest_position(pool: Pool, models: Sequence[str]) -> int:
    """The log position that all of these read models have reached."""
    (row,) = await fetch(pool, LOWEST, list(models))
    return int(row["position"] or 0)


async def progress(store: EventStore) -> tuple[int, int]:
    """Another one whenever the log or a read model has gone on."""
    (row,) = await fetch(store.keeping, PROGRESS)
    return await store.head(), row["positions"]


async def projection_status(store: EventStore, projections: Sequence[Projection]) -> list[Row]:
    """Version, position, lag and parked events of each live projection."""
    head = await store.head()
    live = {projection.name for projection in projections}
    leads = [f"projection:{name}" for name in live]
    led_by_nobody = {row["text"] for row in await fetch(store.pool, FREE, leads)}
    return [
        row
        | {
            "lag": max(head - row["position"], 0),
            "running": f"projection:{row['projection']}" not in led_by_nobody,
        }
        for row in await fetch(store.keeping, STATUS)
        if row["projection"] in live
    ]


def with_pace(before: Sequence[Row], after: Sequence[Row], seconds: float) -> list[Row]:
    """`after`, with the positions a second that each model has gone on by since `before`.

    `seconds_left` is when it will be at the end of the log at that pace, while more comes at the
    pace at which that end has moved; None where it would never be, or cannot be told.
    """
    was = {row["projection"]: row for row in before}
    found = []
    for row in after:
        pace = left = None
        if (earlier := was.get(row["projection"])) is not None:
            pace = (row["position"] - earlier["position"]) / seconds
            gained = (earlier["lag"] - row["lag"]) / seconds
            left = 0.0 if row["lag"] == 0 else row["lag"] / gained if gained > 0 else None
        found.append(row | {"events_per_second": pace, "seconds_left": left})
    return found


async def parked_events(pool: Pool, limit: int = 100, projection: str | None = None) -> list[Row]:
    """Events that projections set aside, or that one did."""
    return await fetch(pool, PARKED, limit, projection)
