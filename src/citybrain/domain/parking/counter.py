"""What the counter of a facility said on a day of the city, `parking_counter-<place>-<day>`.

The topics below are the storage format: never rename one. Each reading is kept as it was reported,
with what it was worth by what was known of the facility then. One moment has one reading; the
same again changes nothing.
"""

from dataclasses import field
from datetime import datetime
from typing import Any, ClassVar

from citybrain.city_day import city_day
from citybrain.domain.actor import WATCHERS, Actor, Role, RoleNotAllowed, check_speaks_for
from citybrain.domain.parking.occupancy import Counting, Judged
from citybrain.domain.parking.place import stream_of as stream_of_place
from citybrain.domain.stream import StreamAggregate, StreamCreated, StreamEvent
from citybrain.domain.times import as_text
from citybrain.errors import Refused

MOST_A_DAY = 20_000


class CounterDayOpened(StreamCreated):
    """The first reading of a facility on a day follows."""

    TOPIC: ClassVar[str] = "parking.counter_opened"
    place_id: str
    day: str


class CounterRead(StreamEvent):
    """So many places are free: as reported, below nothing, above the capacity, or none given.

    `state`, `anomaly` and `off_by` say what it was worth, by `counting_version`.
    """

    TOPIC: ClassVar[str] = "parking.counter_read"
    place_id: str
    occurred_at: datetime
    free: int | None
    device_id: str
    ref: str | None
    state: str
    anomaly: str | None
    off_by: int
    capacity: int | None
    silence_seconds: int
    counting_version: str
    drift: int | None = field(default=None, kw_only=True)

    def apply(self, aggregate: Any) -> None:
        at = as_text(self.occurred_at)
        aggregate.readings[at] = self.free
        if self.ref is not None:
            aggregate.refs[_ref(self.device_id, self.ref)] = at


class CounterReadingDiffers(Refused):
    """The facility has another reading of this moment."""

    code = "counter-reading-differs"


class CounterRefReused(Refused):
    """The device has used this reference for another reading."""

    code = "counter-ref-reused"


class CounterDayFull(Refused):
    """The facility has more readings of this day than a counter makes."""

    code = "counter-day-full"


class ParkingCounter(StreamAggregate):
    """A day of a counter: what was read when."""

    TOPIC: ClassVar[str] = "parking_counter"
    category: ClassVar[str] = "parking_counter"
    EVENTS: ClassVar[tuple[type[StreamEvent], ...]] = (CounterDayOpened, CounterRead)

    def __init__(self, place_id: str, day: str) -> None:
        self.place_id, self.day = place_id, day
        self.readings: dict[str, int | None] = {}
        self.refs: dict[str, str] = {}

    @classmethod
    def open(cls, now: datetime, *, place_id: str, day: str) -> "ParkingCounter":
        """A day of a facility, without a reading."""
        return cls._create(
            CounterDayOpened,
            id=stream_of_day(place_id, day),
            timestamp=now,
            place_id=place_id,
            day=day,
        )

    def read(
        self,
        now: datetime,
        *,
        occurred_at: datetime,
        free: int | None,
        device_id: str,
        ref: str | None,
        judged: Judged,
        counting: Counting,
    ) -> bool:
        """A reading; whether it is new. Nothing where it is known.

        Raises `CounterReadingDiffers`, `CounterRefReused`, `CounterDayFull`.
        """
        at = as_text(occurred_at)
        if ref is not None and self.refs.get(_ref(device_id, ref), at) != at:
            raise CounterRefReused("the device has used this reference for another reading")
        if at in self.readings:
            if self.readings[at] != free:
                raise CounterReadingDiffers("the facility has another reading of this moment")
            return False
        if len(self.readings) >= MOST_A_DAY:
            raise CounterDayFull(f"a facility has {MOST_A_DAY} readings a day at most")
        self.trigger_event(
            CounterRead,
            timestamp=now,
            place_id=self.place_id,
            occurred_at=occurred_at,
            free=free,
            device_id=device_id,
            ref=ref,
            state=judged.state.value,
            anomaly=None if judged.anomaly is None else judged.anomaly.value,
            off_by=judged.off_by,
            capacity=counting.capacity,
            silence_seconds=counting.silence_seconds,
            counting_version=counting.version,
            drift=counting.drift,
        )
        return True


def day_of(occurred_at: datetime) -> str:
    """The day of the city on which a reading is kept."""
    return city_day(occurred_at).isoformat()


def stream_of_day(place_id: str, day: str) -> str:
    """The stream of a facility's day."""
    return f"{ParkingCounter.category}-{stream_of_place(place_id).partition('-')[2]}-{day}"


def check_may_count(actor: Actor, device_id: str) -> None:
    """Raise `RoleNotAllowed` or `NotYourDevice`: a device counts in its own name."""
    if not actor.has(*WATCHERS, Role.SYSTEM):
        raise RoleNotAllowed("counts are reported by devices")
    check_speaks_for(actor, device_id)


def _ref(device_id: str, ref: str) -> str:
    return f"{device_id}\0{ref}"
