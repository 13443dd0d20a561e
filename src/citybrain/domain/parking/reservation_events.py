"""What happens to a reservation of a berth, from the hold to its end.

The topics are the storage format: never rename one. The plate is sealed (`sealed_plates`), notes of
officers are sealed for the citizen. Times are UTC, money is fen; where the deposit is says its
claim (`claim_events`).
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from citybrain.domain.digests import event_sha256
from citybrain.domain.stream import StreamCreated, StreamEvent


class ReservationStatus(StrEnum):
    """Where a reservation stands."""

    HELD = "held"
    PAYING = "paying"
    SECURING = "securing"  # paid; the berth's calendar has not said yes yet
    CONFIRMED = "confirmed"
    CHECKED_IN = "checked-in"
    COMPLETED = "completed"
    NO_SHOW = "no-show"
    CANCELLED = "cancelled"
    LAPSED = "lapsed"  # nobody paid in time
    LOST = "lost"  # somebody else had the berth when the deposit came
    GIVEN_BACK = "given-back"  # the berth could not be used: nobody keeps anything


class Conflict(StrEnum):
    """Why nobody is charged for not having come, until it is settled."""

    OBSTRUCTED = "obstructed"  # another vehicle stands there
    REPORTED = "reported"  # the citizen says that it is so
    UNSURE = "unsure"  # a vehicle that may be the reserved one
    UNSEEN = "unseen"  # the camera saw nothing


class ReservationEvent(StreamEvent):
    """What happens once a berth is held.

    `LEADS_TO`: the status that follows, where it always does. `DECIDES`: what is owed of the
    deposit is so because of this event; its claim names the digest.
    """

    LEADS_TO: ClassVar[ReservationStatus | None] = None
    DECIDES: ClassVar[bool] = False

    def apply(self, aggregate: Any) -> None:
        fields = vars(self)
        self.note(aggregate)
        aggregate.status = status_after(self.TOPIC, aggregate.status)
        aggregate.fee_fen = fee_after(self.TOPIC, fields, aggregate.fee_fen)
        if self.TOPIC in ENDS_CONFLICT:
            aggregate.conflict = None
        if self.DECIDES:
            aggregate.decision_sha256 = event_sha256(self.TOPIC, fields)

    def note(self, aggregate: Any) -> None:
        """Keep what the event says beside the status."""


class ReservationHeld(StreamCreated):
    """A citizen has a berth for a while, until the deposit is there.

    `rules_version` names the definition that the times and fees are of. `start` and `end` are the
    span, [start, end); from `arrive_from` on the berth is watched, `no_show_at` is the last moment
    to come, and until `final_at` (the order window of `parking_rules_version`) a reading that comes
    late still counts.
    """

    TOPIC: ClassVar[str] = "parking.reservation_held"
    citizen_id: str
    berth: str
    start: datetime
    end: datetime
    hold_until: datetime
    plate: dict[str, Any]
    rules_version: str
    parking_rules_version: str
    deposit_fen: int
    no_show_fee_fen: int
    late_cancel_fee_fen: int
    cancel_free_until: datetime
    arrive_from: datetime
    no_show_at: datetime
    final_at: datetime
    simulated: bool


class DepositAsked(ReservationEvent):
    """The citizen wants it: from here on the deposit is owed, and debited."""

    TOPIC: ClassVar[str] = "parking.reservation_deposit_asked"
    LEADS_TO = ReservationStatus.PAYING
    DECIDES = True
    attempt: int
    amount_fen: int

    def note(self, aggregate: Any) -> None:
        aggregate.attempts = self.attempt


class DepositPaid(ReservationEvent):
    """The claim for the deposit is settled."""

    TOPIC: ClassVar[str] = "parking.reservation_deposit_paid"
    LEADS_TO = ReservationStatus.SECURING
    claim_id: str


class DepositFailed(ReservationEvent):
    """It could not be debited; the berth stays held for as long as it was."""

    TOPIC: ClassVar[str] = "parking.reservation_deposit_failed"
    LEADS_TO = ReservationStatus.HELD
    attempt: int


class ReservationConfirmed(ReservationEvent):
    """The berth's calendar has it for good."""

    TOPIC: ClassVar[str] = "parking.reservation_confirmed"
    LEADS_TO = ReservationStatus.CONFIRMED

    def note(self, aggregate: Any) -> None:
        aggregate.secured = True


