"""Who is asked for a session, once it is known better who had the vehicle when it arrived."""

from datetime import datetime

from citybrain.domain.parking import owing
from citybrain.domain.parking.claim import Claim
from citybrain.domain.parking.holding import ParkingPlate
from citybrain.domain.parking.session import ParkingSession
from citybrain.eventstore import StreamNotFound
from commands.handling import CommandContext
from commands.parking.bindings import holder_at
from commands.parking.session import change_session
from commands.services import Services


async def correct_payer(session_id: str, context: CommandContext, services: Services) -> None:
    """Ask whoever had the vehicle, where somebody else is asked; what is so already stays so."""
    session = await services.store.load(ParkingSession, session_id)
    if session.plate_id is None or await _paid_by_hand(session, services):
        return
    try:
        plate = await services.store.load(ParkingPlate, ParkingPlate.id_of(session.plate_id))
    except StreamNotFound:
        return
    holder = await holder_at(session.plate_id, session.arrived_at, services)

    def decide(each: ParkingSession, now: datetime) -> None:
        reason = owing.why_not_theirs(each, plate, holder)
        if reason is not None:
            owing.correct_payer(each, now, reason)

    await change_session(session_id, services, decide, context)


async def _paid_by_hand(session: ParkingSession, services: Services) -> bool:
    """Whether somebody of whom we do not know who it is has paid of it, or is about to."""
    if session.claim is None or session.payer is not None:
        return False
    claim = await services.store.load(Claim, session.claim)
    return claim.paid_fen > 0 or any(claim.under_way())
