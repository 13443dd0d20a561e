"""Places as foreign clients ask for them: by what they lie in and lie near, with what is free then.

Rows are those of `parking_places`; what is known of berths follows from `parking_cds_events`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson

from projections.parking.places import PlaceRow
from projections.reading import Pool, Row, columns, fetch, fetch_planned

SHOWN = columns(PlaceRow)
FORCE = "valid_from <= $2 AND (valid_until IS NULL OR valid_until > $2) AND NOT retired"
NEAR = "(longitude BETWEEN $5 AND $7 AND latitude BETWEEN $6 AND $8)"
PAGE = f"""
SELECT {SHOWN} FROM parking_places.places
WHERE kind = ANY($1) AND {FORCE} AND ($3::text IS NULL OR parent = $3)
  AND ($4::text IS NULL OR place_id > $4) AND ($5::float8 IS NULL OR {NEAR})
ORDER BY place_id LIMIT $9
"""  # noqa: S608
EVER = f"""
SELECT * FROM (
    SELECT DISTINCT ON (place_id) {SHOWN} FROM parking_places.places
    WHERE kind = ANY($1) AND valid_from <= $2 AND NOT retired
      AND ($3::text IS NULL OR parent = $3)
      AND ($4::text IS NULL OR place_id > $4) AND ($5::float8 IS NULL OR {NEAR})
    ORDER BY place_id, valid_from DESC
) p ORDER BY place_id LIMIT $9
"""  # noqa: S608
NAMED = f"""
SELECT {", ".join(f"p.{name}" for name in PlaceRow.model_fields)}, k.stream_id
FROM parking_places.known k JOIN parking_places.places p USING (place_id)
WHERE k.stream_id = ANY($1) ORDER BY p.place_id, p.valid_from
"""  # noqa: S608
HISTORY = """
SELECT place_id, valid_from, valid_until, recorded_at, tariff_zone, retired
FROM parking_places.places WHERE place_id = ANY($1) ORDER BY place_id, valid_from
"""
WITHIN = f"""
SELECT place_id, parent, kind, length_cm FROM parking_places.places
WHERE parent = ANY($1) AND {FORCE} AND kind = $3 ORDER BY parent, number, place_id
"""  # noqa: S608
PARENTS = f"""
SELECT place_id, parent FROM parking_places.places
WHERE place_id = ANY($1) AND {FORCE} AND kind = $3
"""  # noqa: S608
WATCHING = f"""
SELECT d.place_id AS device_id, w AS place_id
FROM parking_places.places d, unnest(d.watches) w
WHERE kind = 'device' AND {FORCE} AND watches && $1 AND w = ANY($1)
ORDER BY d.place_id, w
"""  # noqa: S608
STATES = """
SELECT b.place_id, s.sign, s.occurred_at,
       EXISTS (
           SELECT 1 FROM unnest($4::text[], $5::text[]) AS w(device_id, place_id)
           CROSS JOIN LATERAL (
               SELECT max(occurred_at) AS at FROM parking_cds_events.events
               WHERE device_id = w.device_id AND occurred_at <= $2 AND occurred_at > $3
                 AND sign NOT IN ('lost', 'retired') AND NOT by_hand
           ) heard
           WHERE w.place_id = b.place_id AND heard.at IS NOT NULL AND NOT EXISTS (
               SELECT 1 FROM parking_cds_events.events
               WHERE device_id = w.device_id AND occurred_at >= heard.at AND occurred_at <= $2
                 AND sign = 'lost'
           )
       ) AS known
FROM unnest($1::text[]) AS b(place_id) CROSS JOIN LATERAL (
    SELECT sign, occurred_at FROM parking_cds_events.events
    WHERE place_id = b.place_id AND occurred_at <= $2
      AND sign IN ('arrived', 'occupied', 'left', 'empty')
    ORDER BY occurred_at DESC, (sign IN ('arrived', 'occupied')) DESC LIMIT 1
) s
"""
LATEST = "SELECT max(recorded_at) AS at FROM parking_places.places"
FREE = ("left", "empty")

Degrees = tuple[float, float, float, float]
"""West, south, east, north."""


@dataclass(frozen=True, slots=True)
class BerthState:
    """Whether a berth is free; None where that is not known. `at`: by a sign of then."""

    free: bool | None
    at: datetime


async def page(
    pool: Pool,
    kinds: Sequence[str],
    at: datetime,
    *,
    parent: str | None = None,
    after: str | None = None,
    near: Degrees | None = None,
    ever: bool = False,
    limit: int,
) -> list[Row]:
    """Places in use at a moment, by id; `near` are degrees that their middle lies in.

    `ever`: those as well that were in use before, as they were last.
    """
    query = EVER if ever else PAGE
    west, south, east, north = near or (None,) * 4
    rows = await fetch_planned(
        pool, query, list(kinds), at, parent, after, west, south, east, north, limit
    )
    return [_with_geometry(row) for row in rows]


async def of_streams(pool: Pool, stream_ids: Sequence[str]) -> list[Row]:
    """All versions of the places of these streams, the oldest first."""
    return [_with_geometry(row) for row in await fetch(pool, NAMED, list(stream_ids))]


async def history(pool: Pool, place_ids: Sequence[str]) -> dict[str, list[Row]]:
    """From when until when each version of places is in force, without where they are."""
    found: dict[str, list[Row]] = {place_id: [] for place_id in place_ids}
    for row in await fetch(pool, HISTORY, list(place_ids)):
        found[row["place_id"]].append(row)
    return found


async def within(
    pool: Pool, kind: str, parents: Sequence[str], at: datetime
) -> dict[str, list[Row]]:
    """What of a kind lies in each of these places."""
    found: dict[str, list[Row]] = {parent: [] for parent in parents}
    for row in await fetch(pool, WITHIN, list(parents), at, kind):
        found[row["parent"]].append(row)
    return found


async def parents(pool: Pool, kind: str, place_ids: Sequence[str], at: datetime) -> dict[str, str]:
    """What those of these places lie in that are of a kind."""
    rows = await fetch(pool, PARENTS, list(place_ids), at, kind)
    return {row["place_id"]: row["parent"] for row in rows}


async def watching(pool: Pool, place_ids: Sequence[str], at: datetime) -> dict[str, list[str]]:
    """The devices that watch each of these places."""
    found: dict[str, list[str]] = {place_id: [] for place_id in place_ids}
    for row in await fetch(pool, WATCHING, list(place_ids), at):
        found[row["place_id"]].append(row["device_id"])
    return found


async def states(
    pool: Pool, place_ids: Sequence[str], at: datetime, silence: timedelta
) -> dict[str, BerthState]:
    """What is known of berths at a moment; those of which nobody ever spoke are left out.

    A berth is unknown where no device that watches it was heard of for so long, or that one has
    lost it since.
    """
    watchers = await watching(pool, place_ids, at)
    pairs = [(device, place) for place, devices in watchers.items() for device in devices]
    rows = await fetch(
        pool,
        STATES,
        list(place_ids),
        at,
        at - silence,
        [device for device, _ in pairs],
        [place for _, place in pairs],
    )
    return {
        row["place_id"]: BerthState(
            row["sign"] in FREE if row["known"] else None, row["occurred_at"]
        )
        for row in rows
    }


async def latest(pool: Pool) -> datetime | None:
    """When places were last changed; None where there are none."""
    found: datetime | None = (await fetch(pool, LATEST))[0]["at"]
    return found


def _with_geometry(row: Row) -> Row:
    if row["geometry"] is not None:
        row["geometry"] = orjson.loads(row["geometry"])
    return row
