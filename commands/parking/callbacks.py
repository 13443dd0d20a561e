"""What the gateway tells of itself: on whichever payment, in any order, and more than once."""

from datetime import datetime
from typing import Any

import structlog
from prometheus_client import Counter

from citybrain.domain.money import BANK_REFUSED, Fen
from citybrain.domain.parking import payment
from citybrain.domain.parking.claim import Claim, claim_of
from citybrain.domain.parking.payment import Evidence, Misfit, PaymentNotFound
from citybrain.errors import InvalidInput
from citybrain.eventstore import StreamNotFound
from citybrain.payments import Callback
from citybrain.payments.callbacks import Told, said
from commands.handling import CommandContext
from commands.parking.claim import change_claim
from commands.parking.payment import evidence_of
from commands.services import Services

log = structlog.get_logger(__name__)

MISMATCHED = Counter(
    "citybrain_parking_payments_mismatched_total",
    "Messages of the gateway that name another amount, currency or reference than ours",
)
UNKNOWN = Counter(
    "citybrain_parking_payments_unknown_total",
    "Messages of the gateway on payments that are not ours",
)


async def take_callback(signed: str, context: CommandContext, services: Services) -> None:
    """Take one message; taken twice, it is taken once.

    Raises `SignatureWrong`, `CallbackInvalid`, `PaymentUnknown`, `PaymentNotFound`.
    """
    told: Callback = services.payments.callback(signed)
    claim_id = claim_of(told.payment_id)
    try:
        claim = await services.store.load(Claim, claim_id)
        evidence = await evidence_of(claim, told, services)
        taking = _Taking(told, evidence)
        await change_claim(claim_id, context, services, taking.take)
    except (StreamNotFound, PaymentNotFound):
        UNKNOWN.inc()
        log.error("parking_payment_unknown", payment_id=str(told.payment_id), said=told.status)
        raise PaymentNotFound("there is no such payment") from None
    if taking.mismatched:
        MISMATCHED.inc()
        log.error("parking_payment_mismatched", claim_id=claim_id, payment_id=str(told.payment_id))


class _Taking:
    """A message and the claim that it is about."""

    def __init__(self, told: Callback, evidence: Evidence) -> None:
        self._told, self._evidence = told, evidence
        self._payment_id = str(told.payment_id)
        self.mismatched = False

    def take(self, claim: Claim, now: datetime) -> None:
        """Decide what follows from it."""
        self.mismatched = False
        if self._payment_id in claim.refunds:
            self._take_of_refund(claim, now)
        else:
            self._take_of_payment(claim, now)

    def _fields(self, name: str) -> dict[str, Any]:
        return {
            name: self._payment_id,
            "booked_at": self._told.occurred_at,
            "evidence": self._evidence,
        }

    def _take_of_payment(self, claim: Claim, now: datetime) -> None:
        told, asked = self._told, payment.payment_in(claim, self._payment_id)
        fields = self._fields("payment_id")
        if told.status is Told.CHARGED_BACK:
            self._take_chargeback(claim, now, asked["amount_fen"])
        elif not told.fits(claim.id, asked["amount_fen"]) or told.status is Told.REFUNDED:
            self._mismatch(claim, now)
        elif told.status is Told.CAPTURED:
            payment.capture(claim, now, settled_at=told.occurred_at, **fields)
        else:
            reason = told.code or BANK_REFUSED
            payment.fail(claim, now, reason=reason, **fields)

    def _take_chargeback(self, claim: Claim, now: datetime, most_fen: int) -> None:
        told = self._told
        try:
            amount_fen = Fen(told.amount_fen, most_fen)
        except InvalidInput:
            self._mismatch(claim, now)
            return
        if not told.fits_reference(claim.id):
            self._mismatch(claim, now)
            return
        payment.charge_back(
            claim,
            now,
            payment_id=self._payment_id,
            chargeback_id=str(told.chargeback_id),
            amount_fen=amount_fen,
            settled_at=told.occurred_at,
            booked_at=told.occurred_at,
            evidence=self._evidence,
        )

    def _take_of_refund(self, claim: Claim, now: datetime) -> None:
        told, asked = self._told, payment.refund_in(claim, self._payment_id)
        fields = self._fields("refund_id")
        if not told.fits(claim.id, asked["amount_fen"]):
            self._mismatch(claim, now)
        elif told.status is Told.REFUNDED:
            payment.refunded(claim, now, settled_at=told.occurred_at, **fields)
        elif told.status is Told.FAILED:
            reason = told.code or BANK_REFUSED
            payment.fail_refund(claim, now, reason=reason, **fields)
        else:
            self._mismatch(claim, now)

    def _mismatch(self, claim: Claim, now: datetime) -> None:
        told = self._told
        misfit = Misfit(
            message_id=told.message_id,
            status=told.status.value,
            said_amount=said(told.amount),
            said_currency=said(told.currency),
            reference_fits=told.fits_reference(claim.id),
        )
        self.mismatched = payment.mismatch(
            claim, now, payment_id=self._payment_id, said=misfit, evidence=self._evidence
        )
