"""The signs of each place, in the order in which they happened, and whose session they are.

These tables are no source of truth: the log is. They hold what sessions may still follow from.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
import orjson

from citybrain.domain.parking.plates import Plate
from citybrain.domain.parking.presence import Observation, Sign
from citybrain.domain.parking.sealed_plates import SealedPlate

KEEP = """
INSERT INTO parking_signs (place, sign_id, at, said_at, sign, device_id, plate, confidence,
                           characters, by_hand, simulated, opening)
SELECT * FROM jsonb_to_recordset($1::jsonb) AS n(place text, sign_id text, at timestamptz,
    said_at timestamptz, sign text, device_id text, plate jsonb, confidence integer,
    characters integer[], by_hand boolean, simulated boolean, opening text)
ON CONFLICT DO NOTHING
"""
BELONG = "UPDATE parking_signs SET session_id = $3 WHERE place = $1 AND sign_id = ANY($2)"
SAVE_PRESENCE = """
INSERT INTO parking_presences (presence_id, place, session_id, zone_id, plate_id, arrived_at,
                               left_at, ended_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (presence_id) DO UPDATE SET plate_id = excluded.plate_id,
    arrived_at = excluded.arrived_at, left_at = excluded.left_at, ended_at = excluded.ended_at
"""
DROP_PRESENCE = "DELETE FROM parking_presences WHERE presence_id = $1"
FINAL = "UPDATE parking_presences SET final = true WHERE session_id = ANY($1)"
INSIDE = """
SELECT DISTINCT place FROM parking_presences
WHERE NOT final AND left_at IS NULL AND starts_with(place, $1)
"""
UNSEEN = """
SELECT p.session_id, p.place, coalesce(s.at, p.arrived_at) AS seen_at
FROM parking_presences p LEFT JOIN LATERAL (
    SELECT max(at) AS at FROM parking_signs s
    WHERE s.place = p.place AND s.session_id IS NULL AND s.sign IN ('arrived', 'occupied')
) s ON true
WHERE NOT p.final AND p.left_at IS NULL AND p.arrived_at < $1
  AND coalesce(s.at, p.arrived_at) < $1
"""
STRAYS = """
SELECT place, sign_id, at FROM parking_signs
WHERE sign = 'left' AND session_id IS NULL AND said_at < $1 ORDER BY said_at LIMIT 1000
"""
BEFORE = """
SELECT session_id, final OR ended_at < $3 AS over FROM parking_presences
WHERE place = $1 AND arrived_at <= $2
ORDER BY arrived_at DESC LIMIT 2
"""
THERE_SINCE = """
SELECT DISTINCT session_id FROM parking_presences
WHERE place = $1 AND (left_at IS NULL OR left_at >= $2)
"""
STANDING = """
SELECT session_id FROM parking_presences
WHERE plate_id = $1 AND left_at IS NULL AND (zone_id = $2 OR starts_with(place, $3)) LIMIT 1
"""
STANDING_THEN = """
SELECT DISTINCT session_id FROM parking_presences
WHERE (zone_id = $1 OR starts_with(place, $2))
  AND arrived_at <= $3 AND (left_at IS NULL OR left_at >= $3)
"""
KEEP_STRAY = """
INSERT INTO parking_strays (stray_id, place_id, paid_at) VALUES ($1, $2, $3)
ON CONFLICT DO NOTHING
"""
DROP_STRAY = "DELETE FROM parking_strays WHERE stray_id = $1"
STRAYS_DURING = """
SELECT stray_id FROM parking_strays
WHERE place_id = ANY($1) AND paid_at >= $2 AND ($3::timestamptz IS NULL OR paid_at <= $3)
"""
FORGET = """
DELETE FROM parking_signs s
WHERE said_at < $1 AND (
    session_id IS NOT NULL
    OR NOT EXISTS (
        SELECT 1 FROM parking_presences p
        WHERE p.place = s.place AND NOT p.final AND p.arrived_at <= s.at
    ) AND NOT (sign = 'blocked' AND NOT EXISTS (
        SELECT 1 FROM parking_signs c
        WHERE c.place = s.place AND c.device_id = s.device_id
          AND c.sign = 'cleared' AND c.at > s.at
    ))
)
"""
"""What a session has for good, and what is of none: a berth that is empty, a charger without a car,
a gate. A way out that is blocked still stays, and so does all of whoever may stand there still."""

UNMATCHED = "unmatched"
"""What stands for a session where a sign belongs to none."""


@dataclass(frozen=True, slots=True)
class PlacedSign:
    """A sign of a place, with what is known of its plate."""

    seen: Observation
    sealed: SealedPlate | None
    confidence: int | None
    characters: list[int] | None
    said_at: datetime
    simulated: bool


@dataclass(frozen=True, slots=True)
class PresenceRow:
    """Which presence at a place is which session."""

    presence_id: str
    place: str
    session_id: str
    zone_id: str | None
    plate_id: str | None
    arrived_at: datetime
    left_at: datetime | None
    ended_at: datetime | None
    final: bool = False


async def keep(pool: "asyncpg.Pool[Any]", rows: Sequence[dict[str, Any]]) -> None:
    """Keep signs; those that are kept already stay as they are."""
    if rows:
        await pool.execute(KEEP, orjson.dumps(rows).decode())


async def save(pool: "asyncpg.Pool[Any]", row: PresenceRow) -> None:
    """Write a presence down."""
    await pool.execute(
        SAVE_PRESENCE,
        row.presence_id,
        row.place,
        row.session_id,
        row.zone_id,
        row.plate_id,
        row.arrived_at,
        row.left_at,
        row.ended_at,
    )


def sealed_of(row: Any) -> SealedPlate | None:
    """The plate of a row, as events have it."""
    return None if row["plate"] is None else SealedPlate.of(orjson.loads(row["plate"]))


def placed(row: Any, plate: Plate | None) -> PlacedSign:
    """A row, with its plate opened; None where none was read or it is erased."""
    seen = Observation(
        id=row["sign_id"],
        at=row["at"],
        sign=Sign(row["sign"]),
        device_id=row["device_id"],
        plate=plate,
        by_hand=row["by_hand"],
    )
    return PlacedSign(
        seen, sealed_of(row), row["confidence"], row["characters"], row["said_at"], row["simulated"]
    )
