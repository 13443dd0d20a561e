"""What happened, as CDS asks for it: events with where and whose they are, and devices' status.

Rows are those of `parking_cds_events`; where places lie is as it was when it happened.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson

from projections.reading import Pool, Row, fetch, fetch_planned

THEN = "valid_from <= e.occurred_at AND (valid_until IS NULL OR valid_until > e.occurred_at)"
PLACED = f"""
LEFT JOIN LATERAL (
    SELECT kind, parent, longitude, latitude, watches FROM parking_places.places
    WHERE place_id = coalesce(e.place_id, e.device_id) AND {THEN} LIMIT 1
) p ON true
LEFT JOIN LATERAL (
    SELECT array_agg(DISTINCT parent) AS zones FROM parking_places.places
    WHERE e.place_id IS NULL AND place_id = ANY(p.watches) AND kind = 'berth' AND {THEN}
) w ON true
LEFT JOIN LATERAL (
    SELECT CASE WHEN p.kind = 'berth' THEN p.parent
                WHEN cardinality(w.zones) = 1 THEN w.zones[1] END AS zone_id
) z ON true
LEFT JOIN LATERAL (
    SELECT parent AS area_id FROM parking_places.places
    WHERE place_id = z.zone_id AND {THEN} LIMIT 1
) a ON true
"""  # noqa: S608
FEED = f"""
SELECT e.*, p.kind, p.longitude, p.latitude, z.zone_id,
       coalesce(a.area_id, CASE WHEN p.kind = 'facility' THEN p.parent END) AS area_id, s.payer,
       (SELECT device_type FROM parking_places.places
        WHERE place_id = e.device_id AND {THEN} LIMIT 1) AS device_type
FROM parking_cds_events.events e {PLACED}
LEFT JOIN parking_sessions.sessions s ON s.session_id = e.session_id
WHERE ($1::timestamptz IS NULL OR e.occurred_at >= $1)
  AND ($2::timestamptz IS NULL OR e.occurred_at < $2)
  AND ($3::timestamptz IS NULL OR e.recorded_at >= $3)
  AND ($4::text IS NULL OR e.place_id = $4)
  AND ($5::text IS NULL OR z.zone_id = $5 OR $5 = ANY(w.zones))
  AND ($6::text IS NULL OR coalesce(a.area_id, p.parent) = $6)
  AND ($7::text IS NULL OR e.device_id = $7)
  AND ($8 OR (e.plate IS NULL OR e.sign <> 'occupied') AND p.longitude IS NOT NULL)
  AND ($9::timestamptz IS NULL OR (e.occurred_at, e.sign_id) < ($9, $10::text))
  AND e.occurred_at <= $11
  AND e.sign NOT IN ('opened', 'blocked', 'cleared', 'counted')
ORDER BY e.occurred_at DESC, e.sign_id DESC LIMIT $12
"""  # noqa: S608
STATUS = """
SELECT d.place_id AS device_id, d.retired, d.device_type, d.recorded_at, h.heard_at, l.lost_at
FROM (
    SELECT DISTINCT ON (place_id) * FROM parking_places.places
    WHERE kind = 'device' AND valid_from <= $1 ORDER BY place_id, valid_from DESC
) d
LEFT JOIN LATERAL (
    SELECT occurred_at AS heard_at FROM parking_cds_events.events
    WHERE device_id = d.place_id AND occurred_at <= $1
      AND sign NOT IN ('lost', 'retired') AND NOT by_hand
    ORDER BY occurred_at DESC LIMIT 1
) h ON true
LEFT JOIN LATERAL (
    SELECT occurred_at AS lost_at FROM parking_cds_events.events
    WHERE device_id = d.place_id AND occurred_at <= $1 AND sign = 'lost'
    ORDER BY occurred_at DESC LIMIT 1
) l ON true
WHERE ($2::text IS NULL OR $2 = ANY(d.watches))
  AND ($3::text IS NULL OR EXISTS (
      SELECT 1 FROM parking_places.places b
      WHERE b.place_id = ANY(d.watches) AND b.parent = $3
        AND b.valid_from <= $1 AND (b.valid_until IS NULL OR b.valid_until > $1)))
  AND ($4::text IS NULL OR EXISTS (
      SELECT 1 FROM parking_places.places b JOIN parking_places.places z ON z.place_id = b.parent
      WHERE b.place_id = ANY(d.watches) AND z.parent = $4
        AND b.valid_from <= $1 AND (b.valid_until IS NULL OR b.valid_until > $1)
        AND z.valid_from <= $1 AND (z.valid_until IS NULL OR z.valid_until > $1)))
  AND ($5::text IS NULL OR d.place_id = $5)
  AND ($6::text IS NULL OR d.place_id > $6)
ORDER BY d.place_id LIMIT $7
"""
LATEST = "SELECT max(recorded_at) AS at FROM parking_cds_events.events"


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """What is asked for: one place, or all; codes of ours."""

    space: str | None = None
    zone: str | None = None
    area: str | None = None
    device: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """From when until before when it happened, and since when it is published; None: ever."""

    since: datetime | None = None
    until: datetime | None = None
    published_since: datetime | None = None


async def page(
    pool: Pool,
    where: Where,
    when: When,
    *,
    detections: bool,
    now: datetime,
    after: tuple[datetime, str] | None,
    limit: int,
) -> list[Row]:
    """Events, the newest first. `detections`: also what is no change, and what has no place."""
    at, sign_id = after or (None, None)
    rows = await fetch_planned(
        pool,
        FEED,
        when.since,
        when.until,
        when.published_since,
        where.space,
        where.zone,
        where.area,
        where.device,
        detections,
        at,
        sign_id,
        now,
        limit,
    )
    for row in rows:
        if row["plate"] is not None:
            row["plate"] = orjson.loads(row["plate"])
    return rows


async def status(
    pool: Pool, where: Where, *, now: datetime, after: str | None, limit: int
) -> list[Row]:
    """Devices by id, with when they were heard of and when they were lost."""
    return await fetch(
        pool, STATUS, now, where.space, where.zone, where.area, where.device, after, limit
    )


def online(row: Mapping[str, datetime | None], now: datetime, silence: timedelta) -> bool:
    """Whether a device was heard of within the limit, and has not been lost since."""
    heard, lost = row["heard_at"], row["lost_at"]
    return heard is not None and heard > now - silence and (lost is None or lost < heard)


async def latest(pool: Pool) -> datetime | None:
    """When something was last published; None where nothing ever was."""
    found: datetime | None = (await fetch(pool, LATEST))[0]["at"]
    return found
