"""Payments that a decision allows, and the same payments on both sides."""

from datetime import date
from uuid import UUID

from citybrain.domain.authorisation import Authorised
from citybrain.domain.money import Fen
from citybrain.payments import Kind
from citybrain.payments.reconciling import Ours
from citybrain.payments.statements import Line

DECISION = "ab" * 32


def allowed(reference: str, amount_fen: int, decision_sha256: str = DECISION) -> Authorised:
    """What a decision allows: this reference, this amount."""
    return Authorised(reference, Fen(amount_fen), decision_sha256)


def ours(
    number: int,
    day: date | None,
    amount_fen: int = 100,
    *,
    kind: Kind = Kind.PAYOUT,
    paid: bool = True,
) -> Ours:
    """A payment as our events have it; on its way where there is no day."""
    reference = f"application-{number:032x}"
    if day is None:
        return Ours(UUID(int=number), kind, reference, amount_fen, "instructed")
    if not paid:
        return Ours(UUID(int=number), kind, reference, amount_fen, "failed", None, day)
    return Ours(UUID(int=number), kind, reference, amount_fen, "success", amount_fen, day)


def line_of(each: Ours, day: date) -> Line:
    """The same payment on the bank's statement."""
    return Line(
        each.payment_id,
        each.kind,
        each.reference,
        Fen(each.told_fen),
        "failed" if each.status == "failed" else "success",
        day,
    )
