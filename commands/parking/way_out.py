"""When the way out of a facility was blocked, by what its gates say; told to who had paid by then.

A session keeps what matters of it; the signs are forgotten as all others are.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from citybrain.domain.parking import prepaying
from citybrain.domain.parking.detection import OF_THE_WAY_OUT, ParkingDetection
from citybrain.domain.parking.prepaying import HeldUp
from citybrain.domain.parking.presence import Sign
from citybrain.domain.parking.session import ParkingSession
from commands.parking.session import change_session
from commands.parking.signs import PresenceRow
from commands.services import Services

SIGNS = """
SELECT sign_id, at, sign, device_id FROM parking_signs
WHERE place = $1 AND sign IN ('blocked', 'cleared') ORDER BY at, sign_id
"""
MAY_HAVE_PAID = """
SELECT DISTINCT session_id FROM parking_presences
WHERE starts_with(place, $1) AND (left_at IS NULL OR left_at > $2)
"""


async def blocked(facility_id: str, services: Services) -> list[HeldUp]:
    """Each time that a gate said that its way out was blocked, until the same gate cleared it."""
    found: list[HeldUp] = []
    open_at: dict[str, tuple[str, datetime]] = {}
    for row in await services.store.pool.fetch(SIGNS, f"{facility_id}|"):
        gate, at = row["device_id"], row["at"]
        if row["sign"] == Sign.BLOCKED:
            open_at.setdefault(gate, (row["sign_id"], at))
        elif gate in open_at:
            found.append(await _span(*open_at.pop(gate), at, services))
    found += [await _span(sign_id, since, None, services) for sign_id, since in open_at.values()]
    return sorted(found, key=lambda each: (each.begins, each.detection_id))


async def _span(
    sign_id: str, begins: datetime, ends: datetime | None, services: Services
) -> HeldUp:
    sign = await services.store.load(ParkingDetection, sign_id)
    return HeldUp(sign_id, begins, ends, sign.reason)


async def before(row: PresenceRow, left_at: datetime | None, services: Services) -> list[HeldUp]:
    """What a session of a facility has to know when its vehicle leaves; nothing where none paid."""
    facility_id, gates, _ = row.place.partition("|")
    if not gates or left_at is None:
        return []
    session = await services.store.load(ParkingSession, row.session_id, fresh=False)
    if prepaying.asked_since(session) is None:
        return []
    return that_matter(await blocked(facility_id, services), session, left_at)


def that_matter(
    spans: Sequence[HeldUp], session: ParkingSession, left_at: datetime | None
) -> list[HeldUp]:
    """Those that lie between the first wish to pay and leaving."""
    since = prepaying.asked_since(session)
    if since is None:
        return []
    return [
        span
        for span in spans
        if (span.ends is None or span.ends > since) and (left_at is None or span.begins < left_at)
    ]


async def tell_who_paid(rows: Sequence[Mapping[str, Any]], services: Services) -> None:
    """Of these signs some are of gates: sessions that were paid by then say what matters of it."""
    first: dict[str, datetime] = {}
    for row in rows:
        if row["sign"] in OF_THE_WAY_OUT:
            place, at = row["place"], row["at"]
            first[place] = min(first.get(place, at), at)
    for place, at in first.items():
        spans = await blocked(place.removesuffix("|"), services)
        spans = [span for span in spans if span.ends is None or span.ends >= at]
        if spans:
            await _tell(place, spans, services)


async def _tell(place: str, spans: Sequence[HeldUp], services: Services) -> None:
    pool = services.store.pool
    for row in await pool.fetch(MAY_HAVE_PAID, place, spans[0].begins):
        session = await services.store.load(ParkingSession, row["session_id"], fresh=False)
        if prepaying.asked_since(session) is not None:
            await change_session(session.id, services, partial(_note, spans))


def _note(spans: Sequence[HeldUp], session: ParkingSession, now: datetime) -> None:
    """Once all is settled nothing gets dearer: only what was not known is noted."""
    news = [
        span
        for span in that_matter(spans, session, session.left_at)
        if not session.settled or span.detection_id not in session.held_up
    ]
    prepaying.note_held_up(session, now, news)
