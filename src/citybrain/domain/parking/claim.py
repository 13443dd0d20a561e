"""Claims: what is owed for one decision, and where its money is.

Stream `parking_claim-<id>`, one for each decision that something is owed. Its payments and refunds
are numbered: their ids at the gateway are the claim's own with the number in the last four digits,
so a message that names a payment leads here whatever else it says. What a claim holds is never more
than is owed: what comes beyond that goes back by itself (`citybrain.domain.parking.payment`).
"""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import NAMESPACE_URL, UUID, uuid5

from citybrain.domain.money import Fen
from citybrain.domain.parking import claim_events as events
from citybrain.domain.parking.claim_events import (
    EVENTS,
    Channel,
    Payment,
    PaymentState,
    Proposal,
    Refund,
    RefundState,
)
from citybrain.domain.stream import StreamAggregate, StreamEvent
from citybrain.errors import Refused

CATEGORY = "parking_claim"
NUMBERS = 0xFFFF
"""The bits of an id that number the moves of one claim."""


class TooManyMoves(Refused):
    """A claim has no more numbers for payments and refunds."""

    code = "too-many-payments"


class ClaimStatus(StrEnum):
    """Where a claim is: folded here and imported by whatever shows it."""

    OPEN = "open"
    PART_PAID = "part-paid"
    SETTLED = "settled"
    CHARGED_BACK = "charged-back"
    ENDED = "ended"  # nothing is owed any more, and nothing is kept


def claim_id(subject: str, number: int) -> str:
    """The stream of the claim with this number of a subject, which is a stream's id."""
    named = uuid5(NAMESPACE_URL, f"{subject}:claim:{number}")
    return f"{CATEGORY}-{named.int & ~NUMBERS:032x}"


def claim_of(payment_id: UUID) -> str:
    """The stream whose payment or refund this is, if it is one of a claim."""
    return f"{CATEGORY}-{payment_id.int & ~NUMBERS:032x}"


