"""Which vehicles a trailer is drawn by, as officers have confirmed: remembered for later visits.

Stream `parking_trailer-<id>`, one for each trailer's plate. A trailer's plate opens and prices
nothing: an exit at which only it was read is that of the vehicle which draws it.
"""

from datetime import datetime
from typing import Any, ClassVar

from citybrain.domain.stream import StreamAggregate, StreamCreated, StreamEvent


class TrailerKnown(StreamCreated):
    """A trailer was seen behind a vehicle for the first time. `plate_id` is its own."""

    TOPIC: ClassVar[str] = "parking.trailer_known"
    plate_id: str


class TrailerPaired(StreamEvent):
    """An officer says that this vehicle draws it."""

    TOPIC: ClassVar[str] = "parking.trailer_paired"
    drawn_by: str
    detection_id: str
    decided_by: str

    def apply(self, aggregate: Any) -> None:
        aggregate.drawn_by.append(self.drawn_by)


class ParkingTrailer(StreamAggregate):
    """One trailer."""

    TOPIC: ClassVar[str] = "parking_trailer"
    category: ClassVar[str] = "parking_trailer"
    EVENTS: ClassVar[tuple[type[StreamEvent], ...]] = (TrailerKnown, TrailerPaired)

    def __init__(self, plate_id: str) -> None:
        self.plate_id = plate_id
        self.drawn_by: list[str] = []

    @classmethod
    def id_of(cls, plate_id: str) -> str:
        """The stream of a plate, by the plate's id."""
        return f"{cls.category}-{plate_id.partition('-')[2]}"

    @classmethod
    def know(cls, now: datetime, plate_id: str) -> "ParkingTrailer":
        """It was seen behind a vehicle."""
        return cls._create(TrailerKnown, id=cls.id_of(plate_id), timestamp=now, plate_id=plate_id)

    def pair(self, now: datetime, *, drawn_by: str, detection_id: str, decided_by: str) -> None:
        """This vehicle draws it; known before, it stays known."""
        if drawn_by not in self.drawn_by:
            self.trigger_event(
                TrailerPaired,
                timestamp=now,
                drawn_by=drawn_by,
                detection_id=detection_id,
                decided_by=decided_by,
            )
