"""What happens on reserved berths, told to whoever has reserved them.

It follows the sessions: a vehicle that stands there, what was read of its plate, and that it left.
Told twice, it happens once; told late, what counts is when it occurred.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

from citybrain.domain.parking.place import PlaceKind
from citybrain.domain.parking.sealed_plates import SealedPlate
from citybrain.domain.parking.session import ParkingSession
from citybrain.eventstore import RecordedEvent
from commands.handling import CommandContext
from commands.parking.arriving import Seen, arrived, left
from commands.parking.standing import seen_of
from commands.services import Services

OPENED, READ = "parking.opened", "parking.plate_read"


class ParkingArrivals:
    """The process manager between sessions and reservations."""

    name: ClassVar[str] = "parking-arrivals"
    topics: ClassVar[tuple[str, ...]] = (
        OPENED,
        READ,
        "parking.plate_corrected",
        "parking.times_corrected",
        "parking.left",
    )

    async def react(
        self, event: RecordedEvent, services: Services, context_for: Callable[[str], CommandContext]
    ) -> None:
        """Tell who has reserved the berth, if somebody has."""
        session = await services.store.load(ParkingSession, event.stream_id)
        if session.place_kind != PlaceKind.BERTH or session.voided:
            return
        if event.topic == OPENED and session.readings:
            return  # what was read of its plate says more
        seen = _seen(event, session)
        await arrived(seen, context_for("arrived"), services)
        if session.left_at is not None:
            went = replace(seen_of(session), occurred_at=session.left_at)
            await left(went, context_for("left"), services)


def _seen(event: RecordedEvent, session: ParkingSession) -> Seen:
    """The vehicle; by this reading, where it is one: another may be taken for the session's."""
    seen = seen_of(session)
    if event.topic != READ:
        return seen
    data = event.data
    return replace(
        seen,
        plate=SealedPlate.of(data),
        sure=data["doubt"] is None,
        confidence=data["confidence"],
        detection_id=data["detection_id"],
    )
