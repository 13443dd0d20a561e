"""What changes afterwards about a stay: a vehicle that was sold, bound or hired out, or a permit.

Each change leads to the sessions of the plate that it may be about; each of them is decided by the
streams as they stand. A claim that is raised meanwhile is looked at when it has been.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import ClassVar

from citybrain.definitions.parking.tariffs import tariff_of
from citybrain.domain.parking.claim import Claim
from citybrain.domain.parking.holding import PLATE, ParkingPlate
from citybrain.domain.parking.permit import ParkingPermit
from citybrain.domain.parking.session import ParkingSession
from citybrain.domain.parking.session_events import PRICED
from citybrain.domain.times import moment
from citybrain.errors import Unavailable
from citybrain.eventstore import RecordedEvent
from commands.handling import CommandContext
from commands.parking.owing import correct_payer
from commands.parking.pricing import STREET, OfPlate, OtherStays, price_less
from commands.services import Services

CLAIMED, CANCELLED = "parking.claimed", "parking.payment_cancelled"
GRANTED = "parking.permit_granted"
CLONE_DECIDED = "parking.clone_decided"
LET_GO, HELD, HIRED = "parking.plate_let_go", "parking.plate_held", "parking.plate_hired_out"


class ParkingRights:
    """The process manager of what people have a right to afterwards."""

    name: ClassVar[str] = "parking-rights"
    topics: ClassVar[tuple[str, ...]] = (
        CLAIMED,
        CLONE_DECIDED,
        CANCELLED,
        GRANTED,
        LET_GO,
        HELD,
        HIRED,
        *PRICED,
    )

    def __init__(self, of_plate: OfPlate) -> None:
        self._of_plate = of_plate

    async def react(
        self, event: RecordedEvent, services: Services, context_for: Callable[[str], CommandContext]
    ) -> None:
        """Look at the sessions that it is about."""
        if event.topic in (CLAIMED, CLONE_DECIDED):
            await correct_payer(event.stream_id, context_for("payer"), services)
            return
        if event.topic == CANCELLED:  # what somebody was about to pay for a vehicle of another one
            claim = await services.store.load(Claim, event.stream_id)
            if claim.subject.startswith(f"{ParkingSession.category}-"):
                await correct_payer(claim.subject, context_for("payer"), services)
            return
        if event.topic == GRANTED:
            permit = await services.store.load(ParkingPermit, event.stream_id)
            times = (permit.begins, permit.ends)
            found = await self._sessions(event, permit.plate_id, *times, services)
            await self._price_less(found, event, services, context_for, "permit")
            return
        if event.topic in PRICED:
            found = await self._later_that_day(event, services)
            await self._price_less(found, event, services, context_for, "plate-and-day")
            return
        plate_id = PLATE + event.stream_id.removeprefix(f"{ParkingPlate.category}-")
        for session_id in await self._sessions(event, plate_id, *_about(event), services):
            await correct_payer(session_id, context_for(session_id), services)

    async def _price_less(
        self,
        found: Sequence[str],
        event: RecordedEvent,
        services: Services,
        context_for: Callable[[str], CommandContext],
        cause: str,
    ) -> None:
        others, about = OtherStays(self._of_plate, event.position), event.stream_id
        for session_id in found:
            context = context_for(session_id)
            await price_less(session_id, context, services, others, cause=cause, about=about)

    async def _later_that_day(self, event: RecordedEvent, services: Services) -> list[str]:
        """Where a cap counts all stays of a plate on a day: those that began after this one."""
        tariff = tariff_of(services.definitions, STREET)
        if not tariff.caps_plates:
            return []
        session = await services.store.load(ParkingSession, event.stream_id)
        if session.plate_id is None or session.left_at is None:
            return []
        since, until = session.arrived_at, session.left_at + timedelta(days=2)
        found = await self._sessions(event, session.plate_id, since, until, services)
        return [each for each in found if each != session.id]

    async def _sessions(
        self,
        event: RecordedEvent,
        plate_id: str,
        since: datetime | None,
        until: datetime | None,
        services: Services,
    ) -> list[str]:
        found = await self._of_plate(services.store.keeping, plate_id, since, until, event.position)
        if found is None:
            raise Unavailable("the read model of sessions is behind")
        return found


def _about(event: RecordedEvent) -> tuple[datetime, datetime | None]:
    """Of which time somebody else may have had the vehicle than was thought."""
    data = event.data
    if event.topic == LET_GO:
        return moment(data["until"]), None
    if event.topic == HELD:
        return moment(data["since"]), None
    return moment(data["begins"]), moment(data["ends"])
