"""What devices see on a berth, told to whoever has reserved it; and who stands there now."""

from collections.abc import Callable
from datetime import datetime
from typing import ClassVar

from citybrain.domain.parking.presence import Sign
from citybrain.domain.parking.sealed_plates import SealedPlate
from citybrain.domain.parking.session import ParkingSession
from citybrain.eventstore import RecordedEvent
from commands.handling import CommandContext
from commands.parking import signs
from commands.parking.arriving import BerthNow, Seen, arrived, left
from commands.services import Services

COMES = (Sign.ARRIVED, Sign.OCCUPIED)
GOES = (Sign.LEFT, Sign.EMPTY)


class ParkingArrivals:
    """The process manager between berths and reservations."""

    name: ClassVar[str] = "parking-arrivals"
    topics: ClassVar[tuple[str, ...]] = ("parking.detected",)

    async def react(
        self, event: RecordedEvent, services: Services, context_for: Callable[[str], CommandContext]
    ) -> None:
        """A vehicle came or went; of a berth that nobody has reserved nothing follows."""
        said = event.data
        sign = Sign(said["sign"])
        if said["place_id"] is None or sign not in (*COMES, *GOES):
            return
        seen = Seen(
            berth=said["place_id"],
            occurred_at=said["occurred_at"],
            plate=None if said["plate"] is None else SealedPlate.of(said["plate"]),
            confidence=said["confidence"],
            detection_id=event.stream_id,
        )
        tell = arrived if sign in COMES else left
        await tell(seen, context_for("tell"), services)


async def berth_now(berth: str, since: datetime, services: Services) -> BerthNow:
    """The vehicle whose presence on a berth has not ended; whether no device was lost since."""
    pool = services.store.pool
    watched = not await pool.fetchval(signs.LOST_SINCE, berth, since)
    there = [row for row in await signs.presences(pool, berth) if row.left_at is None]
    if not there:
        return BerthNow(seen=watched)
    session = await services.store.load(ParkingSession, there[-1].session_id)
    plate = None if session.plate is None else SealedPlate.of(session.plate)
    sure = plate is not None and session.doubt is None
    vehicle = Seen(
        berth=berth,
        occurred_at=there[-1].arrived_at,
        plate=plate,
        confidence=100 if sure else None,
        detection_id=session.detection_ids[0],
    )
    return BerthNow(vehicle=vehicle, seen=watched)
