"""Places as of a moment: each version a row, in force from one moment until before another."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import cos, radians
from typing import Any

import asyncpg
import orjson
from pydantic import AwareDatetime, BaseModel

from citybrain.domain.parking.place import PlaceVersion, centre
from citybrain.eventstore import RecordedEvent
from citybrain.geo.areas import Box
from citybrain.geo.distance import degrees_around, metres_between
from citybrain.geo.geojson import box_of
from projections.reading import Pool, Row, columns, fetch, fetch_planned

TABLES = """
CREATE TABLE places (
    place_id     text COLLATE "C" NOT NULL,
    kind         text COLLATE "C" NOT NULL,
    valid_from   timestamptz NOT NULL,
    valid_until  timestamptz,
    recorded_at  timestamptz NOT NULL,
    name         text NOT NULL,
    geometry     jsonb,
    longitude    double precision,
    latitude     double precision,
    parent       text COLLATE "C",
    tariff_zone  text COLLATE "C",
    time_zone    text NOT NULL,
    number       integer,
    length_cm    integer,
    capacity     integer,
    sentinels    integer[] NOT NULL,
    drift        integer,
    silence_seconds integer,
    watches      text[] NOT NULL,
    previous     text[] NOT NULL,
    retired      boolean NOT NULL,
    device_type  text COLLATE "C",
    simulated    boolean NOT NULL,
    extent       box,
    PRIMARY KEY (place_id, valid_from)
);
CREATE INDEX ON places (kind, place_id, valid_from);
CREATE INDEX ON places (parent, number) WHERE parent IS NOT NULL;
CREATE INDEX ON places USING gin (watches) WHERE watches <> '{}';
CREATE INDEX ON places USING gist (extent);
CREATE TABLE known (
    stream_id text COLLATE "C" PRIMARY KEY,
    place_id  text COLLATE "C" NOT NULL,
    kind      text COLLATE "C" NOT NULL,
    simulated boolean NOT NULL
);
"""


class PlaceRow(BaseModel):
    """What holds of a place from a moment on; `valid_until` None: still."""

    place_id: str
    kind: str
    valid_from: AwareDatetime
    valid_until: AwareDatetime | None
    recorded_at: AwareDatetime
    name: str
    geometry: dict[str, Any] | None
    longitude: float | None
    latitude: float | None
    parent: str | None
    tariff_zone: str | None
    time_zone: str
    number: int | None
    length_cm: int | None
    capacity: int | None
    sentinels: list[int]
    drift: int | None
    silence_seconds: int | None
    watches: list[str]
    previous: list[str]
    retired: bool
    device_type: str | None
    simulated: bool


class NearPlaceRow(PlaceRow):
    """A place around a point."""

    distance_m: float


COLUMNS = (*PlaceRow.model_fields, "extent")
NAME = """
INSERT INTO known (stream_id, place_id, kind, simulated)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::boolean[]) ON CONFLICT DO NOTHING
"""
NAMED = "SELECT * FROM known WHERE stream_id = ANY($1)"
BOUND = """
UPDATE places p SET valid_until = n.valid_until FROM (
    SELECT place_id, valid_from,
           lead(valid_from) OVER (PARTITION BY place_id ORDER BY valid_from) AS valid_until
    FROM places WHERE place_id = ANY($1)
) n
WHERE p.place_id = n.place_id AND p.valid_from = n.valid_from
  AND p.valid_until IS DISTINCT FROM n.valid_until
