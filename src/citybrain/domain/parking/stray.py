"""A payment for a vehicle of which no stay is known: perhaps one character of the plate is wrong.

Stream `parking_stray-<id>`, by the id of the asking. It says which stays it may be for; the money
is on a claim of its own, which that stay takes over once somebody has said so. What is nobody's
goes back.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from citybrain.domain.actor import Actor
from citybrain.domain.digests import event_sha256
from citybrain.domain.parking.claim import claim_id
from citybrain.domain.parking.detection import NotACandidate
from citybrain.domain.parking.looking import Part, check_officer_of_parking
from citybrain.domain.parking.refusals import NotApartInParking
from citybrain.domain.separation import check_apart
from citybrain.domain.stream import StreamAggregate, StreamCreated, StreamEvent
from citybrain.errors import Refused

SAME_PLATE = "same-plate"
NUMBER = 1


class StrayStatus(StrEnum):
    """Where it is."""

    ASKED = "asked"
    PAID = "paid"
    MATCHED = "matched"
    REFUSED = "refused"
    ENDED = "ended"  # nobody paid it


class StrayOpened(StreamCreated):
    """Somebody wants to pay for a vehicle in a block face or a facility. The plate is sealed."""

    TOPIC: ClassVar[str] = "parking.stray_opened"
    place_id: str
    plate: dict[str, Any]


class StrayPaymentAsked(StreamEvent):
    """So much is to be paid; the claim has the money."""

    TOPIC: ClassVar[str] = "parking.stray_payment_asked"
    claim_id: str
    amount_fen: int

    def apply(self, aggregate: Any) -> None:
        aggregate.claim_id, aggregate.amount_fen = self.claim_id, self.amount_fen
        aggregate.decision_sha256 = event_sha256(self.TOPIC, vars(self))


class StrayPaid(StreamEvent):
    """The money came, by the gateway's word at `paid_at`."""

    TOPIC: ClassVar[str] = "parking.stray_paid"
    amount_fen: int
    paid_at: datetime

    def apply(self, aggregate: Any) -> None:
        aggregate.status, aggregate.paid_at = StrayStatus.PAID.value, self.paid_at


class StrayOffered(StreamEvent):
    """Stays that it may be for, by their sessions; one is proposed where it is the only one."""

    TOPIC: ClassVar[str] = "parking.stray_offered"
    candidates: list[str]
    proposed: str | None

    def apply(self, aggregate: Any) -> None:
        aggregate.candidates, aggregate.proposed = list(self.candidates), self.proposed


class StrayMatched(StreamEvent):
    """It was for this stay: its plate is the same (`decided_by` null), or an officer says so."""

    TOPIC: ClassVar[str] = "parking.stray_matched"
    session_id: str
    decided_by: str | None
    reason: str

    def apply(self, aggregate: Any) -> None:
        aggregate.status, aggregate.session_id = StrayStatus.MATCHED.value, self.session_id


class StrayRefusalProposed(StreamEvent):
    """So much would go back that a second officer has to say the same."""

    TOPIC: ClassVar[str] = "parking.stray_refusal_proposed"
    proposed_by: str
    reason: str
    amount_fen: int
    limit_fen: int

    def apply(self, aggregate: Any) -> None:
        aggregate.refusal_proposed_by = self.proposed_by


class StrayRefused(StreamEvent):
    """It was for none of these stays: the money goes back."""

    TOPIC: ClassVar[str] = "parking.stray_refused"
    decided_by: str
    reason: str

    def apply(self, aggregate: Any) -> None:
        aggregate.status = StrayStatus.REFUSED.value
        aggregate.refused_sha256 = event_sha256(self.TOPIC, vars(self))


class StrayEnded(StreamEvent):
    """Nobody paid it in time."""

    TOPIC: ClassVar[str] = "parking.stray_ended"

    def apply(self, aggregate: Any) -> None:
        aggregate.status = StrayStatus.ENDED.value


class StrayDecided(Refused):
    """It was decided before, or was never paid."""

    code = "stray-decided"