class Claim(StreamAggregate):
    """What is owed for one decision."""

    TOPIC: ClassVar[str] = "parking.claim"
    category: ClassVar[str] = CATEGORY
    personal: ClassVar[bool] = True
    EVENTS: ClassVar[tuple[type[StreamEvent], ...]] = EVENTS
    class_version: ClassVar[int] = 2  # of its snapshots

    def __init__(
        self,
        subject: str,
        citizen_id: str | None,
        amount_fen: int,
        due_at: datetime,
        to_account: str,
        decision_sha256: str,
        plate_id: str | None = None,
    ) -> None:
        self.subject, self.citizen_id, self.plate_id = subject, citizen_id, plate_id
        self.amount_fen, self.due_at = amount_fen, due_at
        self.to_account = to_account
        self.decision_sha256 = decision_sha256
        self.allows_refund_sha256: str | None = None
        self.refunds_for = ""  # why, where something goes back now
        self.moves = 0
        self.payments: dict[str, Payment] = {}
        self.refunds: dict[str, Refund] = {}
        self.proposals: dict[str, Proposal] = {}
        self.dismissed: list[str] = []
        self.suspended_for: str | None = None
        self.settled = False
        self.reduced_alone_fen = 0  # by one person's word

    @classmethod
    def raise_(
        cls,
        now: datetime,
        *,
        subject: str,
        number: int,
        citizen_id: str | None,
        amount_fen: Fen,
        due_at: datetime,
        to_account: str,
        decision_sha256: str,
        plate_id: str | None = None,
    ) -> "Claim":
        """Something is owed; `number` tells the claims of one subject apart."""
        return cls._create(
            events.ClaimRaised,
            id=claim_id(subject, number),
            timestamp=now,
            subject=subject,
            citizen_id=citizen_id,
            amount_fen=int(amount_fen),
            due_at=due_at,
            to_account=to_account,
            decision_sha256=decision_sha256,
            plate_id=plate_id,
        )

    def note(self, event: type[StreamEvent], now: datetime, **fields: Any) -> None:
        """Trigger an event, never before the one it follows."""
        self.trigger_event(event, timestamp=max(now, self.modified_on), **fields)

    def next_id(self) -> str:
        """The id of the next payment or refund; raises `TooManyMoves`."""
        if self.moves == NUMBERS:
            raise TooManyMoves("this claim has too many payments and refunds")
        return str(UUID(int=UUID(self.id.partition("-")[2]).int | (self.moves + 1)))

    # --- where the money is -------------------------------------------------------------

    def going_back_fen(self, payment: Payment) -> int:
        """What of a payment goes back to the payer or went, by our refunds.

        One that failed is the payer's still: it is not kept, and waits for another way.
        """
        return sum(
            refund["amount_fen"]
            for refund in self._refunds_of(payment)
            if refund["state"] != RefundState.REPLACED
        )

    def kept_fen(self, payment: Payment) -> int:
        """What of a payment is here to stay."""
        if payment["state"] != PaymentState.CAPTURED:
            return 0
        gone = self.going_back_fen(payment) + payment["charged_back_fen"]
        return max(0, payment["amount_fen"] - gone)

    @property
    def paid_fen(self) -> int:
        """What is kept of all payments: never more than is owed."""
        return sum(map(self.kept_fen, self.payments.values()))

    @property
    def open_fen(self) -> int:
        """What is owed and not paid."""
        return max(0, self.amount_fen - self.paid_fen)

    @property
    def loss_fen(self) -> int:
        """What went out beyond what came in: a payment was refunded and charged back as well."""
        return sum(map(self.loss_of_fen, self.payments.values()))

    def loss_of_fen(self, payment: Payment, more_fen: int = 0) -> int:
        """The same of one payment, if `more_fen` went out of it besides."""
        refunded = sum(
            refund["amount_fen"]
            for refund in self._refunds_of(payment)
            if refund["state"] == RefundState.REFUNDED
        )
        gone = refunded + payment["charged_back_fen"] + more_fen
        return max(0, gone - payment["amount_fen"])

    @property
    def undelivered_fen(self) -> int:
        """What should have gone back and could not: refunds that failed and have no successor."""
        failed = [each for each in self.refunds.values() if each["state"] == RefundState.FAILED]
        return sum(each["amount_fen"] for each in failed)

    @property
    def status(self) -> ClaimStatus:
        """Where the claim is."""
        if self.amount_fen == 0:
            return ClaimStatus.ENDED
        if self.open_fen == 0:
            return ClaimStatus.SETTLED
        if self.charged_back:
            return ClaimStatus.CHARGED_BACK
        return ClaimStatus.PART_PAID if self.paid_fen else ClaimStatus.OPEN

    @property
    def charged_back(self) -> bool:
        """Whether a payer's bank took something back: nothing is debited by itself any more."""
        return any(payment["charged_back_fen"] for payment in self.payments.values())

    @property
    def held(self) -> bool:
        """Whether a message names another amount and nobody knows why: nobody is dunned."""
        return any(
            set(payment["mismatches"]) - set(self.dismissed)
            for payment in self.payments.values()
            if payment["state"] != PaymentState.CAPTURED
        )

    @property
    def may_be_collected(self) -> bool:
        """Whether the payer may be reminded, or debited by itself."""
        return self.open_fen > 0 and self.suspended_for is None and not self.held

    def under_way(self) -> Iterator[Payment]:
        """Payments of which the gateway has not said what became of them."""
        for payment in self.payments.values():
            if payment["state"] == PaymentState.REQUESTED:
                yield payment

    def debits_under_way(self) -> list[Payment]:
        """Those that we debit."""
        return [each for each in self.under_way() if each["channel"] == Channel.DEBIT]

    def _refunds_of(self, payment: Payment) -> Iterator[Refund]:
        for refund in self.refunds.values():
            if refund["refund_of"] == payment["payment_id"]:
                yield refund
