"""What sessions and signs come to by place and hour: the raw numbers of CDS Metrics.

Read from `parking_sessions` and `parking_cds_events`; what follows from them is worked out by
`citybrain.domain.parking.hours`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from projections.reading import Pool, Row, fetch, fetch_planned

SESSIONS = """
SELECT s.session_id, s.place_id, s.zone_id, s.area_id, s.arrived_at, s.left_at,
       p.longitude, p.latitude, b.event_id AS event_id_start, f.event_id AS event_id_end
FROM parking_sessions.sessions s
LEFT JOIN LATERAL (
    SELECT longitude, latitude FROM parking_places.places
    WHERE place_id = s.place_id AND valid_from <= s.arrived_at
      AND (valid_until IS NULL OR valid_until > s.arrived_at) LIMIT 1
) p ON true
LEFT JOIN LATERAL (
    SELECT event_id FROM parking_cds_events.events
    WHERE session_id = s.session_id AND occurred_at = s.arrived_at
      AND sign IN ('arrived', 'occupied') ORDER BY sign_id LIMIT 1
) b ON true
LEFT JOIN LATERAL (
    SELECT event_id FROM parking_cds_events.events
    WHERE session_id = s.session_id AND occurred_at = s.left_at
      AND sign IN ('left', 'empty') ORDER BY sign_id LIMIT 1
) f ON true
WHERE s.status <> 'voided' AND s.arrived_at >= $1 AND s.arrived_at < $2
  AND ($3::text[] IS NULL OR s.place_id = ANY($3))
  AND ($4::text[] IS NULL OR s.zone_id = ANY($4))
  AND ($5::text[] IS NULL OR s.area_id = ANY($5))
ORDER BY s.arrived_at, s.session_id LIMIT $6
"""
STRAYS = """
SELECT e.event_id AS event_id_end, e.place_id, e.occurred_at AS left_at,
       p.longitude, p.latitude, CASE WHEN p.kind = 'berth' THEN p.parent END AS zone_id,
       CASE WHEN p.kind = 'berth' THEN z.parent ELSE p.parent END AS area_id
FROM parking_cds_events.events e
JOIN LATERAL (
    SELECT kind, parent, longitude, latitude FROM parking_places.places
    WHERE place_id = e.place_id AND valid_from <= e.occurred_at
      AND (valid_until IS NULL OR valid_until > e.occurred_at) LIMIT 1
) p ON true
LEFT JOIN LATERAL (
    SELECT parent FROM parking_places.places
    WHERE place_id = p.parent AND valid_from <= e.occurred_at
      AND (valid_until IS NULL OR valid_until > e.occurred_at) LIMIT 1
) z ON true
WHERE e.unmatched AND e.session_id IS NULL AND e.occurred_at >= $1 AND e.occurred_at < $2
  AND ($3::text[] IS NULL OR e.place_id = ANY($3))
  AND ($4::text[] IS NULL OR p.kind = 'berth' AND p.parent = ANY($4))
  AND ($5::text[] IS NULL
       OR CASE WHEN p.kind = 'berth' THEN z.parent ELSE p.parent END = ANY($5))
ORDER BY e.occurred_at, e.sign_id LIMIT $6
"""
STAYS = """
SELECT place_id, zone_id, area_id, arrived_at, left_at FROM parking_sessions.sessions
WHERE status <> 'voided' AND place_id = ANY($1) AND arrived_at < $3
  AND (left_at IS NULL OR left_at >= $2)
"""
SIGNS = """
SELECT device_id, place_id, occurred_at, sign, by_hand FROM parking_cds_events.events
WHERE (device_id = ANY($1) OR place_id = ANY($2)) AND occurred_at >= $3 AND occurred_at < $4
ORDER BY occurred_at, sign_id
"""
LOST_BEFORE = """
SELECT d AS device_id,
       (SELECT max(occurred_at) FROM parking_cds_events.events
        WHERE device_id = d AND occurred_at < $2 AND sign = 'lost') AS lost_at,
       (SELECT max(occurred_at) FROM parking_cds_events.events
        WHERE device_id = d AND occurred_at < $2 AND sign NOT IN ('lost', 'retired')
          AND NOT by_hand) AS heard_at
FROM unnest($1::text[]) AS d
"""
FIRST = "SELECT min(occurred_at) AS at FROM parking_cds_events.events"


async def sessions(
    pool: Pool, since: datetime, until: datetime, where: dict[str, Sequence[str]], limit: int
) -> list[Row]:
    """Sessions that began in a time, and departures of nobody, each with its events."""
    arguments: tuple[Any, ...] = (since, until, *map(where.get, ("space", "zone", "area")), limit)
    found = await fetch_planned(pool, SESSIONS, *arguments)
    return found + await fetch_planned(pool, STRAYS, *arguments)


async def stays(
    pool: Pool, place_ids: Sequence[str], since: datetime, until: datetime
) -> list[Row]:
    """Who stood on these berths in a time."""
    return await fetch(pool, STAYS, list(place_ids), since, until)


async def signs(
    pool: Pool, devices: Sequence[str], place_ids: Sequence[str], since: datetime, until: datetime
) -> list[Row]:
    """What these devices said, or anybody of these places."""
    return await fetch(pool, SIGNS, list(devices), list(place_ids), since, until)


async def heard_before(pool: Pool, devices: Sequence[str], at: datetime) -> dict[str, Row]:
    """When devices were last lost and last heard of before a moment."""
    return {row["device_id"]: row for row in await fetch(pool, LOST_BEFORE, list(devices), at)}


async def first(pool: Pool) -> datetime | None:
    """When the first thing happened that is known; None where nothing has."""
    found: datetime | None = (await fetch(pool, FIRST))[0]["at"]
    return found
