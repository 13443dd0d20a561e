"""The events of a claim: what is owed for one decision, every payment of it and every refund.

The topics below are the storage format: never rename one. They name streams, payments, codes,
amounts and times; reasons are codes, and the gateway's own words are sealed.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, TypedDict

from citybrain.domain.digests import event_sha256
from citybrain.domain.payment_steps import PaymentStep, Stage
from citybrain.domain.stream import StreamCreated, StreamEvent


class Channel(StrEnum):
    """How somebody pays: we debit them, or they pay an order of ours themselves."""

    DEBIT = "debit"
    KIOSK = "kiosk"
    APP = "app"


class PaymentState(StrEnum):
    """What became of a payment. Captured is final: only money that goes back ends it."""

    REQUESTED = "requested"
    CAPTURED = "captured"
    FAILED = "failed"
    CANCELLED = "cancelled"


class RefundState(StrEnum):
    """What became of a refund; one that failed may be replaced by another."""

    REQUESTED = "requested"
    REFUNDED = "refunded"
    FAILED = "failed"
    REPLACED = "replaced"


OVERPAYMENT = "overpayment"
"""Why a refund that follows from a payment was made; else a `Reduction` made it."""


class Reduction(StrEnum):
    """Why less is owed than was claimed."""

    CORRECTION = "correction"
    REFUND = "refund"
    WRITE_OFF = "write-off"


class Payment(TypedDict):
    """What the state keeps of a payment. `mismatches` are messages that said something else.

    `until` is how long an order can be paid; a debit has none.
    """

    payment_id: str
    request_id: str
    channel: str
    amount_fen: int
    state: str
    settled_at: datetime | None
    charged_back_fen: int
    mismatches: list[str]
    failure_noted: bool
    until: datetime | None
    lapsed: bool


class Refund(TypedDict):
    """What the state keeps of a refund. `why` is what made it too much."""

    payment_id: str
    refund_of: str
    amount_fen: int
    state: str
    decision_sha256: str
    why: str
    settled_at: datetime | None


class Proposal(TypedDict):
    """A reduction that waits for a second person."""

    proposal_id: str
    kind: str
    by_fen: int
    reason: str
    proposed_by: str


class AllocatedPart(TypedDict):
    """What of one payment of somebody goes to one claim."""

    claim_id: str
    amount_fen: int


class ClaimRaised(StreamCreated):
    """Money is owed for `subject` (a session, a reservation), by the decision with this digest.

    `citizen_id` is who owes it; None where only a plate is known. `plate_id` is the vehicle that it
    is for; None where it is for none.
    """

    TOPIC: ClassVar[str] = "parking.claim_raised"
    subject: str
    citizen_id: str | None
    amount_fen: int
    due_at: datetime
    to_account: str
    decision_sha256: str
    plate_id: str | None


class ClaimReduced(StreamEvent):
    """Less is owed: `amount_fen` instead of `by_fen` more.

    `decided_by` are the people who decided it, none where a rule did; `definition` is the version
    whose limits told how many it takes.
    """

    TOPIC: ClassVar[str] = "parking.claim_reduced"
    kind: str
    amount_fen: int
    by_fen: int
    reason: str
    decision_sha256: str | None
    decided_by: list[str]
    definition: str | None
    proposal_id: str | None

    def apply(self, aggregate: Any) -> None:
        aggregate.amount_fen = self.amount_fen
        aggregate.decision_sha256 = self.decision_sha256 or aggregate.decision_sha256
        aggregate.allows_refund_sha256 = event_sha256(self.TOPIC, vars(self))
        aggregate.refunds_for = self.kind
        aggregate.proposals.pop(self.proposal_id, None)
        if len(self.decided_by) == 1:
            aggregate.reduced_alone_fen += self.by_fen


class ReductionProposed(StreamEvent):
    """A refund or a write-off takes a second person; `why_two` says why."""

    TOPIC: ClassVar[str] = "parking.reduction_proposed"
    proposal_id: str
    kind: str
    by_fen: int
    reason: str
    proposed_by: str
    why_two: list[str]
    definition: str

    def apply(self, aggregate: Any) -> None:
        names = ("proposal_id", "kind", "by_fen", "reason", "proposed_by")
        aggregate.proposals[self.proposal_id] = {name: getattr(self, name) for name in names}


class ReductionDenied(StreamEvent):
    """The second person did not agree."""

    TOPIC: ClassVar[str] = "parking.reduction_denied"
    proposal_id: str
    denied_by: str
    reason: str

    def apply(self, aggregate: Any) -> None:
        del aggregate.proposals[self.proposal_id]


class ClaimSuspended(StreamEvent):
    """Collection stands still, while a dispute is examined for instance."""

    TOPIC: ClassVar[str] = "parking.claim_suspended"
    reason: str

    def apply(self, aggregate: Any) -> None:
        aggregate.suspended_for = self.reason


class ClaimResumed(StreamEvent):
    """Collection goes on."""

    TOPIC: ClassVar[str] = "parking.claim_resumed"

    def apply(self, aggregate: Any) -> None:
        aggregate.suspended_for = None


class ClaimSettled(StreamEvent):
    """All that is owed was paid."""

    TOPIC: ClassVar[str] = "parking.claim_settled"
    amount_fen: int

    def apply(self, aggregate: Any) -> None:
        aggregate.settled = True


class ClaimReopened(StreamEvent):
    """What had been paid went back by a chargeback: it is owed again, and ages from `due_at`."""

    TOPIC: ClassVar[str] = "parking.claim_reopened"
    open_fen: int
    due_at: datetime

    def apply(self, aggregate: Any) -> None:
        aggregate.settled = False


class PaymentRequested(StreamEvent):
    """A payment is asked for: of all that is open, or of a part.

    `parts` are what else somebody pays with it at once; `decision_sha256` is what allows it. Until
    `until` an order can be paid; a debit has none.
    """

    TOPIC: ClassVar[str] = "parking.payment_requested"
    payment_id: str
    request_id: str
    channel: str
    amount_fen: int
    parts: list[AllocatedPart]
    decision_sha256: str
    until: datetime | None

    def apply(self, aggregate: Any) -> None:
        aggregate.moves += 1
        aggregate.payments[self.payment_id] = {
            "payment_id": self.payment_id,
            "request_id": self.request_id,
            "channel": self.channel,
            "amount_fen": self.amount_fen,
            "state": PaymentState.REQUESTED.value,
            "settled_at": None,
            "charged_back_fen": 0,
            "mismatches": [],
            "failure_noted": False,
            "until": self.until,
            "lapsed": False,
        }


class OrderLapsed(StreamEvent):
    """An order was not paid in time, as far as we know; the gateway is asked, and takes it no more.

    It may have been paid, and the gateway could not tell us.
    """

    TOPIC: ClassVar[str] = "parking.order_lapsed"
    payment_id: str

    def apply(self, aggregate: Any) -> None:
        aggregate.payments[self.payment_id]["lapsed"] = True


class Said(StreamEvent):
    """What the gateway said of a payment, with the digest of its signed words, and those sealed.

    They are sealed with the payer's key; `sealed` is None where there is none.
    """

    payment_id: str
    sha256: str
    sealed: str | None


class PaymentCaptured(Said):
    """The money came. Final: only a refund or a chargeback takes it away."""

    TOPIC: ClassVar[str] = "parking.payment_captured"
    amount_fen: int
    settled_at: datetime
    booked_at: datetime | None

    def apply(self, aggregate: Any) -> None:
        payment = aggregate.payments[self.payment_id]
        payment["state"] = PaymentState.CAPTURED.value
        payment["settled_at"] = self.settled_at
        aggregate.allows_refund_sha256 = event_sha256(self.TOPIC, vars(self))
        aggregate.refunds_for = OVERPAYMENT


class PaymentFailed(Said):
    """The gateway did not get the money."""

    TOPIC: ClassVar[str] = "parking.payment_failed"
    reason: str
    booked_at: datetime | None

    def apply(self, aggregate: Any) -> None:
        aggregate.payments[self.payment_id]["state"] = PaymentState.FAILED.value


class PaymentCancelled(Said):
    """The gateway will not get the money any more: it was not wanted in time."""

    TOPIC: ClassVar[str] = "parking.payment_cancelled"
    reason: str
    booked_at: datetime | None

    def apply(self, aggregate: Any) -> None:
        aggregate.payments[self.payment_id]["state"] = PaymentState.CANCELLED.value


class FailureNoted(Said):
    """A message that a payment failed came after its money had: it changes nothing."""

    TOPIC: ClassVar[str] = "parking.failure_noted"
    reason: str

    def apply(self, aggregate: Any) -> None:
        aggregate.payments[self.payment_id]["failure_noted"] = True


class PaymentMismatched(Said):
    """A message on a payment named another amount, currency or reference: nothing follows from it.

    `amount_fen` is ours; `said_amount` and `said_currency` are what it said, as JSON.
    """

    TOPIC: ClassVar[str] = "parking.payment_mismatched"
    message_id: str
    status: str
    amount_fen: int
    said_amount: str
    said_currency: str
    reference_fits: bool

    def apply(self, aggregate: Any) -> None:
        aggregate.payments[self.payment_id]["mismatches"].append(self.message_id)


class MismatchDismissed(StreamEvent):
    """Somebody found out what the messages were about: they hold nothing up any more."""

    TOPIC: ClassVar[str] = "parking.mismatch_dismissed"
    payment_id: str
    dismissed_by: str
    reason: str

    def apply(self, aggregate: Any) -> None:
        aggregate.dismissed += aggregate.payments[self.payment_id]["mismatches"]


GOING = (RefundState.REQUESTED, RefundState.FAILED)
"""What is still to go back."""


class RefundRequested(StreamEvent):
    """More was paid than is owed, of this payment: it goes back where it came from.

    `replaces` is a refund that failed.
    """

    TOPIC: ClassVar[str] = "parking.refund_requested"
    payment_id: str
    refund_of: str
    amount_fen: int
    decision_sha256: str
    replaces: str | None

    def apply(self, aggregate: Any) -> None:
        aggregate.moves += 1
        why = aggregate.refunds_for
        if self.replaces is not None:
            why = aggregate.refunds[self.replaces]["why"]
            aggregate.refunds[self.replaces]["state"] = RefundState.REPLACED.value
        aggregate.refunds[self.payment_id] = {
            "payment_id": self.payment_id,
            "refund_of": self.refund_of,
            "amount_fen": self.amount_fen,
            "state": RefundState.REQUESTED.value,
            "decision_sha256": self.decision_sha256,
            "why": why,
            "settled_at": None,
        }


class Refunded(Said):
    """The money went back. `loss_fen` is what we have paid beyond what we got, with it.

    Where one went after all that was taken for failed, what else was to go back of the payment is
    asked for anew.
    """

    TOPIC: ClassVar[str] = "parking.refunded"
    refund_of: str
    amount_fen: int
    settled_at: datetime
    booked_at: datetime | None
    loss_fen: int

    def apply(self, aggregate: Any) -> None:
        refund = aggregate.refunds[self.payment_id]
        if refund["state"] == RefundState.REPLACED:
            for other in aggregate.refunds.values():
                if other["refund_of"] == self.refund_of and other["state"] in GOING:
                    other["state"] = RefundState.REPLACED.value
        refund["state"], refund["settled_at"] = RefundState.REFUNDED.value, self.settled_at


class RefundFailed(Said):
    """The gateway could not give it back: the desk finds another way, or tries again."""

    TOPIC: ClassVar[str] = "parking.refund_failed"
    refund_of: str
    reason: str
    booked_at: datetime | None

    def apply(self, aggregate: Any) -> None:
        aggregate.refunds[self.payment_id]["state"] = RefundState.FAILED.value


class ChargedBack(Said):
    """The payer's bank took a payment back. `payment_id` is the chargeback's own.

    `loss_fen` is what we have paid beyond what we got, with it.
    """

    TOPIC: ClassVar[str] = "parking.charged_back"
    chargeback_of: str
    amount_fen: int
    settled_at: datetime
    booked_at: datetime | None
    loss_fen: int

    def apply(self, aggregate: Any) -> None:
        aggregate.payments[self.chargeback_of]["charged_back_fen"] = self.amount_fen
        aggregate.due_at = max(aggregate.due_at, self.settled_at)


EVENTS: tuple[type[StreamEvent], ...] = (
    ClaimRaised,
    ClaimReduced,
    ReductionProposed,
    ReductionDenied,
    ClaimSuspended,
    ClaimResumed,
    ClaimSettled,
    ClaimReopened,
    PaymentRequested,
    OrderLapsed,
    PaymentCaptured,
    PaymentFailed,
    PaymentCancelled,
    FailureNoted,
    PaymentMismatched,
    MismatchDismissed,
    RefundRequested,
    Refunded,
    RefundFailed,
    ChargedBack,
)

PAYMENT_STEPS = {
    PaymentRequested.TOPIC: PaymentStep(Stage.INSTRUCTED, "charge"),
    PaymentCaptured.TOPIC: PaymentStep(Stage.CONFIRMED, "charge"),
    PaymentFailed.TOPIC: PaymentStep(Stage.FAILED, "charge"),
    PaymentCancelled.TOPIC: PaymentStep(Stage.FAILED, "charge"),
    RefundRequested.TOPIC: PaymentStep(Stage.INSTRUCTED, "refund"),
    Refunded.TOPIC: PaymentStep(Stage.CONFIRMED, "refund"),
    RefundFailed.TOPIC: PaymentStep(Stage.FAILED, "refund"),
    ChargedBack.TOPIC: PaymentStep(Stage.TAKEN, "chargeback"),
}
"""What events say of money on its way (`citybrain.domain.payment_steps`)."""
