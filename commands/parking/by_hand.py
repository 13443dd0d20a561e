"""A berth corrected by hand: an officer has seen that it is free, or that somebody stands there.

It is a sign like those of devices, and who said it and why are in the event. What follows from it
follows by the same rules: a stay ends or begins then, and no plate is made up. What is final stays
as it is, and has the correction as evidence.
"""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from citybrain.domain.actor import Actor
from citybrain.domain.parking.detection import BY_HAND, ParkingDetection
from citybrain.domain.parking.looking import Part, check_officer_of_parking
from citybrain.domain.parking.place import PlaceKind
from citybrain.domain.parking.presence import Sign
from citybrain.domain.parking.refusals import NotApartInParking
from citybrain.domain.parking.session import ParkingSession
from citybrain.domain.separation import check_apart
from commands.fields import Flag, Moment
from commands.handling import Command, CommandContext, KeyReused
from commands.parking import signs
from commands.parking.detection import (
    ParkingDetectionRefReused,
    Recorded,
    detection_id_of,
    keep_detection,
)
from commands.parking.looking import holders_of
from commands.parking.places import UnknownPlace, place_book
from commands.parking.plates import PlateKeeper
from commands.services import Services


class BerthSeen(StrEnum):
    """What an officer saw."""

    FREE = "free"
    OCCUPIED = "occupied"


SIGN_OF = {BerthSeen.FREE: Sign.EMPTY, BerthSeen.OCCUPIED: Sign.OCCUPIED}


class CorrectBerth(Command):
    """What a berth was from a moment on, and how that is known."""

    state: BerthSeen
    since: Moment = Field(description="when it was so: not in the future")
    reason: Literal["seen-on-the-spot", "seen-in-pictures", "device-faulty", "works"]
    simulated: Flag = False


async def correct_berth(
    place_id: str, command: CorrectBerth, context: CommandContext, services: Services
) -> Recorded:
    """Say what a berth was; under one idempotency key it is said once.

    Raises `RoleNotAllowed`, `UnknownPlace`, `TimeOutOfOrder`, `NotApartInParking` where somebody's
    own vehicle stood there then, and `KeyReused`.
    """
    actor = context.actor
    check_officer_of_parking(actor, PlateKeeper(services).departments())
    place = await place_book(services).place(place_id, command.since)
    if place.kind != PlaceKind.BERTH:
        raise UnknownPlace("there is no such berth in use then")
    await _check_apart(place_id, command, actor, services)
    ref = context.idempotency_key or str(context.command_id)
    detection = ParkingDetection.record(
        services.clock(),
        detection_id=detection_id_of(f"{BY_HAND}:{actor.subject}", f"{place_id}\0{ref}"),
        device_id=BY_HAND,
        ref=ref,
        sign=SIGN_OF[command.state].value,
        place_id=place_id,
        occurred_at=command.since,
        plate=None,
        confidence=None,
        characters=None,
        evidence_sha256=[],
        opening=None,
        by_hand=True,
        reason=command.reason,
        said_by=actor.subject,
        simulated=command.simulated,
    )
    try:
        return await keep_detection(detection, context, services)
    except ParkingDetectionRefReused as error:
        if context.idempotency_key is None:
            raise
        raise KeyReused("this idempotency key was used for another correction") from error


async def _check_apart(
    place_id: str, command: CorrectBerth, actor: Actor, services: Services
) -> None:
    """Nobody says of their own vehicle since when it stood there, or that it does not."""
    pool = services.store.pool
    for row in await pool.fetch(signs.THERE_SINCE, place_id, command.since):
        session = await services.store.load(ParkingSession, row["session_id"], fresh=False)
        owners = await holders_of(session, services)
        check_apart(actor, {Part.OWN_CASE: owners}, NotApartInParking)