class ReservationLost(ReservationEvent):
    """The berth was taken, or it was too late, when the deposit came: nothing of it is kept."""

    TOPIC: ClassVar[str] = "parking.reservation_lost"
    LEADS_TO = ReservationStatus.LOST
    DECIDES = True
    reason: str
    offered: list[str]

    def note(self, aggregate: Any) -> None:
        aggregate.offered, aggregate.final = list(self.offered), True


class ReservationLapsed(ReservationEvent):
    """Nobody paid in time."""

    TOPIC: ClassVar[str] = "parking.reservation_lapsed"
    LEADS_TO = ReservationStatus.LAPSED
    DECIDES = True


class ReservationCancelled(ReservationEvent):
    """Given up: by the citizen, or by the city for a reason. `fee_fen` is kept of the deposit."""

    TOPIC: ClassVar[str] = "parking.reservation_cancelled"
    LEADS_TO = ReservationStatus.CANCELLED
    DECIDES = True
    by_city: str | None
    fee_fen: int

    def note(self, aggregate: Any) -> None:
        aggregate.final = True


class ReservationAwaited(ReservationEvent):
    """The berth is watched for it: who stands there, as far as is known.

    `again_at`: who stands there has it until then, so that it is looked at once more.
    """

    TOPIC: ClassVar[str] = "parking.reservation_awaited"
    standing: str
    again_at: datetime | None

    def note(self, aggregate: Any) -> None:
        aggregate.look_at = self.again_at


class CarPresent(ReservationEvent):
    """The reserved vehicle stands there before its time, or before it is paid."""

    TOPIC: ClassVar[str] = "parking.reservation_car_present"
    at: datetime
    detection_id: str | None

    def note(self, aggregate: Any) -> None:
        aggregate.present_since = self.at


class CheckedIn(ReservationEvent):
    """The reserved vehicle was there in time: the deposit goes back."""

    TOPIC: ClassVar[str] = "parking.reservation_checked_in"
    LEADS_TO = ReservationStatus.CHECKED_IN
    DECIDES = True
    at: datetime
    detection_id: str | None
    confidence: int | None

    def note(self, aggregate: Any) -> None:
        aggregate.present_since = self.at


class ArrivedLate(ReservationEvent):
    """The reserved vehicle came after its time, or was told of after that was final: evidence."""

    TOPIC: ClassVar[str] = "parking.reservation_arrived_late"
    at: datetime
    detection_id: str | None

    def note(self, aggregate: Any) -> None:
        aggregate.late_at = self.at


class NoShow(ReservationEvent):
    """Nobody came in time. `fee_fen` is kept, once no late reading can say otherwise.

    The time for that begins when this is noted: who was away has not read what came meanwhile.
    """

    TOPIC: ClassVar[str] = "parking.reservation_no_show"
    LEADS_TO = ReservationStatus.NO_SHOW
    fee_fen: int

    def note(self, aggregate: Any) -> None:
        window = aggregate.final_at - aggregate.no_show_at
        aggregate.final_at = max(aggregate.final_at, self.timestamp + window)
        aggregate.final = False


class NoShowReversed(ReservationEvent):
    """What came late says that the vehicle was there in time, or the berth was not free."""

    TOPIC: ClassVar[str] = "parking.reservation_no_show_reversed"
    LEADS_TO = ReservationStatus.CONFIRMED
    DECIDES = True


class NoShowFinal(ReservationEvent):
    """No reading can change it any more: the berth is free, and what is above the fee goes back."""

    TOPIC: ClassVar[str] = "parking.reservation_no_show_final"
    DECIDES = True

    def note(self, aggregate: Any) -> None:
        aggregate.final = True


class ConflictRaised(ReservationEvent):
    """The berth may not be had: nobody is charged for not coming until that is settled.

    `plate` is that of the vehicle that stands there, sealed, where it was read; `at` is since when.
    """

    TOPIC: ClassVar[str] = "parking.reservation_conflict_raised"
    kind: str
    at: datetime
    plate: dict[str, Any] | None
    detection_id: str | None
    confidence: int | None

    def note(self, aggregate: Any) -> None:
        aggregate.conflict = {
            "kind": self.kind,
            "at": self.at,
            "plate_id": None if self.plate is None else self.plate["plate_id"],
            "detection_id": self.detection_id,
        }


