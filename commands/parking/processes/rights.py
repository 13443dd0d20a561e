"""What changes afterwards about a stay: a vehicle that was sold, bound or hired out, or a permit.

Each change leads to the sessions of the plate that it may be about; each of them is decided by the
streams as they stand. A claim that is raised meanwhile is looked at when it has been.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, ClassVar

import asyncpg

from citybrain.domain.parking.claim import Claim
from citybrain.domain.parking.holding import PLATE, ParkingPlate
from citybrain.domain.parking.permit import ParkingPermit
from citybrain.domain.parking.session import ParkingSession
from citybrain.domain.times import moment
from citybrain.errors import Unavailable
from citybrain.eventstore import RecordedEvent
from commands.handling import CommandContext
from commands.parking.owing import correct_payer
from commands.parking.pricing import price_less
from commands.services import Services

OfPlate = Callable[
    ["asyncpg.Pool[Any]", str, datetime | None, datetime | None, int], Awaitable[list[str] | None]
]
"""The sessions of a plate in a time, as a read model knows them; None where it is behind."""

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
            for session_id in await self._sessions(
                event, permit.plate_id, permit.begins, permit.ends, services
            ):
                context = context_for(session_id)
                await price_less(session_id, context, services, cause="permit", about=permit.id)
            return
        plate_id = PLATE + event.stream_id.removeprefix(f"{ParkingPlate.category}-")
        for session_id in await self._sessions(event, plate_id, *_about(event), services):
            await correct_payer(session_id, context_for(session_id), services)

    async def _sessions(
        self,
        event: RecordedEvent,
        plate_id: str,
        since: datetime | None,
        until: datetime | None,
        services: Services,
    ) -> list[str]:
        found = await self._of_plate(services.store.pool, plate_id, since, until, event.position)
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
