"""The barrier of a facility asks: what stands before it is taken in as a sign, and it is told why.

The sign is durable before anything is decided, so that nothing of it is lost; what follows from it
follows as from any other sign (`processes/sessions.py`), whatever the barrier was told.
"""

from dataclasses import dataclass
from datetime import datetime

from pydantic import Field

from citybrain.domain.parking.barrier import Leaving, Way, WhyOpen, why_out
from citybrain.domain.parking.detection import ParkingDetection, check_may_say
from citybrain.domain.parking.presence import Sign
from citybrain.domain.parking.session import UNSEEN_AT_GATES, ParkingSession
from citybrain.domain.parking.session_claims import owed_on_leaving_fen
from citybrain.errors import CitybrainError
from commands.handling import Command, CommandContext, change
from commands.parking.bindings import Payer, payer_of
from commands.parking.detection import RecordParkingDetection, SeenByADevice, record_detection
from commands.parking.fields import PlaceId
from commands.parking.places import place_book
from commands.parking.pricing import OtherStays, price_of
from commands.parking.trailers import is_trailer
from commands.services import Services

THERE_THEN = """
SELECT session_id FROM parking_presences
WHERE place = $1 AND arrived_at <= $2 AND (left_at IS NULL OR left_at >= $2)
ORDER BY arrived_at DESC LIMIT 1
"""
BEFORE = """
SELECT session_id, left_at FROM parking_presences WHERE place = $1 AND arrived_at < $2
ORDER BY arrived_at DESC LIMIT 1
"""
SIGNS = {Way.IN: Sign.ARRIVED, Way.OUT: Sign.LEFT}


class AskBarrier(SeenByADevice):
    """A vehicle stands before the barrier of a facility."""

    place_id: PlaceId = Field(description="the facility")
    way: Way


@dataclass(frozen=True, slots=True)
class Decided:
    """What the barrier is told: `session` is the stay that it goes by, where one is known."""

    detection_id: str
    known: bool
    position: int
    reason: WhyOpen
    session: ParkingSession | None


async def ask_barrier(
    command: AskBarrier, context: CommandContext, services: Services, others: OtherStays
) -> Decided:
    """Take in what was read, and decide; asked again, the answer is the same.

    Raises what `record_detection` raises, and `UnknownPlace` where there is no such facility.
    """
    check_may_say(context.actor, command.device_id)
    await place_book(services).facility(command.place_id, command.occurred_at)
    said = command.model_dump(exclude={"way"})
    sign = RecordParkingDetection(sign=SIGNS[command.way], **said)
    recorded = await record_detection(sign, context, services)
    detection = await services.store.load(ParkingDetection, recorded.detection_id)
    if detection.opened_because is None:
        reason, session_id = await _why(detection, services, others)
        await change(
            ParkingDetection,
            detection.id,
            Command(),
            context,
            services,
            lambda each: each.decide_barrier(services.clock(), reason, session_id),
            lambda _: {},
        )
        detection = await services.store.load(ParkingDetection, detection.id)
    assert detection.opened_because is not None
    session = None
    if detection.opened_for is not None:
        session = await services.store.load(ParkingSession, detection.opened_for)
    reason = WhyOpen(detection.opened_because)
    return Decided(detection.id, recorded.known, recorded.position, reason, session)


async def _why(
    detection: ParkingDetection, services: Services, others: OtherStays
) -> tuple[WhyOpen, str | None]:
    """Why it is opened, and by which stay, as is known now."""
    plate, at = detection.plate, detection.occurred_at
    if plate is None:
        return WhyOpen.NOT_READ, None
    if is_trailer(plate):
        return WhyOpen.TRAILER, None
    if not plate["plate_complete"]:
        return WhyOpen.INCOMPLETE, None
    place = f"{detection.place_id}|{plate['plate_id']}"
    if detection.sign == Sign.ARRIVED:
        inside = await _still_inside(place, at, services)
        return WhyOpen.ENTERING if inside is None else WhyOpen.EXIT_NOT_SEEN, inside
    session_id = await services.store.pool.fetchval(THERE_THEN, place, at)
    if session_id is None:
        return WhyOpen.NO_ENTRY, None
    session = await services.store.load(ParkingSession, session_id)
    return why_out(session, await _leaving(session, at, services, others)), session_id


async def _still_inside(place: str, at: datetime, services: Services) -> str | None:
    """The stay before this arrival, where the vehicle was not seen leaving.

    That stay may have ended by this very arrival: what follows from a sign follows meanwhile.
    """
    row = await services.store.pool.fetchrow(BEFORE, place, at)
    if row is None:
        return None
    session_id: str = row["session_id"]
    if row["left_at"] is None or row["left_at"] >= at:
        return session_id
    session = await services.store.load(ParkingSession, session_id)
    return session_id if session.ending in (None, *UNSEEN_AT_GATES) else None


async def _leaving(
    session: ParkingSession, at: datetime, services: Services, others: OtherStays
) -> Leaving:
    try:
        priced = await price_of(session, services, others, at)
    except CitybrainError:  # a year that no calendar has: it is priced when there is one
        return Leaving(due_fen=None, in_grace=False, may_debit=False)
    grace = priced.grace or {"in_grace": False, "whole_fen": 0, "paid_fen": 0}
    payer = None
    if session.plate_id is not None:
        payer = await payer_of(
            session.plate_id,
            arrived_at=session.arrived_at,
            now=services.clock(),
            services=services,
            amount_fen=owed_on_leaving_fen(session.claims, session.plate_id, priced.amount_fen),
            session_id=session.id,
        )
    return Leaving(
        due_fen=priced.amount_fen,
        in_grace=grace["in_grace"] and grace["whole_fen"] > grace["paid_fen"],
        may_debit=isinstance(payer, Payer),
    )
