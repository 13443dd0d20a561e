"""How many places of each facility are free, at every moment of which something was said.

The number is the one that was reported. A row holds until the next one, or until its time is over;
what is shown of a facility at a moment, and of its hours, is made of these rows as it is read.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg
from pydantic import AwareDatetime, BaseModel, Field

from citybrain.domain.parking.counter import CounterRead
from citybrain.domain.parking.occupancy import Count, CountState
from citybrain.domain.parking.place import PlaceKind
from citybrain.eventstore import RecordedEvent
from citybrain.geo.areas import Box
from projections.reading import Pool, Row, fetch, fetch_planned

TABLES = """
CREATE TABLE readings (
    place_id        text COLLATE "C" NOT NULL,
    read_at         timestamptz NOT NULL,
    free            integer,
    state           text COLLATE "C" NOT NULL,
    anomaly         text COLLATE "C",
    off_by          integer NOT NULL,
    capacity        integer,
    silence_seconds integer NOT NULL,
    recorded_at     timestamptz NOT NULL,
    PRIMARY KEY (place_id, read_at)
);
"""


class ReadingRow(BaseModel):
    """What a counter said at a moment; `free` is as it was reported."""

    read_at: AwareDatetime
    free: int | None
    state: CountState
    anomaly: str | None = Field(description="why it is not believed, or not whole")
    off_by: int = Field(description="how far the counter is below nothing")
    capacity: int | None
    occupancy: float | None = Field(
        description="the share of places that are taken; null where it is not known"
    )


class FacilityRow(BaseModel):
    """A facility, and what its counter said last."""

    place_id: str
    name: str
    latitude: float | None
    longitude: float | None
    parent: str | None
    tariff_zone: str | None
    time_zone: str
    capacity: int | None
    state: CountState = Field(description="unknown where it was never counted")
    free: int | None
    anomaly: str | None
    off_by: int
    occupancy: float | None
    counted_at: AwareDatetime | None
    simulated: bool


COLUMNS = (
    "place_id",
    "read_at",
    "free",
    "state",
    "anomaly",
    "off_by",
    "capacity",
    "silence_seconds",
    "recorded_at",
)


class ParkingOccupancy:
    """The read model `parking_occupancy`."""

    name = "parking_occupancy"
    version = 1
    topics = frozenset({CounterRead.TOPIC})
    tables = TABLES

    async def apply(
        self, connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]
    ) -> None:
        """Add the readings of the batch; a moment of a facility has one."""
        rows = [
            (
                event.data["place_id"],
                event.data["occurred_at"],
                event.data["free"],
                event.data["state"],
                event.data["anomaly"],
                event.data["off_by"],
                event.data["capacity"],
                event.data["silence_seconds"],
                event.recorded_at,
            )
            for event in events
        ]
        await connection.copy_records_to_table("readings", records=rows, columns=COLUMNS)


SERIES = """
SELECT read_at, free, state, anomaly, off_by, capacity, silence_seconds
FROM parking_occupancy.readings
WHERE place_id = $1 AND read_at >= $2 AND read_at < $3 ORDER BY read_at LIMIT $4
"""
LAST = """
SELECT read_at, free, state, anomaly, off_by, capacity, silence_seconds
FROM parking_occupancy.readings
WHERE place_id = $1 AND read_at < $2 ORDER BY read_at DESC LIMIT 1
"""
FACILITIES = """
SELECT p.place_id, p.name, p.latitude, p.longitude, p.parent, p.tariff_zone, p.time_zone,
       p.capacity, p.simulated, r.read_at, r.free, r.state, r.anomaly, r.off_by,
       r.capacity AS counted_capacity, r.silence_seconds
FROM parking_places.places p
LEFT JOIN LATERAL (
    SELECT * FROM parking_occupancy.readings r
    WHERE r.place_id = p.place_id AND r.read_at <= $1 ORDER BY r.read_at DESC LIMIT 1
) r ON true
WHERE p.kind = $2 AND p.valid_from <= $1 AND (p.valid_until IS NULL OR p.valid_until > $1)
  AND NOT p.retired AND ($3::text IS NULL OR p.parent = $3)
  AND ($4::float8 IS NULL OR p.extent && box(point($5, $4), point($7, $6)))
  AND ($8::text[] IS NULL OR p.place_id = ANY($8)) AND ($9::text IS NULL OR p.place_id > $9)
ORDER BY p.place_id LIMIT $10
"""


async def readings(
    pool: Pool, place_id: str, since: datetime, until: datetime, *, limit: int | None
) -> list[Row]:
    """What a counter said from a moment until before another, in the order of time."""
    rows = await fetch(pool, SERIES, place_id, since, until, limit)
    return [row | {"occupancy": _count(row).occupancy} for row in rows]


async def counts(pool: Pool, place_id: str, since: datetime, until: datetime) -> list[Count]:
    """The same to be computed with, and before them the one that held at the beginning."""
    before = await fetch(pool, LAST, place_id, since)
    rows = await fetch(pool, SERIES, place_id, since, until, None)
    return [_count(row) for row in (*before, *rows)]


async def facilities(
    pool: Pool,
    at: datetime,
    *,
    parent: str | None = None,
    box: Box | None = None,
    ids: Sequence[str] | None = None,
    after: str | None = None,
    limit: int,
) -> list[Row]:
    """Facilities in use at a moment with what was counted then, by id."""
    kind, sides = PlaceKind.FACILITY.value, box or (None, None, None, None)
    wanted = None if ids is None else list(ids)
    found = await fetch_planned(pool, FACILITIES, at, kind, parent, *sides, wanted, after, limit)
    return [_as_of(row, at) for row in found]


def _as_of(row: Row, at: datetime) -> Row:
    """A facility with what its last count is worth at a moment."""
    never = {"state": CountState.UNKNOWN, "off_by": 0, "occupancy": None, "counted_at": None}
    if row["read_at"] is None:
        return row | never
    count = _count(row | {"capacity": row["counted_capacity"]})
    state = count.state_at(at)
    occupancy = None if state is CountState.STALE else count.occupancy
    return row | {"state": state, "occupancy": occupancy, "counted_at": row["read_at"]}


def _count(row: Row) -> Count:
    return Count(
        read_at=row["read_at"],
        free=row["free"],
        state=CountState(row["state"]),
        capacity=row["capacity"],
        silence_seconds=row["silence_seconds"],
    )
