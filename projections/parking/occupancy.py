"""How many places of each facility are free, at every moment of which something was said.

The number is the one that was reported. A row holds until the next one, or until its time is over;
in between it moves by what loops count (`passages`). What is shown of a facility at a moment, and
of its hours, is made of these rows as it is read.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg
from pydantic import AwareDatetime, BaseModel, Field

from citybrain.columns import columns
from citybrain.domain.parking.barrier import Way
from citybrain.domain.parking.counter import CounterRead
from citybrain.domain.parking.detection import ParkingDetected
from citybrain.domain.parking.occupancy import Count, CountState, Passed, followed
from citybrain.domain.parking.place import PlaceKind
from citybrain.domain.parking.presence import Sign
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
    drift           integer,
    recorded_at     timestamptz NOT NULL,
    PRIMARY KEY (place_id, read_at)
);
CREATE TABLE passages (
    place_id text COLLATE "C" NOT NULL,
    at       timestamptz NOT NULL,
    sign_id  text COLLATE "C" NOT NULL,
    opening  text COLLATE "C" NOT NULL,
    way      text COLLATE "C" NOT NULL,
    vehicles integer NOT NULL,
    places   integer NOT NULL,
    PRIMARY KEY (place_id, at, sign_id)
);
CREATE INDEX ON passages (place_id, opening);
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
    """A facility, and what its counter said last, with what loops have counted since."""

    place_id: str
    name: str
    latitude: float | None
    longitude: float | None
    parent: str | None
    tariff_zone: str | None
    time_zone: str
    capacity: int | None
    state: CountState = Field(description="unknown where it was never counted")
    free: int | None = Field(description="what the counter said, and `passed`")
    passed: int = Field(description="so many more left than came since then, as loops count")
    anomaly: str | None
    off_by: int
    occupancy: float | None
    counted_at: AwareDatetime | None
    simulated: bool


SAID = (
    "place_id",
    "occurred_at",
    "free",
    "state",
    "anomaly",
    "off_by",
    "capacity",
    "silence_seconds",
    "drift",
)
COLUMNS = (
    "place_id",
    "read_at",
    "free",
    "state",
    "anomaly",
    "off_by",
    "capacity",
    "silence_seconds",
    "drift",
    "recorded_at",
)
PASSAGES = ("place_id", "at", "sign_id", "opening", "way", "vehicles", "places")
RECOUNT = """
UPDATE passages p SET places = n.places
FROM (
    SELECT place_id, at, sign_id, CASE way WHEN 'in' THEN -1 ELSE 1 END * (
               vehicles - coalesce(lag(vehicles) OVER (
                   PARTITION BY place_id, opening, way ORDER BY at, sign_id), 0)) AS places
    FROM passages JOIN unnest($1::text[], $2::text[]) AS o(place_id, opening)
        USING (place_id, opening)
) n
WHERE p.place_id = n.place_id AND p.at = n.at AND p.sign_id = n.sign_id
  AND p.places <> n.places
"""
"""A loop says how many it has counted of an opening so far: the places are what that is more."""


class ParkingOccupancy:
    """The read model `parking_occupancy`."""

    name = "parking_occupancy"
    version = 2
    topics = frozenset({CounterRead.TOPIC, ParkingDetected.TOPIC})
    tables = TABLES

    async def apply(
        self, connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]
    ) -> None:
        """Add what the batch says; a moment of a facility has one reading."""
        rows = [
            (*(event.data.get(name) for name in SAID), event.recorded_at)
            for event in events
            if event.topic == CounterRead.TOPIC
        ]
        if rows:
            await connection.copy_records_to_table("readings", records=rows, columns=COLUMNS)
        counted = [
            (
                event.data["place_id"],
                event.data["occurred_at"],
                event.stream_id,
                event.data["opening"],
                event.data.get("way") or Way.OUT.value,
                event.data["vehicles"],
                0,
            )
            for event in events
            if event.topic == ParkingDetected.TOPIC and event.data["sign"] == Sign.COUNTED
        ]
        if counted:
            await connection.copy_records_to_table("passages", records=counted, columns=PASSAGES)
            openings = list({(row[0], row[3]) for row in counted})
            await connection.execute(RECOUNT, *columns(openings))


SERIES = """
SELECT read_at, free, state, anomaly, off_by, capacity, silence_seconds, drift
FROM parking_occupancy.readings
WHERE place_id = $1 AND read_at >= $2 AND read_at < $3 ORDER BY read_at LIMIT $4
"""
LAST = """
SELECT read_at, free, state, anomaly, off_by, capacity, silence_seconds, drift
FROM parking_occupancy.readings
WHERE place_id = $1 AND read_at < $2 ORDER BY read_at DESC LIMIT 1
"""
COUNTED = """
SELECT at, places FROM parking_occupancy.passages
WHERE place_id = $1 AND at > $2 AND at < $3 ORDER BY at, sign_id
"""
FACILITIES = """
SELECT p.place_id, p.name, p.latitude, p.longitude, p.parent, p.tariff_zone, p.time_zone,
       p.capacity, p.simulated, r.read_at, r.free, r.state, r.anomaly, r.off_by,
       r.capacity AS counted_capacity, r.silence_seconds, r.drift, r.passed
FROM parking_places.places p
LEFT JOIN LATERAL (
    SELECT *, (
        SELECT sum(g.places) FROM parking_occupancy.passages g
        WHERE g.place_id = r.place_id AND g.at > r.read_at AND g.at <= $1
          AND g.at < r.read_at + make_interval(secs => r.silence_seconds)
    ) AS passed
    FROM parking_occupancy.readings r
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
    """The same to be computed with, and before them the one that held at the beginning.

    Between them are those that loops have moved.
    """
    before = await fetch(pool, LAST, place_id, since)
    rows = await fetch(pool, SERIES, place_id, since, until, None)
    told = [_count(row) for row in (*before, *rows)]
    if not told:
        return []
    passed = await fetch(pool, COUNTED, place_id, told[0].read_at, until)
    return followed(told, [Passed(row["at"], row["places"]) for row in passed])


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
    never |= {"passed": 0}
    if row["read_at"] is None:
        return row | never
    count = _count(row | {"capacity": row["counted_capacity"]})
    passed = row["passed"] or 0
    said: Row = {"passed": 0}
    if passed and count.places_free is not None:
        count, judged = count.moved(passed, at)
        said = {"passed": passed, "free": count.free, "off_by": judged.off_by}
        said["anomaly"] = None if judged.anomaly is None else judged.anomaly.value
    state = count.state_at(at)
    occupancy = None if state is CountState.STALE else count.occupancy
    said |= {"state": state, "occupancy": occupancy, "counted_at": row["read_at"]}
    return row | said


def _count(row: Row) -> Count:
    return Count(
        read_at=row["read_at"],
        free=row["free"],
        state=CountState(row["state"]),
        capacity=row["capacity"],
        silence_seconds=row["silence_seconds"],
        drift=row["drift"],
    )
