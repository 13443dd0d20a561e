"""What the bank answers. Only what it has signed counts: anything else says nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Literal
from uuid import UUID

from citybrain.domain.money import bank_refusal
from citybrain.errors import CitybrainError
from citybrain.exchange.signing import SignatureWrong, Verifier
from citybrain.payments.instructions import Instruction, Kind

RECEIPT = "receipt+jwt"
LONGEST_REFERENCE = 100
EARLIEST, LATEST = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in (2000, 2200))


class PaymentUnknown(CitybrainError):
    """The bank may have moved the money: ask again with the same id, never with another."""

    code = "payment-unknown"


class BankAway(PaymentUnknown):
    """The bank cannot be reached, or says that it cannot now: that is nothing of one payment."""


class PaymentNotThere(PaymentUnknown):
    """The bank says, unsigned, that it knows no such payment."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the bank did, with its signature (compact JWS).

    `code` is why it did not, as one of our codes. `refunded_fen` is what it has given back of it,
    where it says so. `booked_at` is when it handled it, a refusal, too, where it says so: its
    statement of that day has it. `signed` and `bank_reference` are the bank's own words: they are
    not stored in clear.
    """

    payment_id: UUID
    kind: Kind
    status: Literal["success", "failed"]
    code: str | None
    bank_reference: str | None
    amount_fen: int
    refunded_fen: int | None
    settled_at: datetime | None
    booked_at: datetime | None
    signed: str
    sha256: str


def receipt_of(instruction: Instruction, signed: str, verifier: Verifier) -> Receipt:
    """The signed receipt of this very instruction; raises `PaymentUnknown` on anything else."""
    receipt = receipt_for(instruction.payment_id, signed, verifier)
    if (receipt.kind, receipt.amount_fen) != (instruction.kind, instruction.amount_fen):
        raise PaymentUnknown("the receipt is of another payment")
    return receipt


def receipt_for(payment_id: UUID, signed: str, verifier: Verifier) -> Receipt:
    """The signed receipt of the payment with this id, whatever it was; raises `PaymentUnknown` on
    anything else."""
    try:
        claims, _ = verifier.claims(signed, RECEIPT)
    except SignatureWrong as error:
        raise PaymentUnknown("the receipt is not signed by the bank") from error
    if (claims.get("iss"), claims.get("jti")) != ("bank", str(payment_id)):
        raise PaymentUnknown("the receipt is of another payment")
    status, settled = claims.get("status"), claims.get("settled_at")
    if status not in ("success", "failed") or (status == "success") != (type(settled) is int):
        raise PaymentUnknown("the receipt says neither yes nor no")
    amount_fen, refunded_fen = _amounts(claims)
    return Receipt(
        payment_id=payment_id,
        kind=_kind(claims),
        status=status,
        code=bank_refusal(claims.get("code")) if status == "failed" else None,
        bank_reference=reference_in(claims),
        amount_fen=amount_fen,
        refunded_fen=refunded_fen,
        settled_at=moment(settled),
        booked_at=_booked(claims),
        signed=signed,
        sha256=sha256(signed.encode()).hexdigest(),
    )


def reference_in(claims: Mapping[str, Any]) -> str | None:
    """Under what the bank has booked it, where it says that in a line."""
    said = claims.get("bank_reference")
    return said if isinstance(said, str) and len(said) <= LONGEST_REFERENCE else None


def _amounts(claims: dict[str, Any]) -> tuple[int, int | None]:
    amount_fen, refunded_fen = claims.get("amount_fen"), claims.get("refunded_fen")
    if type(amount_fen) is not int:
        raise PaymentUnknown("the receipt names no amount")
    if refunded_fen is not None and (
        type(refunded_fen) is not int or not 0 <= refunded_fen <= amount_fen
    ):
        raise PaymentUnknown("the receipt names no amount that was given back")
    return amount_fen, refunded_fen


def _booked(claims: dict[str, Any]) -> datetime | None:
    """When the bank handled it; a bank that says nothing of it did when the money moved."""
    booked = claims.get("booked_at", claims.get("settled_at"))
    if "booked_at" in claims and type(booked) is not int:
        raise PaymentUnknown("the bank's time is none")
    return moment(booked)


def _kind(claims: dict[str, Any]) -> Kind:
    """A bank that says nothing of it knows payouts only."""
    try:
        return Kind(claims.get("kind", Kind.PAYOUT))
    except ValueError as error:
        raise PaymentUnknown("the receipt is of another kind") from error


def moment(settled: Any) -> datetime | None:
    """A time of the bank's, in seconds since 1970; raises `PaymentUnknown` where it is none."""
    if type(settled) is not int:
        return None
    if not EARLIEST <= settled < LATEST:
        raise PaymentUnknown("the bank's time is none")
    return datetime.fromtimestamp(settled, UTC)
