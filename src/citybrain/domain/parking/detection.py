"""What a device said of a place, one stream each, `parking_detection-<id>`.

The topics below are the storage format: never rename one. The id follows from the device and from
what the device calls it: sent again, it is known and changes nothing. What it means for a session
is in the stream of that session; that it means nothing for any is said here.
"""

from dataclasses import field
from datetime import datetime
from typing import Any, ClassVar

from citybrain.domain.actor import WATCHERS, Actor, RoleNotAllowed, check_speaks_for
from citybrain.domain.parking.barrier import OPEN, WhyOpen
from citybrain.domain.parking.presence import Sign
from citybrain.domain.stream import StreamAggregate, StreamCreated, StreamEvent
from citybrain.domain.times import not_future
from citybrain.errors import Refused

OF_A_DEVICE = frozenset({Sign.LOST, Sign.RESTORED})
"""What a device says of itself, and not of a place."""
OF_THE_WAY_OUT = frozenset({Sign.BLOCKED, Sign.CLEARED})
"""What the gate of a facility says of its way out, and not of a vehicle."""
OF_A_GATE = OF_THE_WAY_OUT | {Sign.COUNTED}
"""What is said at gates of no vehicle that was read."""
BY_HAND = "by-hand"
"""What stands for a device where an officer says it."""


class ParkingDetected(StreamCreated):
    """A device said something of a place, or of itself (`place_id` None).

    The members of the plate are None where none was read. `by_hand`: the officer `said_by` says so.
    `reason` is why; of a way out that is blocked, what blocks it. `vehicles`: so many a loop
    counted, on their `way`; out where that is not said.
    """

    TOPIC: ClassVar[str] = "parking.detected"
    device_id: str
    ref: str
    sign: str
    place_id: str | None
    occurred_at: datetime
    plate: dict[str, Any] | None
    confidence: int | None
    characters: list[int] | None
    evidence_sha256: list[str]
    opening: str | None
    by_hand: bool
    reason: str
    simulated: bool
    said_by: str | None = field(default=None, kw_only=True)
    vehicles: int | None = field(default=None, kw_only=True)
    way: str | None = field(default=None, kw_only=True)


class ParkingDetectionUnmatched(StreamEvent):
    """It belongs to no session; `reason` says why nobody is charged for it."""

    TOPIC: ClassVar[str] = "parking.detection_unmatched"
    reason: str

    def apply(self, aggregate: Any) -> None:
        aggregate.unmatched = self.reason


class ParkingDetectionOffered(StreamEvent):
    """A trailer's plate was read on leaving: these vehicles may have drawn it.

    One is proposed where it is the only one that was there.
    """

    TOPIC: ClassVar[str] = "parking.trailer_offered"
    candidates: list[str]
    proposed: str | None

    def apply(self, aggregate: Any) -> None:
        aggregate.candidates, aggregate.proposed = list(self.candidates), self.proposed


class ParkingDetectionMatched(StreamEvent):
    """It is of this session: by a pair that was known (`decided_by` null), or an officer."""

    TOPIC: ClassVar[str] = "parking.detection_matched"
    session_id: str
    decided_by: str | None

    def apply(self, aggregate: Any) -> None:
        aggregate.session_id, aggregate.unmatched = self.session_id, None


class BarrierDecided(StreamEvent):
    """What the barrier was told when this was read before it, and why (`barrier.WhyOpen`).

    `session_id`: the stay that it goes by, as was known then; none where none was.
    """

    TOPIC: ClassVar[str] = "parking.barrier_decided"
    decision: str
    reason: str
    session_id: str | None

    def apply(self, aggregate: Any) -> None:
        aggregate.opened_because, aggregate.opened_for = self.reason, self.session_id


class NotACandidate(Refused):
    """The vehicle is none of those that it may be of."""

    code = "not-a-candidate"


class ParkingDetection(StreamAggregate):
    """One sign of one device."""

    TOPIC: ClassVar[str] = "parking_detection"
    category: ClassVar[str] = "parking_detection"
    EVENTS: ClassVar[tuple[type[StreamEvent], ...]] = (
        ParkingDetected,
        ParkingDetectionUnmatched,
        ParkingDetectionOffered,
        ParkingDetectionMatched,
        BarrierDecided,
    )

    def __init__(
        self,
        device_id: str,
        ref: str,
        sign: str,
        place_id: str | None,
        occurred_at: datetime,
        plate: dict[str, Any] | None,
        confidence: int | None,
        characters: list[int] | None,
        evidence_sha256: list[str],
        opening: str | None,
        by_hand: bool,
        reason: str,
        simulated: bool,
        said_by: str | None = None,
        vehicles: int | None = None,
        way: str | None = None,
    ) -> None:
        self.device_id, self.ref, self.sign, self.place_id = device_id, ref, sign, place_id
        self.occurred_at = occurred_at
        self.plate, self.confidence, self.characters = plate, confidence, characters
        self.evidence_sha256, self.opening = evidence_sha256, opening
        self.by_hand, self.reason, self.said_by = by_hand, reason, said_by
        self.simulated, self.vehicles, self.way = simulated, vehicles, way
        self.unmatched: str | None = None
        self.candidates: list[str] = []
        self.proposed: str | None = None
        self.session_id: str | None = None
        self.opened_because: str | None = None
        self.opened_for: str | None = None

    @classmethod
    def record(
        cls, now: datetime, *, detection_id: str, device_id: str, **fields: Any
    ) -> "ParkingDetection":
        """Whoever says it was checked before; raises `TimeOutOfOrder`."""
        fields["occurred_at"] = not_future(fields["occurred_at"], now)
        return cls._create(
            ParkingDetected, id=detection_id, timestamp=now, device_id=device_id, **fields
        )

    def decide_barrier(self, now: datetime, reason: WhyOpen, session_id: str | None) -> None:
        """What the barrier is told; once, so asked again it is told the same."""
        if self.opened_because is None:
            self.trigger_event(
                BarrierDecided,
                timestamp=now,
                decision=OPEN,
                reason=reason.value,
                session_id=session_id,
            )

    def leave_unmatched(self, now: datetime, reason: str) -> None:
        """No session came that it belongs to; once."""
        if self.unmatched is None:
            self.trigger_event(ParkingDetectionUnmatched, timestamp=now, reason=reason)

    def offer(self, now: datetime, candidates: list[str]) -> None:
        """Whose it may be; once."""
        if not self.candidates and candidates and self.session_id is None:
            proposed = candidates[0] if len(candidates) == 1 else None
            self.trigger_event(
                ParkingDetectionOffered, timestamp=now, candidates=candidates, proposed=proposed
            )

    def match(self, now: datetime, session_id: str, by: str | None = None) -> None:
        """Whose it is; once. An officer chooses among the candidates: raises `NotACandidate`."""
        if self.session_id is not None and self.session_id == session_id:
            return
        if self.session_id is not None or (by is not None and session_id not in self.candidates):
            raise NotACandidate("this exit may be of other vehicles, and not of that one")
        self.trigger_event(
            ParkingDetectionMatched, timestamp=now, session_id=session_id, decided_by=by
        )


def check_may_say(actor: Actor, device_id: str) -> None:
    """Raise unless a device speaks for itself, or for those that its token names."""
    if not actor.has(*WATCHERS):
        raise RoleNotAllowed("places are reported by devices")
    check_speaks_for(actor, device_id)
