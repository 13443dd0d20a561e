"""The sessions of a plate, for whoever looks at them again when something about it changes."""

from datetime import datetime

from projections.parking.sessions import ParkingSessionsModel
from projections.reading import Pool, fetch, reached

OF_PLATE = """
SELECT session_id FROM parking_sessions.sessions
WHERE plate_id = $1 AND ($2::timestamptz IS NULL OR left_at IS NULL OR left_at >= $2)
  AND ($3::timestamptz IS NULL OR arrived_at < $3)
ORDER BY arrived_at, session_id
"""


async def of_plate(
    pool: Pool, plate_id: str, since: datetime | None, until: datetime | None, min_position: int
) -> list[str] | None:
    """Those that were there at some time of these, the earliest first; None where the model is
    behind the position."""
    if not await reached(pool, ParkingSessionsModel.name, min_position):
        return None
    rows = await fetch(pool, OF_PLATE, plate_id, since, until)
    return [row["session_id"] for row in rows]
