"""Payments of a claim: asked for, captured, failed, cancelled, charged back; and what goes back.

The gateway's messages come in any order and more than once. A capture is final until a refund or a
chargeback; a failure that is told late is kept and changes nothing; what names another amount,
currency or reference settles nothing. In whatever order messages come, a claim ends the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from citybrain.domain.authorisation import Authorised
from citybrain.domain.money import Fen
from citybrain.domain.parking import claim_events as events
from citybrain.domain.parking.claim import Claim
from citybrain.domain.parking.claim_events import (
    AllocatedPart,
    Channel,
    Payment,
    PaymentState,
    Refund,
    RefundState,
)
from citybrain.errors import NotFound, Refused

CURRENCY = "CNY"


class NothingOwed(Refused):
    """Nothing is open of this claim."""

    code = "nothing-owed"


class MoreThanOwed(Refused):
    """More would be paid than is open; `open_fen` is."""

    code = "more-than-owed"


class NobodyToDebit(Refused):
    """No citizen is known to whom the claim is: it is paid at a kiosk or in the app."""

    code = "nobody-to-debit"


class CollectionStandsStill(Refused):
    """Nothing is debited by itself: a dispute, a chargeback or a message that does not fit."""

    code = "collection-stands-still"


class PaymentNotFound(NotFound):
    """The claim has no such payment."""

    code = "parking-payment-not-found"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The gateway's signed words: their digest, and they themselves, sealed for the payer."""

    sha256: str
    sealed: str | None = None

    def of(self, payment_id: str) -> dict[str, str | None]:
        """As events carry it."""
        return {"payment_id": payment_id, "sha256": self.sha256, "sealed": self.sealed}


# --- what is asked for --------------------------------------------------------------------


def request(
    claim: Claim,
    now: datetime,
    *,
    request_id: str,
    channel: Channel,
    amount_fen: int | None = None,
    parts: Sequence[AllocatedPart] = (),
    until: datetime | None = None,
) -> Payment:
    """Ask for a payment, of all that is open where no amount is named; once for a request id.

    `until` is how long an order can be paid. Raises `NothingOwed`, `MoreThanOwed`, `NobodyToDebit`,
    `CollectionStandsStill`, `AmountInvalid`.
    """
    for payment in claim.payments.values():
        if payment["request_id"] == request_id:
            return payment
    if claim.open_fen == 0:
        raise NothingOwed("nothing is open of this claim")
    amount = Fen(claim.open_fen if amount_fen is None else amount_fen)
    if amount > claim.open_fen:
        raise MoreThanOwed(f"{claim.open_fen} fen are open", open_fen=claim.open_fen)
    if channel is Channel.DEBIT:
        _check_may_be_debited(claim)
    payment_id = claim.next_id()
    claim.note(
        events.PaymentRequested,
        now,
        payment_id=payment_id,
        request_id=request_id,
        channel=channel.value,
        amount_fen=int(amount),
        parts=list(parts),
        decision_sha256=claim.decision_sha256,
        until=None if channel is Channel.DEBIT else until,
    )
    return claim.payments[payment_id]


def _check_may_be_debited(claim: Claim) -> None:
    if claim.citizen_id is None:
        raise NobodyToDebit("nobody is known whom this could be debited from")
    if not claim.may_be_collected or claim.charged_back:
        raise CollectionStandsStill("nothing is debited while this is looked into")
    if claim.debits_under_way():
        raise CollectionStandsStill("a debit is under way")


def lapses_at(claim: Claim) -> datetime | None:
    """When the next order lapses that nobody has paid, as far as we know."""
    ends = [each["until"] for each in claim.under_way() if not each["lapsed"]]
    return min((end for end in ends if end is not None), default=None)


def lapse(claim: Claim, now: datetime) -> None:
    """Let orders lapse whose time is over; lapsed before, they stay so."""
    for payment in list(claim.under_way()):
        if payment["until"] is not None and payment["until"] <= now and not payment["lapsed"]:
            claim.note(events.OrderLapsed, now, payment_id=payment["payment_id"])


def authorised(claim: Claim, payment: Payment) -> Authorised:
    """What the gateway may be told of a payment: what was asked for, by the decision in force."""
    return Authorised(claim.id, Fen(payment["amount_fen"]), claim.decision_sha256)


def refund_authorised(claim: Claim, refund: Refund) -> Authorised:
    """What the gateway may be told of a refund: by the event that made it too much."""
    return Authorised(claim.id, Fen(refund["amount_fen"]), refund["decision_sha256"])


# --- what the gateway says ----------------------------------------------------------------


