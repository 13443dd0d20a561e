"""What happens on a berth, told to whoever has reserved it: for the process that knows the berths.

`arrived` is all that it needs for a vehicle that comes, `left` for one that goes; each may be told
twice and late. A camera's doubt never costs the citizen anything: a vehicle that may be the
reserved one is for an officer to look at.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from citybrain.definitions.parking.plates import grammar_at
from citybrain.domain.parking import arrivals
from citybrain.domain.parking.arrivals import Look, Sighting, Standing
from citybrain.domain.parking.calendar import BerthCalendar
from citybrain.domain.parking.plates import alike, completes, distance
from citybrain.domain.parking.reservation import ParkingReservation, reservation_of
from citybrain.domain.parking.reservation_events import ReservationStatus
from citybrain.domain.parking.sealed_plates import SealedPlate
from citybrain.domain.times import not_future
from citybrain.eventstore import StreamNotFound
from commands.handling import CommandContext
from commands.parking.plates import PlateKeeper
from commands.parking.reservations import change_reservation
from commands.services import Services

AHEAD = timedelta(days=1)
"""So long before its time the reserved vehicle may come and wait."""
NEAR = 2
"""Plates that differ in no more characters may be one plate, misread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A vehicle on a berth: when it came, or went, and what was read of its plate.

    `sure`: nothing speaks against its being read rightly; `confidence` is what the camera said.
    """

    berth: str
    occurred_at: datetime
    plate: SealedPlate | None = None
    sure: bool = False
    confidence: int | None = None
    detection_id: str | None = None

    def sighting(self, now: datetime) -> Sighting:
        """As reservations take it; raises `TimeOutOfOrder`."""
        return Sighting(
            at=not_future(self.occurred_at, now).astimezone(UTC),
            plate=None if self.plate is None else self.plate.members(),
            detection_id=self.detection_id,
            confidence=self.confidence,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BerthNow:
    """What is known of a berth: the vehicle that stands there, since when, if any.

    `seen`: it was watched all the time since the moment that was asked for.
    """

    vehicle: Seen | None = None
    seen: bool = True


LookAtBerth = Callable[[str, datetime, Services], Awaitable[BerthNow]]
"""Who stands on a berth now, and whether it was watched since a moment."""


# --- what is told -------------------------------------------------------------------------


async def arrived(seen: Seen, context: CommandContext, services: Services) -> list[str]:
    """A vehicle came: the reserved one, one in the way, or one that may be either.

    The reservations that it is about. Where it is the reserved one of one, it is in nobody's way.
    """
    found = await reservations_at(seen, services)
    standing = {each.id: await standing_of(seen, each, services) for each in found}
    own = [each for each in found if standing[each.id] is Standing.OWN]
    for reservation in own:
        await check_in(reservation.id, seen, context, services)
    if own:
        return [each.id for each in own]
    for reservation in found:
        if standing[reservation.id] is Standing.OTHER:
            await obstructed(reservation.id, seen, context, services)
        else:
            await in_doubt(reservation.id, seen, context, services)
    return [each.id for each in found]


async def left(seen: Seen, context: CommandContext, services: Services) -> list[str]:
    """A vehicle went: the rest of a reserved vehicle's time is free, or nothing is in the way."""
    found = await reservations_at(seen, services)
    at = seen.sighting(services.clock()).at
    plate_id = None if seen.plate is None else seen.plate.plate_id
    for reservation in found:
        await change_reservation(
            reservation.id,
            context,
            services,
            lambda reservation, now: arrivals.left(reservation, now, at, plate_id),
        )
    return [each.id for each in found]


async def check_in(
    reservation_id: str, seen: Seen, context: CommandContext, services: Services
) -> None:
    """The reserved vehicle came, in time or not."""
    sighting = seen.sighting(services.clock())
    await change_reservation(
        reservation_id,
        context,
        services,
        lambda reservation, now: arrivals.check_in(reservation, now, sighting),
    )


async def obstructed(
    reservation_id: str, seen: Seen, context: CommandContext, services: Services
) -> None:
    """Another vehicle stands on the reserved berth."""
    sighting = seen.sighting(services.clock())
    await change_reservation(
        reservation_id,
        context,
        services,
        lambda reservation, now: arrivals.obstruct(reservation, now, sighting),
    )


async def in_doubt(
    reservation_id: str, seen: Seen, context: CommandContext, services: Services
) -> None:
    """It is not sure whether this is the reserved vehicle."""
    sighting = seen.sighting(services.clock())
    await change_reservation(
        reservation_id,
        context,
        services,
        lambda reservation, now: arrivals.doubt(reservation, now, sighting),
    )


# --- what is known ------------------------------------------------------------------------


async def reservations_at(seen: Seen, services: Services) -> list[ParkingReservation]:
    """Those that a moment on a berth may be about, by their start."""
    try:
        calendar = await services.store.load(BerthCalendar, BerthCalendar.id_of(seen.berth))
    except StreamNotFound:
        return []
    found = []
    for claim in calendar.around(seen.occurred_at, AHEAD):
        try:
            reservation = await services.store.load(ParkingReservation, reservation_of(claim))
        except StreamNotFound:
            continue  # held a moment ago: it is not there yet
        if reservation.berth == seen.berth:
            found.append(reservation)
    return found


async def standing_of(seen: Seen, reservation: ParkingReservation, services: Services) -> Standing:
    """Whether a vehicle is the reserved one: only a sure reading says that it is another."""
    if seen.plate is None:
        return Standing.MAYBE
    if seen.plate.plate_id == reservation.plate["plate_id"]:
        return Standing.OWN
    mine = SealedPlate.of(reservation.plate)
    wanted, read = await PlateKeeper(services).open_many([mine, seen.plate])
    if wanted is None or read is None or not seen.sure:
        return Standing.MAYBE
    grammar = grammar_at(services.definitions, seen.occurred_at)
    near = distance(wanted, read) <= NEAR or alike(wanted, read, grammar)
    return Standing.MAYBE if near or completes(wanted, read) else Standing.OTHER


async def look_for(
    reservation: ParkingReservation, look_at: LookAtBerth, services: Services
) -> Look:
    """Who stands on a reservation's berth now."""
    now = services.clock()
    found = await look_at(reservation.berth, min(reservation.arrive_from, now), services)
    if found.vehicle is None:
        standing = Standing.NOBODY if found.seen else Standing.UNKNOWN
        return Look(standing=standing, seen=found.seen)
    standing = await standing_of(found.vehicle, reservation, services)
    until = None
    if standing is not Standing.OWN:
        until = await _entitled_until(found.vehicle, reservation, now, services)
    sighting = found.vehicle.sighting(now)
    return Look(standing=standing, sighting=sighting, entitled_until=until, seen=found.seen)


async def _entitled_until(
    vehicle: Seen, reservation: ParkingReservation, now: datetime, services: Services
) -> datetime | None:
    """Until when who stands there has a reservation before this one."""
    there = Seen(berth=vehicle.berth, occurred_at=now)
    for other in await reservations_at(there, services):
        before = other.id != reservation.id and other.start < reservation.start
        if before and other.status is ReservationStatus.CHECKED_IN:
            return other.end
    return None