class ConflictEnded(ReservationEvent):
    """The other vehicle left. `excused`: it stood there when the reserved one should have come."""

    TOPIC: ClassVar[str] = "parking.reservation_conflict_ended"
    at: datetime
    excused: bool

    def note(self, aggregate: Any) -> None:
        aggregate.excused = aggregate.excused or self.excused


class ConflictSettled(ReservationEvent):
    """An officer has looked: the vehicle was there, the berth was obstructed, or nobody came."""

    TOPIC: ClassVar[str] = "parking.reservation_conflict_settled"
    outcome: str
    officer: str
    note_sealed: str

    def note(self, aggregate: Any) -> None:
        aggregate.excused = False
        aggregate.officers.append(self.officer)


class ReservationGivenBack(ReservationEvent):
    """The berth could not be used, for no fault of the citizen's: all of the deposit goes back."""

    TOPIC: ClassVar[str] = "parking.reservation_given_back"
    LEADS_TO = ReservationStatus.GIVEN_BACK
    DECIDES = True
    reason: str

    def note(self, aggregate: Any) -> None:
        aggregate.final = True


class ReservationMoved(ReservationEvent):
    """Another berth in its place, which is held and not yet kept; with the same time to come."""

    TOPIC: ClassVar[str] = "parking.reservation_moved"
    LEADS_TO = ReservationStatus.SECURING
    left: str
    berth: str
    no_show_at: datetime
    final_at: datetime

    def note(self, aggregate: Any) -> None:
        aggregate.berths.append(self.berth)
        aggregate.no_show_at, aggregate.final_at = self.no_show_at, self.final_at
        aggregate.secured = False
        aggregate.look_at = aggregate.arrive_from
        aggregate.present_since, aggregate.excused = None, False


class CarLeft(ReservationEvent):
    """The reserved vehicle left: the rest of its time is free."""

    TOPIC: ClassVar[str] = "parking.reservation_left"
    at: datetime

    def note(self, aggregate: Any) -> None:
        aggregate.present_since = None


class ReservationCompleted(ReservationEvent):
    """Its time is over."""

    TOPIC: ClassVar[str] = "parking.reservation_completed"
    LEADS_TO = ReservationStatus.COMPLETED


EVENTS: tuple[type[StreamEvent], ...] = (
    ReservationHeld,
    DepositAsked,
    DepositPaid,
    DepositFailed,
    ReservationConfirmed,
    ReservationLost,
    ReservationLapsed,
    ReservationCancelled,
    ReservationAwaited,
    CarPresent,
    CheckedIn,
    ArrivedLate,
    NoShow,
    NoShowReversed,
    NoShowFinal,
    ConflictRaised,
    ConflictEnded,
    ConflictSettled,
    ReservationGivenBack,
    ReservationMoved,
    CarLeft,
    ReservationCompleted,
)

# --- folds: an event's topic, and its fields by name ---------------------------------------

LEADS_TO = {
    event.TOPIC: event.LEADS_TO
    for event in EVENTS
    if issubclass(event, ReservationEvent) and event.LEADS_TO is not None
}


def status_after(topic: str, before: ReservationStatus) -> ReservationStatus:
    """The status that an event leads to."""
    if topic == CarLeft.TOPIC and before is ReservationStatus.CHECKED_IN:
        return ReservationStatus.COMPLETED
    return LEADS_TO.get(topic, before)


ENDS_CONFLICT = frozenset(
    event.TOPIC
    for event in (
        CheckedIn,
        ConflictEnded,
        ConflictSettled,
        ReservationMoved,
        ReservationLost,
        ReservationCancelled,
        ReservationGivenBack,
        NoShowFinal,
    )
)
NO_FEE = frozenset(
    event.TOPIC for event in (CheckedIn, NoShowReversed, ReservationLost, ReservationGivenBack)
)


def fee_after(topic: str, fields: Mapping[str, Any], before: int) -> int:
    """What is kept of the deposit, or will be, after an event."""
    return 0 if topic in NO_FEE else int(fields.get("fee_fen", before))
