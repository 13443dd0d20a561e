"""What the bank is told, and what it answers.

The instruction is idempotent by its payment id: where an answer is lost, the same instruction
is sent again, and the bank answers what it did the first time.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Literal
from uuid import UUID

from citybrain.errors import CitybrainError
from citybrain.exchange.signing import RECEIPT, SignatureWrong, Verifier


class PaymentUnknown(CitybrainError):
    """The bank may have paid: ask again with the same id, never with another."""

    code = "payment-unknown"


class PaymentNotThere(PaymentUnknown):
    """The bank says, unsigned, that it knows no such payment."""


@dataclass(frozen=True, slots=True)
class Payment:
    """Money to a citizen, in whole fen."""

    payment_id: UUID
    application_id: str
    amount_fen: int
    from_account: str
    payee_id_number: str

    def claims(self) -> dict[str, Any]:
        """What is signed."""
        return {
            "iss": "citybrain",
            "jti": str(self.payment_id),
            "iat": int(datetime.now(UTC).timestamp()),
            "application_id": self.application_id,
            "amount_fen": self.amount_fen,
            "from_account": self.from_account,
            "payee_id_number": self.payee_id_number,
        }


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the bank did, with its signature (compact JWS)."""

    payment_id: UUID
    status: Literal["success", "failed"]
    code: str | None
    bank_reference: str | None
    amount_fen: int
    settled_at: datetime | None
    signed: str
    sha256: str


def receipt_of(payment: Payment, signed: str, verifier: Verifier) -> Receipt:
    """The signed receipt of this very payment; raises `PaymentUnknown` on anything else."""
    receipt = receipt_for(payment.payment_id, signed, verifier)
    if receipt.amount_fen != payment.amount_fen:
        raise PaymentUnknown("the receipt is of another payment")
    return receipt


def receipt_for(payment_id: UUID, signed: str, verifier: Verifier) -> Receipt:
    """The signed receipt of the payment with this id, whatever its amount; raises
    `PaymentUnknown` on anything else."""
    try:
        claims, _ = verifier.claims(signed, RECEIPT)
    except SignatureWrong as error:
        raise PaymentUnknown("the receipt is not signed by the bank") from error
    amount_fen = claims.get("amount_fen")
    if (claims.get("iss"), claims.get("jti")) != ("bank", str(payment_id)):
        raise PaymentUnknown("the receipt is of another payment")
    status, settled = claims.get("status"), claims.get("settled_at")
    if status not in ("success", "failed") or (status == "success") != isinstance(settled, int):
        raise PaymentUnknown("the receipt says neither yes nor no")
    if not isinstance(amount_fen, int):
        raise PaymentUnknown("the receipt names no amount")
    try:
        settled_at = datetime.fromtimestamp(settled, UTC) if isinstance(settled, int) else None
    except (ValueError, OverflowError, OSError) as error:
        raise PaymentUnknown("the receipt's time is none") from error
    return Receipt(
        payment_id=payment_id,
        status=status,
        code=claims.get("code"),
        bank_reference=claims.get("bank_reference"),
        amount_fen=amount_fen,
        settled_at=settled_at,
        signed=signed,
        sha256=sha256(signed.encode()).hexdigest(),
    )
