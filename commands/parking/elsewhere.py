"""Where else a plate is: moved on a little, seen by a second camera, or in two places at once."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from citybrain.domain.parking.rules import ParkingRules
from citybrain.domain.parking.session import ParkingSession
from citybrain.geo.distance import metres_between
from commands.parking import signs
from commands.parking.places import PlaceBook
from commands.parking.session import change_session
from commands.parking.signs import PresenceRow
from commands.services import Services


@dataclass(frozen=True, slots=True)
class Beside:
    """`same`: the session that already has this vehicle; `continues`: the one that it goes on."""

    same: str | None = None
    continues: str | None = None


async def look_beside(
    row: PresenceRow, rules: ParkingRules, book: PlaceBook, services: Services
) -> Beside:
    """Whether a vehicle that arrives stands next to itself, or was moved on within its zone."""
    if row.plate_id is None or row.zone_id is None:
        return Beside()
    for other in await signs.elsewhere(services.store.pool, row):
        far = await metres(row, other, book)
        if _together(row, other) and far is not None and far <= rules.clone_near_m:
            return Beside(same=other.session_id)
        if other.zone_id == row.zone_id and other.left_at is not None:
            gap = row.arrived_at - other.left_at
            if timedelta(0) <= gap <= rules.merge_gap and rules.merge_gap > timedelta(0):
                return Beside(continues=other.session_id)
    return Beside()


async def look_for_clones(
    row: PresenceRow, rules: ParkingRules, book: PlaceBook, services: Services
) -> None:
    """Mark the sessions of one plate that cannot be of one car: then nothing is debited."""
    if row.plate_id is None:
        return
    for other in await signs.elsewhere(services.store.pool, row):
        far, seconds = await metres(row, other, book), _seconds_between(row, other)
        if (
            far is None
            or far <= rules.clone_near_m
            or far <= rules.clone_fastest_kmh / 3.6 * seconds
        ):
            continue
        for one, two in ((row, other), (other, row)):
            suspect = partial(_suspect, two.session_id, far, seconds)
            await change_session(one.session_id, services, suspect)


def _suspect(other: str, far: int, seconds: int, session: ParkingSession, now: datetime) -> None:
    session.suspect_clone(now, other, metres=far, seconds=seconds)


async def metres(row: PresenceRow, other: PresenceRow, book: PlaceBook) -> int | None:
    """How far apart two presences are; None where one of the places has no position."""
    one, two = [
        await book.position_of(each.place.partition("|")[0], each.arrived_at)
        for each in (row, other)
    ]
    return None if one is None or two is None else round(metres_between(*one, *two))


def _together(row: PresenceRow, other: PresenceRow) -> bool:
    """Whether both are there at one time."""
    return _seconds_between(row, other) == 0


def _seconds_between(row: PresenceRow, other: PresenceRow) -> int:
    """From the end of the earlier to the beginning of the later; none where they overlap."""
    first, last = sorted((row, other), key=lambda each: each.arrived_at)
    end = first.left_at or last.arrived_at
    return max(0, round((last.arrived_at - end).total_seconds()))