class StrayPayment(StreamAggregate):
    """A payment for a vehicle of which no stay is known."""

    TOPIC: ClassVar[str] = "parking_stray"
    category: ClassVar[str] = "parking_stray"
    EVENTS: ClassVar[tuple[type[StreamEvent], ...]] = (
        StrayOpened,
        StrayPaymentAsked,
        StrayPaid,
        StrayOffered,
        StrayMatched,
        StrayRefusalProposed,
        StrayRefused,
        StrayEnded,
    )

    def __init__(self, place_id: str, plate: dict[str, Any]) -> None:
        self.place_id, self.plate = place_id, plate
        self.status = StrayStatus.ASKED.value
        self.claim_id = ""
        self.amount_fen = 0
        self.decision_sha256 = ""
        self.refused_sha256: str | None = None
        self.paid_at: datetime | None = None
        self.candidates: list[str] = []
        self.proposed: str | None = None
        self.session_id: str | None = None
        self.refusal_proposed_by: str | None = None

    @classmethod
    def id_of(cls, request_id: UUID) -> str:
        """The stream of an asking: asked twice, it is one."""
        return f"{cls.category}-{request_id.hex}"

    @classmethod
    def ask(
        cls,
        now: datetime,
        *,
        request_id: UUID,
        place_id: str,
        plate: dict[str, Any],
        amount_fen: int,
    ) -> "StrayPayment":
        """Somebody wants to pay so much."""
        stray = cls._create(
            StrayOpened, id=cls.id_of(request_id), timestamp=now, place_id=place_id, plate=plate
        )
        stray.trigger_event(
            StrayPaymentAsked,
            timestamp=now,
            claim_id=claim_id(stray.id, NUMBER),
            amount_fen=amount_fen,
        )
        return stray

    def note_paid(self, now: datetime, *, amount_fen: int, paid_at: datetime) -> None:
        """The money came; once."""
        if self.status == StrayStatus.ASKED:
            self.trigger_event(StrayPaid, timestamp=now, amount_fen=amount_fen, paid_at=paid_at)

    def end(self, now: datetime) -> None:
        """Nobody pays it any more."""
        if self.status == StrayStatus.ASKED:
            self.trigger_event(StrayEnded, timestamp=now)

    def offer(self, now: datetime, candidates: Sequence[str]) -> None:
        """Which stays it may be for; what is known is not said again.

        Only one is proposed: with two somebody has to look which it is.
        """
        found = sorted({*self.candidates, *candidates})
        if self.status == StrayStatus.PAID and found != self.candidates:
            proposed = found[0] if len(found) == 1 else None
            self.trigger_event(StrayOffered, timestamp=now, candidates=found, proposed=proposed)

    def match_same(self, now: datetime, session_id: str) -> None:
        """The plate of the stay is the same: nobody has to look."""
        if self.status == StrayStatus.PAID:
            self._match(now, session_id, None, SAME_PLATE)

    def accept(
        self,
        actor: Actor,
        now: datetime,
        *,
        session_id: str,
        owners: Sequence[str],
        reason: str,
        departments: Collection[str],
    ) -> None:
        """An officer says which stay it was for, never one of their own (`owners`).

        Raises `RoleNotAllowed`, `NotApartInParking`, `StrayDecided`, `NotACandidate`.
        """
        self._check(actor, owners, departments)
        if session_id not in self.candidates:
            raise NotACandidate("this payment may be for other stays, and not for that one")
        self._match(now, session_id, actor.subject, reason)

    def _match(self, now: datetime, session_id: str, by: str | None, reason: str) -> None:
        self.trigger_event(
            StrayMatched, timestamp=now, session_id=session_id, decided_by=by, reason=reason
        )

    def refuse(
        self,
        actor: Actor,
        now: datetime,
        *,
        owners: Sequence[str],
        reason: str,
        departments: Collection[str],
        limit_fen: int,
    ) -> None:
        """An officer says that it was for none of them: it goes back.

        More than `limit_fen` takes two of them. Raises as `accept` does.
        """
        self._check(actor, owners, departments)
        first = self.refusal_proposed_by
        if self.amount_fen > limit_fen and first is None:
            self.trigger_event(
                StrayRefusalProposed,
                timestamp=now,
                proposed_by=actor.subject,
                reason=reason,
                amount_fen=self.amount_fen,
                limit_fen=limit_fen,
            )
            return
        if self.amount_fen > limit_fen and first is not None:
            check_apart(actor, {Part.PROPOSED: [first]}, NotApartInParking)
        self.trigger_event(StrayRefused, timestamp=now, decided_by=actor.subject, reason=reason)

    def _check(self, actor: Actor, owners: Sequence[str], departments: Collection[str]) -> None:
        check_officer_of_parking(actor, departments)
        check_apart(actor, {Part.OWN_CASE: owners}, NotApartInParking)
        if self.status != StrayStatus.PAID:
            raise StrayDecided("it was decided before, or was never paid")