"""


class ParkingPlaces:
    """The read model `parking_places`."""

    name = "parking_places"
    version = 2
    topics = frozenset({"parking.place_opened", "parking.place_described"})
    tables = TABLES

    async def apply(
        self, connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]
    ) -> None:
        """Add versions, and bound those that they end."""
        opened = [event for event in events if event.topic == "parking.place_opened"]
        if opened:
            await connection.execute(
                NAME,
                [event.stream_id for event in opened],
                [event.data["place_id"] for event in opened],
                [event.data["kind"] for event in opened],
                [event.data["simulated"] for event in opened],
            )
        described = [event for event in events if event.topic == "parking.place_described"]
        if not described:
            return
        named = await connection.fetch(NAMED, list({event.stream_id for event in described}))
        known = {row["stream_id"]: row for row in named}
        records = [_record(event, known[event.stream_id]) for event in described]
        await connection.copy_records_to_table("places", records=records, columns=COLUMNS)
        await connection.execute(BOUND, [row["place_id"] for row in named])


def _record(event: RecordedEvent, known: Any) -> tuple[Any, ...]:
    version = PlaceVersion.of(event.data)
    longitude, latitude = centre(version.geometry)
    return (
        known["place_id"],
        known["kind"],
        version.valid_from,
        None,
        event.recorded_at,
        version.name,
        None if version.geometry is None else orjson.dumps(version.geometry).decode(),
        longitude,
        latitude,
        version.parent,
        version.tariff_zone,
        version.time_zone,
        version.number,
        version.length_cm,
        version.capacity,
        version.sentinels,
        version.drift,
        version.silence_seconds,
        version.watches,
        version.previous,
        version.retired,
        version.device_type,
        known["simulated"],
        _extent(version.geometry),
    )


def _extent(geometry: dict[str, Any] | None) -> asyncpg.Box | None:
    if geometry is None:
        return None
    south, west, north, east = box_of(geometry)
    return asyncpg.Box((east, north), (west, south))


SHOWN = columns(PlaceRow)


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedPlaces:
    """Which places: of these kinds, in a place, that report on a place, that touch a box."""

    kinds: Sequence[str] | None = None
    parent: str | None = None
    watching: str | None = None
    box: Box | None = None


EVERY_PLACE = WantedPlaces()
WANTED = """
FROM parking_places.places
WHERE valid_from <= $1 AND (valid_until IS NULL OR valid_until > $1) AND NOT retired
  AND ($2::text[] IS NULL OR kind = ANY($2)) AND ($3::text IS NULL OR parent = $3)
  AND ($4::text IS NULL OR watches @> ARRAY[$4])
  AND ($5::float8 IS NULL OR extent && box(point($6, $5), point($8, $7)))
"""
PAGE = f"""
SELECT {SHOWN} {WANTED} AND ($9::text IS NULL OR place_id > $9) ORDER BY place_id LIMIT $10
"""
NEAR = f"""
SELECT {SHOWN} {WANTED} AND latitude IS NOT NULL
ORDER BY (latitude - $9) ^ 2 + ((longitude - $10) * $11) ^ 2, place_id LIMIT $12
"""
VERSIONS = f"""
SELECT {SHOWN} FROM parking_places.places WHERE place_id = ANY($1) ORDER BY place_id, valid_from
"""  # noqa: S608
ALL_AT = f"""
SELECT {SHOWN} FROM parking_places.places
WHERE valid_from <= $1 AND (valid_until IS NULL OR valid_until > $1) AND NOT retired
"""  # noqa: S608


async def page(
    pool: Pool,
    at: datetime,
    wanted: WantedPlaces = EVERY_PLACE,
    *,
    after: str | None = None,
    limit: int,
) -> list[Row]:
    """Places in use at a moment, by id."""
    found = await fetch_planned(pool, PAGE, at, *_filters(wanted, wanted.box), after, limit)
    return [_with_geometry(row) for row in found]


async def near(
    pool: Pool,
    at: datetime,
    latitude: float,
    longitude: float,
    *,
    radius_m: float,
    wanted: WantedPlaces = EVERY_PLACE,
    limit: int,
) -> list[Row]:
    """Places in use whose middle lies in a circle, nearest first, with `distance_m`."""
    north, east = degrees_around(latitude, radius_m)
    box = latitude - north, longitude - east, latitude + north, longitude + east
    narrower = cos(radians(latitude))
    filters = _filters(wanted, box)
    rows = await fetch_planned(
        pool, NEAR, at, *filters, latitude, longitude, narrower, 2 * limit + 50
    )
    for row in rows:  # the order was that of a flat map: what it found is measured
        row["distance_m"] = metres_between(latitude, longitude, row["latitude"], row["longitude"])
    found = sorted(
        (row for row in rows if row["distance_m"] <= radius_m),
        key=lambda row: (row["distance_m"], row["place_id"]),
    )
    return [_with_geometry(row) for row in found[:limit]]


def _filters(wanted: WantedPlaces, box: Box | None) -> tuple[Any, ...]:
    kinds = None if wanted.kinds is None else list(wanted.kinds)
    return kinds, wanted.parent, wanted.watching, *(box or (None, None, None, None))


async def versions(pool: Pool, place_ids: Sequence[str]) -> list[Row]:
    """All that ever held of places, the oldest first."""
    return [_with_geometry(row) for row in await fetch(pool, VERSIONS, list(place_ids))]


async def all_at(pool: Pool, at: datetime) -> list[Row]:
    """Every place that is in use at a moment."""
    return [_with_geometry(row) for row in await fetch(pool, ALL_AT, at)]


def _with_geometry(row: Row) -> Row:
    if row["geometry"] is not None:
        row["geometry"] = orjson.loads(row["geometry"])
    return row