def capture(
    claim: Claim,
    now: datetime,
    *,
    payment_id: str,
    settled_at: datetime,
    booked_at: datetime | None = None,
    evidence: Evidence,
) -> None:
    """The money came, also where a failure was told before; told twice, it came once."""
    payment = payment_in(claim, payment_id)
    if payment["state"] == PaymentState.CAPTURED:
        return
    claim.note(
        events.PaymentCaptured,
        now,
        amount_fen=payment["amount_fen"],
        settled_at=settled_at,
        booked_at=booked_at,
        **evidence.of(payment_id),
    )
    conclude(claim, now)


def fail(
    claim: Claim,
    now: datetime,
    *,
    payment_id: str,
    reason: str,
    booked_at: datetime | None,
    evidence: Evidence,
) -> None:
    """The money did not come. After a capture that is an old message: kept once, without effect."""
    payment = payment_in(claim, payment_id)
    if payment["state"] == PaymentState.REQUESTED:
        fields = {"reason": reason, "booked_at": booked_at}
        claim.note(events.PaymentFailed, now, **fields, **evidence.of(payment_id))
    elif payment["state"] == PaymentState.CAPTURED and not payment["failure_noted"]:
        claim.note(events.FailureNoted, now, reason=reason, **evidence.of(payment_id))


def cancelled(
    claim: Claim,
    now: datetime,
    *,
    payment_id: str,
    reason: str,
    booked_at: datetime | None,
    evidence: Evidence,
) -> None:
    """The gateway will not get the money any more."""
    if payment_in(claim, payment_id)["state"] == PaymentState.REQUESTED:
        fields = {"reason": reason, "booked_at": booked_at}
        claim.note(events.PaymentCancelled, now, **fields, **evidence.of(payment_id))


@dataclass(frozen=True, slots=True, kw_only=True)
class Misfit:
    """What a message said that does not fit: the values as JSON."""

    message_id: str
    status: str
    said_amount: str
    said_currency: str
    reference_fits: bool


def mismatch(
    claim: Claim, now: datetime, *, payment_id: str, said: Misfit, evidence: Evidence
) -> bool:
    """Keep a message that does not fit, once; whether it is new. Nothing else follows from it."""
    payment = payment_in(claim, payment_id)
    if said.message_id in payment["mismatches"]:
        return False
    claim.note(
        events.PaymentMismatched,
        now,
        message_id=said.message_id,
        status=said.status,
        amount_fen=payment["amount_fen"],
        said_amount=said.said_amount,
        said_currency=said.said_currency,
        reference_fits=said.reference_fits,
        **evidence.of(payment_id),
    )
    return True


def charge_back(
    claim: Claim,
    now: datetime,
    *,
    payment_id: str,
    chargeback_id: str,
    amount_fen: Fen,
    settled_at: datetime,
    booked_at: datetime | None = None,
    evidence: Evidence,
) -> None:
    """The payer's bank took a payment back; a payment is charged back once, however often told.

    What was refunded already is a loss, and nothing goes out a third time. What was not is owed
    again, and ages from the chargeback.
    """
    payment = payment_in(claim, payment_id)
    if payment["charged_back_fen"]:
        return
    fen = int(amount_fen)
    claim.note(
        events.ChargedBack,
        now,
        chargeback_of=payment_id,
        amount_fen=fen,
        settled_at=settled_at,
        booked_at=booked_at,
        loss_fen=claim.loss_of_fen(payment, fen) - claim.loss_of_fen(payment),
        **evidence.of(chargeback_id),
    )
    conclude(claim, now)


# --- refunds ------------------------------------------------------------------------------


def refunded(
    claim: Claim,
    now: datetime,
    *,
    refund_id: str,
    settled_at: datetime,
    booked_at: datetime | None = None,
    evidence: Evidence,
) -> None:
    """The money went back; told twice, it went once.

    Where it went after all though it was taken for failed, what is still too much goes back; where
    what was sent in its place went as well, less is kept than before, and may be owed again.
    """
    refund = refund_in(claim, refund_id)
    if refund["state"] != RefundState.REFUNDED:
        payment, fen = payment_in(claim, refund["refund_of"]), refund["amount_fen"]
        claim.note(
            events.Refunded,
            now,
            refund_of=refund["refund_of"],
            amount_fen=fen,
            settled_at=settled_at,
            booked_at=booked_at,
            loss_fen=claim.loss_of_fen(payment, fen) - claim.loss_of_fen(payment),
            **evidence.of(refund_id),
        )
        conclude(claim, now)


