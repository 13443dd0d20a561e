"""Who left during one opening of a barrier, by the reads of its gate and the count of its loop."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from citybrain.domain.parking.barrier import Way
from citybrain.domain.parking.detection import ParkingDetection
from citybrain.domain.parking.presence import Presence, Sign
from citybrain.domain.parking.session import ParkingSession
from citybrain.domain.parking.tailgating import Tail, note_tailgated
from commands.parking.session import change_session
from commands.parking.signs import PresenceRow
from commands.services import Services

OPENING = (
    "SELECT opening FROM parking_signs WHERE place = $1 AND sign_id = ANY($2) AND sign = 'left'"
)
DURING = """
SELECT sign_id, sign, place FROM parking_signs
WHERE opening = $1 AND starts_with(place, $2) AND sign IN ('left', 'counted') ORDER BY at, sign_id
"""
WHO_LEFT = """
SELECT p.session_id FROM parking_presences p JOIN parking_signs s ON s.place = p.place
WHERE s.place = $1 AND s.sign_id = $2 AND p.left_at = s.at
"""


async def tail_of(row: PresenceRow, presence: Presence, services: Services) -> Tail | None:
    """How a vehicle that leaves a facility left behind another one; None where it did not."""
    facility_id, gates, _ = row.place.partition("|")
    if not gates or presence.left_at is None:
        return None
    opening = await services.store.pool.fetchval(OPENING, row.place, presence.signs)
    if opening is None:
        return None
    tails = await _tails(facility_id, opening, services)
    return next((tail for place, tail in tails if place == row.place), None)


async def look_behind(rows: Sequence[Mapping[str, Any]], services: Services) -> None:
    """These signs may say of others that they were not the first to leave, or how many left."""
    openings = {
        (row["place"].partition("|")[0], row["opening"])
        for row in rows
        if row["opening"] is not None and "|" in row["place"]
    }
    for facility_id, opening in sorted(openings):
        for place, tail in await _tails(facility_id, opening, services):
            left = await services.store.pool.fetch(WHO_LEFT, place, tail.detection_id)
            for row in left:
                note = partial(_note, tail)
                await change_session(row["session_id"], services, note)


def _note(tail: Tail, session: ParkingSession, now: datetime) -> None:
    note_tailgated(session, now, tail)


async def _tails(facility_id: str, opening: str, services: Services) -> list[tuple[str, Tail]]:
    """Who left during an opening after the first, each with the place that its signs are of."""
    found = await services.store.pool.fetch(DURING, opening, f"{facility_id}|")
    reads = [row for row in found if row["sign"] == Sign.LEFT]
    counted = None
    if len(reads) > 1:
        counts = [row["sign_id"] for row in found if row["sign"] == Sign.COUNTED]
        counted = await _counted_out(counts, services)
    tails: list[tuple[str, Tail]] = []
    for place, row in enumerate(reads[1:], 2):
        sign = await services.store.load(ParkingDetection, row["sign_id"])
        tail = Tail(
            opening=opening,
            place=place,
            behind=reads[0]["sign_id"],
            detection_id=sign.id,
            evidence_sha256=tuple(sign.evidence_sha256),
            counted=counted,
        )
        tails.append((row["place"], tail))
    return tails


async def _counted_out(sign_ids: Sequence[str], services: Services) -> int | None:
    """How many a loop counted on their way out, by its last word; None where it says nothing."""
    for sign_id in reversed(sign_ids):
        sign = await services.store.load(ParkingDetection, sign_id)
        if sign.way != Way.IN:
            return sign.vehicles
    return None
