"""What a payer holds of a claim: a receipt of what paid it, and a note of each sum that goes back.

A receipt never changes: what is given back later has a note of its own. A payment that another one
made too much has a note only; so two channels that both got the money leave one receipt.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from citybrain.domain.parking.claim import Claim
from citybrain.domain.parking.claim_events import OVERPAYMENT, Payment, PaymentState, RefundState


class Paper(StrEnum):
    """What it is."""

    RECEIPT = "receipt"
    REFUND_NOTE = "refund-note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """One paper; its number is the payment's or refund's own.

    `of` is the payment that a refund gives back, `why` what made it too much, `at` when the money
    moved; None where it has not yet.
    """

    kind: Paper
    number: str
    amount_fen: int
    at: datetime | None
    of: str | None = None
    why: str | None = None
    state: str


def receipts(claim: Claim) -> tuple[Receipt, ...]:
    """All papers of a claim, receipts first, each kind in the order in which it was asked for."""
    return (*_receipts(claim), *_notes(claim))


def _receipts(claim: Claim) -> list[Receipt]:
    captured = [each for each in claim.payments.values() if _captured(each)]
    return [
        Receipt(
            kind=Paper.RECEIPT,
            number=payment["payment_id"],
            amount_fen=covers,
            at=payment["settled_at"],
            state=payment["state"],
        )
        for payment in captured
        if (covers := payment["amount_fen"] - _too_much_fen(claim, payment)) > 0
    ]


def _captured(payment: Payment) -> bool:
    return payment["state"] == PaymentState.CAPTURED


def _too_much_fen(claim: Claim, payment: Payment) -> int:
    """What of a payment paid nothing when it came."""
    return sum(
        refund["amount_fen"]
        for refund in claim.refunds.values()
        if refund["refund_of"] == payment["payment_id"]
        and refund["why"] == OVERPAYMENT
        and refund["state"] != RefundState.REPLACED
    )


def _notes(claim: Claim) -> list[Receipt]:
    return [
        Receipt(
            kind=Paper.REFUND_NOTE,
            number=refund["payment_id"],
            amount_fen=refund["amount_fen"],
            at=refund["settled_at"],
            of=refund["refund_of"],
            why=refund["why"],
            state=refund["state"],
        )
        for refund in claim.refunds.values()
        if refund["state"] != RefundState.REPLACED
    ]