def fail_refund(
    claim: Claim,
    now: datetime,
    *,
    refund_id: str,
    reason: str,
    booked_at: datetime | None,
    evidence: Evidence,
) -> None:
    """It could not be given back: it stays the payer's, and the desk sees to it."""
    refund = refund_in(claim, refund_id)
    if refund["state"] == RefundState.REQUESTED:
        claim.note(
            events.RefundFailed,
            now,
            refund_of=refund["refund_of"],
            reason=reason,
            booked_at=booked_at,
            **evidence.of(refund_id),
        )


def request_refund_again(claim: Claim, now: datetime, *, refund_id: str) -> None:
    """Try a refund that failed once more, under another id; raises `NothingOwed`."""
    refund = refund_in(claim, refund_id)
    if refund["state"] != RefundState.FAILED:
        raise NothingOwed("this refund has not failed, or was tried again")
    _request_refund(
        claim,
        now,
        refund["refund_of"],
        refund["amount_fen"],
        refund["decision_sha256"],
        replaces=refund_id,
    )


def conclude(claim: Claim, now: datetime) -> None:
    """After money moved or the amount changed: what is too much goes back; settled, or open again.

    Each payment covers what those before it left, by the time of its capture; so which payment
    goes back does not depend on which message came first.
    """
    covered = sorted(
        (each for each in claim.payments.values() if claim.kept_fen(each)),
        key=lambda each: (each["settled_at"], each["payment_id"]),
        reverse=True,
    )
    for payment in covered:
        surplus = min(claim.paid_fen - claim.amount_fen, claim.kept_fen(payment))
        if surplus > 0:
            assert claim.allows_refund_sha256 is not None
            _request_refund(claim, now, payment["payment_id"], surplus, claim.allows_refund_sha256)
    if claim.amount_fen and claim.open_fen == 0 and not claim.settled:
        claim.note(events.ClaimSettled, now, amount_fen=claim.amount_fen)
    elif claim.open_fen and claim.settled:
        fields = {"open_fen": claim.open_fen, "due_at": claim.due_at}
        claim.note(events.ClaimReopened, now, **fields)


def _request_refund(
    claim: Claim,
    now: datetime,
    payment_id: str,
    amount_fen: int,
    decision_sha256: str,
    replaces: str | None = None,
) -> None:
    claim.note(
        events.RefundRequested,
        now,
        payment_id=claim.next_id(),
        refund_of=payment_id,
        amount_fen=int(Fen(amount_fen)),
        decision_sha256=decision_sha256,
        replaces=replaces,
    )


# --- what comes next ----------------------------------------------------------------------


class Step(StrEnum):
    """What the gateway is to be told next."""

    CANCEL = "cancel"
    CHARGE = "charge"
    REFUND = "refund"


@dataclass(frozen=True, slots=True)
class Next:
    """A step, of which payment or refund, and why where it is a cancellation."""

    step: Step
    payment_id: str
    reason: str = ""


def next_step(claim: Claim) -> Next | None:
    """What is to be told the gateway; None where nothing is.

    What is not wanted any more is cancelled before anything is charged, so that two channels seldom
    both get the money.
    """
    for payment in claim.under_way():
        if reason := _unwanted(claim, payment):
            return Next(Step.CANCEL, payment["payment_id"], reason)
    for payment in claim.debits_under_way():
        return Next(Step.CHARGE, payment["payment_id"])
    for refund in claim.refunds.values():
        if refund["state"] == RefundState.REQUESTED:
            return Next(Step.REFUND, refund["payment_id"])
    return None


def _unwanted(claim: Claim, payment: Payment) -> str:
    """Why the money of a payment under way is not wanted any more; blank where it is.

    Nobody is kept from paying at a kiosk what they dispute.
    """
    if claim.amount_fen == 0:
        return "nothing-owed"
    if claim.open_fen == 0:
        return "paid-otherwise"
    if payment["amount_fen"] > claim.open_fen:
        return "less-owed"
    if payment["lapsed"]:
        return "order-lapsed"
    if payment["channel"] == Channel.DEBIT and claim.suspended_for is not None:
        return "collection-stands-still"
    return ""


def payment_in(claim: Claim, payment_id: str) -> Payment:
    """The payment of this id; raises `PaymentNotFound`."""
    if payment_id not in claim.payments:
        raise PaymentNotFound("the claim has no such payment")
    return claim.payments[payment_id]


def refund_in(claim: Claim, refund_id: str) -> Refund:
    """The refund of this id; raises `PaymentNotFound`."""
    if refund_id not in claim.refunds:
        raise PaymentNotFound("the claim has no such refund")
    return claim.refunds[refund_id]
