"""Tractor in, trailer plate out: whose exit it is, by known pairs or as an officer says."""

from collections.abc import Mapping
from typing import Any

from citybrain.domain.parking.detection import ParkingDetection
from citybrain.domain.parking.looking import Part, check_officer_of_parking
from citybrain.domain.parking.plate_grammar import PlateClass
from citybrain.domain.parking.presence import Sign
from citybrain.domain.parking.refusals import NotApartInParking
from citybrain.domain.parking.session import ParkingSession
from citybrain.domain.parking.trailer import ParkingTrailer
from citybrain.domain.separation import check_apart
from citybrain.eventstore import StreamNotFound, WrongExpectedVersion
from commands.handling import Command, CommandContext, CommandResult, change
from commands.parking.looking import SessionId, holders_of
from commands.parking.plates import PlateKeeper
from commands.parking.session import by_signs
from commands.services import Services

MOST = 50
INSIDE_THEN = """
SELECT session_id FROM parking_presences
WHERE starts_with(place, $1) AND place <> $1 AND arrived_at <= $2 AND left_at IS NULL AND NOT final
ORDER BY arrived_at DESC LIMIT $3
"""
INSIDE = """
SELECT session_id, place FROM parking_presences
WHERE place = ANY($1) AND arrived_at <= $2 AND left_at IS NULL AND NOT final
"""


class MatchTrailer(Command):
    """An officer says which vehicle draws the trailer whose plate was read."""

    session_id: SessionId


def is_trailer(plate: Mapping[str, Any] | None) -> bool:
    """Whether a plate is a trailer's."""
    return plate is not None and plate["plate_class"] == PlateClass.TRAILER


async def drawn_by(sign_id: str, said: Mapping[str, Any], services: Services) -> str | None:
    """The place that the signs of the vehicle are of which draws this trailer, and is inside.

    None where no pair is known, or several of the vehicles are there.
    """
    facility_id, plate_id = said["place_id"], said["plate"]["plate_id"]
    try:
        trailer = await services.store.load(ParkingTrailer, ParkingTrailer.id_of(plate_id))
    except StreamNotFound:
        return None
    places = [f"{facility_id}|{each}" for each in trailer.drawn_by]
    inside = await services.store.pool.fetch(INSIDE, places, said["occurred_at"])
    if len(inside) != 1:
        return None
    if said["sign"] == Sign.LEFT:
        await change_detection(
            sign_id, services, lambda each: each.match(services.clock(), inside[0]["session_id"])
        )
    return str(inside[0]["place"])


async def offer(sign_id: str, services: Services) -> None:
    """A trailer went out, and nobody knows behind whom: who is inside may have drawn it."""
    sign = await services.store.load(ParkingDetection, sign_id)
    if not is_trailer(sign.plate):
        return
    rows = await services.store.pool.fetch(INSIDE_THEN, f"{sign.place_id}|", sign.occurred_at, MOST)
    candidates = [row["session_id"] for row in rows]
    await change_detection(sign_id, services, lambda each: each.offer(services.clock(), candidates))


async def change_detection(sign_id: str, services: Services, decide: Any) -> None:
    """A step of the process of signs."""
    await change(ParkingDetection, sign_id, Command(), by_signs(), services, decide, lambda _: {})


async def match_trailer(
    detection_id: str, command: MatchTrailer, context: CommandContext, services: Services
) -> CommandResult:
    """The exit was this vehicle's, and the pair is remembered.

    Raises `RoleNotAllowed`, `NotApartInParking`, `NotACandidate`, `StreamNotFound`.
    """
    actor = context.actor
    check_officer_of_parking(actor, PlateKeeper(services).departments())
    detection = await services.store.load(ParkingDetection, detection_id)
    session = await services.store.load(ParkingSession, command.session_id)
    owners = await holders_of(session, services)
    check_apart(actor, {Part.OWN_CASE: owners}, NotApartInParking)
    result = await change(
        ParkingDetection,
        detection_id,
        command,
        context,
        services,
        lambda each: each.match(services.clock(), session.id, by=actor.subject),
        lambda each: {"detection_id": each.id, "session_id": each.session_id},
    )
    if detection.plate is not None and session.plate_id is not None:
        await _remember(detection, session.plate_id, context, services)
    return result


async def _remember(
    detection: ParkingDetection, drawn_by: str, context: CommandContext, services: Services
) -> None:
    assert detection.plate is not None
    now, plate_id = services.clock(), detection.plate["plate_id"]
    said = {"drawn_by": drawn_by, "detection_id": detection.id, "decided_by": context.actor.subject}
    for _ in range(2):  # another officer may know it first
        try:
            trailer = await services.store.load(ParkingTrailer, ParkingTrailer.id_of(plate_id))
        except StreamNotFound:
            trailer = ParkingTrailer.know(now, plate_id)
        trailer.pair(now, **said)
        try:
            await services.store.save(trailer, metadata=context.metadata())
        except WrongExpectedVersion:
            continue
        return
