"""What the bank tells of itself: that money came, did not come, went back or was taken back.

Callbacks are signed as receipts are, come in any order, and until they are taken. What they say of
amount, currency and reference is read as it is said and compared; it is never made to fit.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any
from uuid import UUID

from citybrain.domain.money import bank_refusal
from citybrain.errors import InvalidInput
from citybrain.exchange.signing import Verifier
from citybrain.payments.instructions import CURRENCY
from citybrain.payments.receipts import PaymentUnknown, moment

CALLBACK = "callback+jwt"
LONGEST_SAID = 60
LONGEST_ID = 64


class Told(StrEnum):
    """What became of a payment or a refund."""

    CAPTURED = "captured"
    FAILED = "failed"
    REFUNDED = "refunded"
    CHARGED_BACK = "charged-back"


class CallbackInvalid(InvalidInput):
    """The bank signed something that is no callback."""

    code = "callback-invalid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """One message. `amount`, `currency` and `reference` are whatever it says, of any type.

    `code` is why money did not move, as one of our codes; `chargeback_id` is the payment by which
    it was taken back.
    """

    message_id: str
    payment_id: UUID
    status: Told
    amount: Any
    currency: Any
    reference: Any
    occurred_at: datetime
    code: str | None
    chargeback_id: UUID | None
    signed: str
    sha256: str

    def fits(self, reference: str, amount_fen: int) -> bool:
        """Whether it is about this reference and this amount of our money, to the type."""
        return self.fits_reference(reference) and self.amount_fen == amount_fen

    def fits_reference(self, reference: str) -> bool:
        """Whether it is about this reference."""
        return bool(self.reference == reference)

    @property
    def amount_fen(self) -> int | None:
        """Whole fen that it names; None where it names something else."""
        whole = type(self.amount) is int and self.currency == CURRENCY
        return self.amount if whole else None


def said(value: Any) -> str:
    """A value as it was said, as JSON in ASCII, cut where it is long; of any size."""
    return json.dumps(value, separators=(",", ":"))[:LONGEST_SAID]


def read_callback(signed: str, verifier: Verifier) -> Callback:
    """What the bank says; raises `SignatureWrong` where it does not, `CallbackInvalid`."""
    claims, _ = verifier.claims(signed, CALLBACK)
    try:
        status, payment_id = Told(claims["status"]), UUID(claims["payment_id"])
        occurred_at, chargeback = moment(claims["occurred_at"]), claims.get("chargeback_id")
        if claims["iss"] != "bank" or occurred_at is None:
            raise ValueError("not the bank's, or at no time")
        if (status is Told.CHARGED_BACK) != (chargeback is not None):
            raise ValueError("a chargeback has an id of its own")
        return Callback(
            message_id=_message_id(claims["jti"]),
            payment_id=payment_id,
            status=status,
            amount=claims.get("amount"),
            currency=claims.get("currency"),
            reference=claims.get("reference"),
            occurred_at=occurred_at,
            code=bank_refusal(claims.get("code")) if status is Told.FAILED else None,
            chargeback_id=None if chargeback is None else UUID(chargeback),
            signed=signed,
            sha256=sha256(signed.encode()).hexdigest(),
        )
    except (KeyError, TypeError, ValueError, AttributeError, PaymentUnknown) as error:
        raise CallbackInvalid("this is no message on a payment") from error


def _message_id(told: Any) -> str:
    if not isinstance(told, str) or not 0 < len(told) <= LONGEST_ID or not told.isprintable():
        raise ValueError("a message has an id")
    return told
