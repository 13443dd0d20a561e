"""Which sessions there are, by id, for whoever goes through them: of a plate, or of a time."""

from datetime import datetime

from projections.parking.sessions import ParkingSessionsModel
from projections.reading import Pool, Row, fetch, reached

OF_PLATE = """
SELECT session_id FROM parking_sessions.sessions
WHERE plate_id = $1 AND ($2::timestamptz IS NULL OR left_at IS NULL OR left_at >= $2)
  AND ($3::timestamptz IS NULL OR arrived_at < $3)
ORDER BY arrived_at, session_id
"""
ENDED = """
SELECT session_id, arrived_at FROM parking_sessions.sessions
WHERE arrived_at < $2 AND left_at > $1 AND status <> 'voided'
  AND ($3::timestamptz IS NULL OR (arrived_at, session_id) > ($3, $4::text))
ORDER BY arrived_at, session_id LIMIT $5
"""

After = tuple[datetime, str] | None


async def of_plate(
    pool: Pool, plate_id: str, since: datetime | None, until: datetime | None, min_position: int
) -> list[str] | None:
    """Those that were there at some time of these, the earliest first; None where the model is
    behind the position."""
    if not await reached(pool, ParkingSessionsModel.name, min_position):
        return None
    rows = await fetch(pool, OF_PLATE, plate_id, since, until)
    return [row["session_id"] for row in rows]


async def ended_between(
    pool: Pool, since: datetime, until: datetime, *, after: After, limit: int
) -> list[Row]:
    """Those that have ended and were there at some time of these, by their arrival."""
    at, session_id = after or (None, None)
    return await fetch(pool, ENDED, since, until, at, session_id, limit)


async def ended_between_as_of(
    pool: Pool, since: datetime, until: datetime, after: After, limit: int, min_position: int
) -> list[Row] | None:
    """The same; None where the model is behind the position."""
    if not await reached(pool, ParkingSessionsModel.name, min_position):
        return None
    return await ended_between(pool, since, until, after=after, limit=limit)
