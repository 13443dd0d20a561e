"""A reservation of a berth: held, paid for, confirmed, used or not; what is kept of its deposit.

Stream `parking_reservation-<id>`; its events are in `reservation_events`. Whose the berth is says
the berth's calendar (`calendar`), where the deposit is says its claim (`claim`); here is what the
citizen and the city do about it. Who came and what stood in the way is in `arrivals`.
"""

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from citybrain.domain.actor import Actor, Role, RoleNotAllowed
from citybrain.domain.parking.claim import claim_id
from citybrain.domain.parking.reservation_events import (
    EVENTS,
    DepositAsked,
    DepositFailed,
    DepositPaid,
    ReservationCancelled,
    ReservationConfirmed,
    ReservationHeld,
    ReservationLapsed,
    ReservationLost,
    ReservationMoved,
    ReservationStatus,
)
from citybrain.domain.parking.reservation_refusals import (
    HoldRanOut,
    NotYourReservation,
    ReservationOutOfStep,
)
from citybrain.domain.separation import NotApart, check_apart
from citybrain.domain.stream import StreamAggregate, StreamEvent

OFFICERS = (Role.OFFICIAL, Role.SUPERVISOR)
DEPOSIT = 1
"""The number of its claim: there is one."""
ERASED = "person-erased"
TAKEN, TOO_LATE = "berth-taken", "too-late"

CANCELLABLE = frozenset(
    {
        ReservationStatus.HELD,
        ReservationStatus.PAYING,
        ReservationStatus.SECURING,
        ReservationStatus.CONFIRMED,
    }
)
OPEN = CANCELLABLE | {ReservationStatus.CHECKED_IN}
"""Those that count for how many one citizen may have."""

FEES = frozenset({ReservationStatus.CANCELLED, ReservationStatus.NO_SHOW})
"""Those of whose deposit something may be kept."""

GIVES_FREE = frozenset(
    {
        ReservationStatus.CANCELLED,
        ReservationStatus.LOST,
        ReservationStatus.GIVEN_BACK,
        ReservationStatus.COMPLETED,
    }
)
"""After these the berth is another's; after a no-show once that is final."""


class CityReason(StrEnum):
    """Why the city takes a reservation back."""

    WORKS = "works"
    EVENT = "event"
    EMERGENCY = "emergency"
    BERTH_CLOSED = "berth-closed"
    MISTAKE = "mistake"


class NotApartInReservation(NotApart):
    """Whoever had a part in this reservation leaves the decision to somebody else."""

    code = "reservation-separation-of-duties"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Which berth, [start, end), and until when it is held."""

    berth: str
    start: datetime
    end: datetime
    hold_until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The times and fees of the definitions with these versions, as they are when it is made."""

    rules_version: str
    parking_rules_version: str
    deposit_fen: int
    no_show_fee_fen: int
    late_cancel_fee_fen: int
    cancel_free_until: datetime
    arrive_from: datetime
    no_show_at: datetime
    final_at: datetime


