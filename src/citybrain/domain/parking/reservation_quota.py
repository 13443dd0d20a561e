"""How many reservations somebody has open at once: a stream of theirs, so that the limit is strict.

Stream `reservation_quota-<the citizen's id>`. A place that is taken ends by itself at a time, so
that what a crash left behind blocks nobody for long.
"""

from datetime import datetime
from typing import Any, ClassVar

from citybrain.domain.stream import StreamAggregate, StreamCreated, StreamEvent
from citybrain.errors import Refused

# --- events -------------------------------------------------------------------------------


class QuotaOpened(StreamCreated):
    """Somebody reserves for the first time."""

    TOPIC: ClassVar[str] = "parking.quota_opened"
    citizen_id: str


class QuotaTaken(StreamEvent):
    """A reservation counts until then."""

    TOPIC: ClassVar[str] = "parking.quota_taken"
    reservation_id: str
    until: datetime

    def apply(self, aggregate: Any) -> None:
        at = self.timestamp
        aggregate.taken = {name: end for name, end in aggregate.taken.items() if end > at}
        aggregate.taken[self.reservation_id] = self.until


class QuotaReturned(StreamEvent):
    """A reservation does not count any more."""

    TOPIC: ClassVar[str] = "parking.quota_returned"
    reservation_id: str

    def apply(self, aggregate: Any) -> None:
        aggregate.taken.pop(self.reservation_id, None)


# --- refusals -----------------------------------------------------------------------------


class TooManyReservations(Refused):
    """This citizen has as many open reservations as one may have."""

    code = "too-many-reservations"


# --- state and decisions ------------------------------------------------------------------


class ReservationQuota(StreamAggregate):
    """The open reservations of one citizen, and until when each counts."""

    TOPIC: ClassVar[str] = "reservation_quota"
    category: ClassVar[str] = "reservation_quota"
    personal: ClassVar[bool] = True
    EVENTS: ClassVar[tuple[type[StreamEvent], ...]] = (QuotaOpened, QuotaTaken, QuotaReturned)

    def __init__(self, citizen_id: str) -> None:
        self.citizen_id = citizen_id
        self.taken: dict[str, datetime] = {}

    @staticmethod
    def id_of(citizen_id: str) -> str:
        """The stream of a citizen."""
        return f"{ReservationQuota.category}-{citizen_id.partition('-')[2]}"

    @classmethod
    def open(cls, now: datetime, *, citizen_id: str) -> "ReservationQuota":
        """They have not reserved before."""
        stream_id = cls.id_of(citizen_id)
        return cls._create(QuotaOpened, id=stream_id, timestamp=now, citizen_id=citizen_id)

    def check(self, now: datetime, *, reservation_id: str, most: int) -> None:
        """Raise `TooManyReservations` where there are as many others."""
        others = [n for n, end in self.taken.items() if end > now and n != reservation_id]
        if len(others) >= most:
            raise TooManyReservations(f"one citizen has {most} at most", limit_reservations=most)

    def take(
        self, now: datetime, *, reservation_id: str, until: datetime, most: int | None = None
    ) -> None:
        """Count it until then, longer where it counts already; told twice, once.

        Raises `TooManyReservations` beyond `most`; what is paid for is counted in any case.
        """
        at = max(now, self.modified_on)
        if most is not None:
            self.check(at, reservation_id=reservation_id, most=most)
        known = self.taken.get(reservation_id)
        if known is None or known < until:
            self.trigger_event(QuotaTaken, timestamp=at, reservation_id=reservation_id, until=until)

    def give_back(self, now: datetime, *, reservation_id: str) -> None:
        """Count it no longer; nothing where it does not, or ended by itself."""
        at = max(now, self.modified_on)
        if self.taken.get(reservation_id, at) > at:
            self.trigger_event(QuotaReturned, timestamp=at, reservation_id=reservation_id)
