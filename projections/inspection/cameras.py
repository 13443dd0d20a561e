"""Cameras, and which of them see nothing."""

from collections.abc import Sequence
from typing import Any

import asyncpg
from pydantic import AwareDatetime, BaseModel

from citybrain.columns import columns
from citybrain.eventstore import RecordedEvent
from projections.projection import Order
from projections.reading import Pool, Row, fetch

TABLES = """
CREATE TABLE cameras (
    camera_id text COLLATE "C" PRIMARY KEY,
    latitude  double precision NOT NULL,
    longitude double precision NOT NULL,
    online    boolean NOT NULL,
    since     timestamptz NOT NULL,
    reason    text NOT NULL,
    simulated boolean NOT NULL
);
CREATE INDEX ON cameras (camera_id) WHERE NOT online;
"""


class CameraRow(BaseModel):
    """A camera."""

    camera_id: str
    latitude: float
    longitude: float
    online: bool
    since: AwareDatetime
    reason: str
    simulated: bool


COLUMNS = tuple(CameraRow.model_fields)
CHANGE = """
UPDATE cameras c SET online = n.online, since = n.since, reason = n.reason
FROM unnest($1::text[], $2::boolean[], $3::timestamptz[], $4::text[])
     AS n(camera_id, online, since, reason)
WHERE c.camera_id = n.camera_id
"""
REGISTERED, OFFLINE = "camera.registered", "camera.went_offline"


class Cameras:
    """The read model `cameras`."""

    name = "cameras"
    version = 1
    order = Order.STREAM
    topics = frozenset({REGISTERED, OFFLINE, "camera.came_online"})
    tables = TABLES

    async def apply(
        self, connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]
    ) -> None:
        """New cameras, then the last change of every camera."""
        new: list[tuple[Any, ...]] = []
        changed: dict[str, tuple[Any, ...]] = {}
        for event in events:
            data, camera_id = event.data, event.stream_id.removeprefix("camera-")
            at = data["timestamp"]
            if event.topic == REGISTERED:
                place = data["latitude"], data["longitude"]
                new.append((camera_id, *place, data["online"], at, "", data["simulated"]))
            else:
                online = event.topic != OFFLINE
                changed[camera_id] = (camera_id, online, at, data.get("reason", ""))
        if new:
            await connection.copy_records_to_table("cameras", records=new, columns=COLUMNS)
        if changed:
            await connection.execute(CHANGE, *columns(changed.values()))


PAGE = f"""
SELECT {", ".join(COLUMNS)} FROM cameras.cameras
WHERE ($1::boolean IS NULL OR online = $1) AND ($2::text IS NULL OR camera_id > $2)
ORDER BY camera_id LIMIT $3
"""  # noqa: S608
COUNTS = """
SELECT count(*) AS total, count(*) FILTER (WHERE NOT online) AS offline FROM cameras.cameras
"""


async def page(
    pool: Pool, *, online: bool | None = None, after: str | None = None, limit: int = 50
) -> list[Row]:
    """Cameras by id."""
    return await fetch(pool, PAGE, online, after, limit)


async def counts(pool: Pool) -> tuple[int, int]:
    """How many cameras there are, and how many of them see nothing."""
    (row,) = await fetch(pool, COUNTS)
    return row["total"], row["offline"]
