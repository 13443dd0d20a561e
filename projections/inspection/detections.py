"""Detections that wait for a person to confirm them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg
from pydantic import AwareDatetime, BaseModel

from citybrain.eventstore import RecordedEvent
from projections.projection import Order
from projections.reading import Pool, Row, fetch

TABLES = """
CREATE TABLE awaiting (
    detection_id    text COLLATE "C" PRIMARY KEY,
    camera_id       text COLLATE "C" NOT NULL,
    class_code      text COLLATE "C" NOT NULL,
    confidence      integer NOT NULL,
    latitude        double precision NOT NULL,
    longitude       double precision NOT NULL,
    occurred_at     timestamptz NOT NULL,
    evidence_sha256 text[] NOT NULL,
    simulated       boolean NOT NULL
);
CREATE INDEX ON awaiting (occurred_at, detection_id);
CREATE INDEX ON awaiting (class_code, occurred_at, detection_id);
"""


class AwaitingRow(BaseModel):
    """A detection that waits for a person."""

    detection_id: str
    camera_id: str
    class_code: str
    confidence: int
    latitude: float
    longitude: float
    occurred_at: AwareDatetime
    evidence_sha256: list[str]
    simulated: bool


COLUMNS = tuple(AwaitingRow.model_fields)
RECORDED = "detection.recorded"


class Detections:
    """The read model `detections`."""

    name = "detections"
    version = 1
    order = Order.STREAM
    topics = frozenset({RECORDED, "detection.confirmed", "detection.dismissed"})
    tables = TABLES

    async def apply(
        self, connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]
    ) -> None:
        """Put what waits in, take what is settled out."""
        settled = [event.stream_id for event in events if event.topic != RECORDED]
        gone = set(settled)
        new = [
            (event.stream_id, *(event.data[column] for column in COLUMNS[1:]))
            for event in events
            if event.topic == RECORDED and not event.data["sure"] and event.stream_id not in gone
        ]
        if new:
            await connection.copy_records_to_table("awaiting", records=new, columns=COLUMNS)
        if settled:
            await connection.execute("DELETE FROM awaiting WHERE detection_id = ANY($1)", settled)


PAGE = f"""
SELECT {", ".join(COLUMNS)} FROM detections.awaiting
WHERE ($1::text IS NULL OR class_code = $1)
  AND ($2::timestamptz IS NULL OR (occurred_at, detection_id) > ($2, $3::text))
ORDER BY occurred_at, detection_id LIMIT $4
"""  # noqa: S608


async def awaiting(
    pool: Pool,
    *,
    class_code: str | None = None,
    after: tuple[datetime, str] | None = None,
    limit: int = 50,
) -> list[Row]:
    """Detections that wait for a person, longest waiting first."""
    at, detection_id = after or (None, None)
    return await fetch(pool, PAGE, class_code, at, detection_id, limit)