class ParkingReservation(StreamAggregate):
    """One citizen's berth for one span."""

    TOPIC: ClassVar[str] = "parking_reservation"
    category: ClassVar[str] = "parking_reservation"
    personal: ClassVar[bool] = True
    EVENTS: ClassVar[tuple[type[StreamEvent], ...]] = EVENTS

    def __init__(
        self,
        citizen_id: str,
        berth: str,
        start: datetime,
        end: datetime,
        hold_until: datetime,
        plate: dict[str, Any],
        rules_version: str,
        parking_rules_version: str,
        deposit_fen: int,
        no_show_fee_fen: int,
        late_cancel_fee_fen: int,
        cancel_free_until: datetime,
        arrive_from: datetime,
        no_show_at: datetime,
        final_at: datetime,
        simulated: bool,
    ) -> None:
        self.citizen_id, self.plate, self.simulated = citizen_id, plate, simulated
        self.berths = [berth]
        self.start, self.end, self.hold_until = start, end, hold_until
        self.rules_version, self.parking_rules_version = rules_version, parking_rules_version
        self.deposit_fen, self.attempts = deposit_fen, 0
        self.no_show_fee_fen, self.late_cancel_fee_fen = no_show_fee_fen, late_cancel_fee_fen
        self.cancel_free_until, self.arrive_from = cancel_free_until, arrive_from
        self.no_show_at, self.final_at = no_show_at, final_at
        self.status: ReservationStatus = ReservationStatus.HELD
        self.decision_sha256 = ""
        self.fee_fen = 0
        self.secured, self.final, self.excused = False, False, False
        self.look_at: datetime | None = arrive_from
        self.offered: list[str] = []
        self.conflict: dict[str, Any] | None = None
        self.present_since: datetime | None = None
        self.late_at: datetime | None = None
        self.officers: list[str] = []

    @classmethod
    def hold(
        cls,
        actor: Actor,
        now: datetime,
        *,
        reservation_id: str,
        span: Span,
        terms: Terms,
        plate: dict[str, Any],
        simulated: bool,
    ) -> "ParkingReservation":
        """A citizen holds a berth that its calendar has given them."""
        if not actor.has(Role.CITIZEN):
            raise RoleNotAllowed("citizens reserve for themselves")
        return cls._create(
            ReservationHeld,
            id=reservation_id,
            timestamp=now,
            citizen_id=actor.subject,
            plate=plate,
            simulated=simulated,
            **asdict(span),
            **asdict(terms),
        )

    @property
    def berth(self) -> str:
        """The berth that it is for now."""
        return self.berths[-1]

    @property
    def claim_id(self) -> str | None:
        """The claim for its deposit, once somebody was asked for it."""
        return claim_id(self.id, DEPOSIT) if self.attempts else None

    @property
    def claims(self) -> list[tuple[str, str]]:
        """The berths that it was and is for, each with the id of its entry in their calendars."""
        return [(berth, on_berth(self.id, number)) for number, berth in enumerate(self.berths, 1)]

    @property
    def is_over(self) -> bool:
        """Whether it has its berth no longer, or has none."""
        no_show = self.status is ReservationStatus.NO_SHOW and self.final
        return self.status in GIVES_FREE or no_show

    @property
    def kept_fen(self) -> int:
        """What is owed of the deposit as it stands: all, a fee, or nothing."""
        if self.status in CANCELLABLE or (
            self.status is ReservationStatus.NO_SHOW and not self.final
        ):
            return self.deposit_fen
        return self.fee_fen if self.status in FEES else 0

    def check_confirmable(self, actor: Actor, now: datetime) -> None:
        """Raise unless this is its citizen, and the berth is held for them still."""
        self.check_own(actor)
        self.expect(ReservationStatus.HELD)
        if now >= self.hold_until:
            raise HoldRanOut("the berth was held until then", hold_until=_said(self.hold_until))

    def ask_deposit(self, actor: Actor, now: datetime) -> None:
        """The citizen wants it and pays; nothing where that is under way."""
        self.check_own(actor)
        if self.status is not ReservationStatus.PAYING:
            self.check_confirmable(actor, now)
            fields = {"attempt": self.attempts + 1, "amount_fen": self.deposit_fen}
            self.note(DepositAsked, now, **fields)

    def paid(self, now: datetime, *, claim_id: str) -> None:
        """The deposit is there, also where a failure was told before."""
        self.expect(ReservationStatus.PAYING, ReservationStatus.HELD)
        self.note(DepositPaid, now, claim_id=claim_id)

    def not_paid(self, now: datetime, *, attempt: int) -> None:
        """This try to debit it failed."""
        self.expect(ReservationStatus.PAYING)
        if attempt == self.attempts:
            self.note(DepositFailed, now, attempt=attempt)

    def confirm_unpaid(self, actor: Actor, now: datetime) -> None:
        """The citizen wants it, and there is nothing to pay: its calendar has it for good."""
        self.check_own(actor)
        if self.status is not ReservationStatus.CONFIRMED:
            self.check_confirmable(actor, now)
            self.note(ReservationConfirmed, now)

    def confirm(self, now: datetime) -> None:
        """Paid, and its calendar has it for good; told twice, once."""
        if self.status is not ReservationStatus.CONFIRMED:
            self.expect(ReservationStatus.SECURING)
            self.note(ReservationConfirmed, now)

    def lose(self, now: datetime, *, reason: str, offered: Collection[str] = ()) -> None:
        """Paid, and its calendar does not have it: others are offered, and nothing is kept."""
        self.expect(ReservationStatus.SECURING)
        self.note(ReservationLost, now, reason=reason, offered=list(offered))

    def lapse(self, now: datetime) -> None:
        """Nobody paid in time."""
        if self.status is ReservationStatus.HELD and now >= self.hold_until:
            self.note(ReservationLapsed, now)

    def cancel(
        self, actor: Actor, now: datetime, *, departments: Collection[str], reason: str | None
    ) -> None:
        """Given up by its citizen, with a fee where it is late; or by the city, without."""
        by_city = actor.has(*OFFICERS)
        if by_city:
            self.check_officer(actor, departments)
        else:
            self.check_own(actor)
        if self.status not in CANCELLABLE:
            raise ReservationOutOfStep(f"the reservation is {self.status}")
        late = now > self.cancel_free_until and self.secured
        free = by_city or not late or self.conflict is not None or self.excused
        self.note(
            ReservationCancelled,
            now,
            by_city=(reason or CityReason.MISTAKE.value) if by_city else None,
            fee_fen=0 if free else self.late_cancel_fee_fen,
        )

    def end_of_erased(self, now: datetime) -> None:
        """Its citizen was erased: nobody comes, and nothing is kept."""
        if self.status in CANCELLABLE:
            self.note(ReservationCancelled, now, by_city=ERASED, fee_fen=0)

    def check_movable(self, actor: Actor) -> None:
        """Raise unless this is its citizen, and the berth cannot be had."""
        self.check_own(actor)
        self.expect(ReservationStatus.CONFIRMED)
        if self.conflict is None and not self.excused:
            raise ReservationOutOfStep("nothing stands in the way of this reservation")

    def move(self, actor: Actor, now: datetime, *, berth: str) -> None:
        """Another berth, which its calendar holds, in place of one that cannot be had."""
        self.check_movable(actor)
        time_to_come, window = self.no_show_at - self.start, self.final_at - self.no_show_at
        no_show_at = min(max(self.no_show_at, now + time_to_come), self.end)
        fields = {"no_show_at": no_show_at, "final_at": no_show_at + window}
        self.note(ReservationMoved, now, left=self.berth, berth=berth, **fields)

    def check_own(self, actor: Actor) -> None:
        """Raise unless this is its citizen."""
        if not actor.has(Role.CITIZEN) or actor.subject != self.citizen_id:
            raise NotYourReservation("citizens act on their own reservations")

    def check_officer(self, actor: Actor, departments: Collection[str]) -> None:
        """Raise unless an officer of parking, whose own it is not, acts."""
        if not actor.has(*OFFICERS) or actor.department not in departments:
            raise RoleNotAllowed("this is decided by officers of the department of parking")
        check_apart(actor, {"own-case": [self.citizen_id]}, NotApartInReservation)

    def expect(self, *statuses: ReservationStatus) -> None:
        """Raise unless it is one of these."""
        if self.status not in statuses:
            raise ReservationOutOfStep(f"the reservation is {self.status}")

    def note(self, event: type[StreamEvent], now: datetime, **fields: Any) -> None:
        """Record what was decided."""
        self.trigger_event(event, timestamp=max(now, self.modified_on), **fields)


def on_berth(reservation_id: str, number: int) -> str:
    """The claim of a reservation on its first, second, … berth."""
    return f"{reservation_id}.{number}"


def reservation_of(claim: str) -> str:
    """The reservation that a claim is of."""
    return claim.rpartition(".")[0]


def _said(at: datetime) -> str:
    return at.isoformat()
