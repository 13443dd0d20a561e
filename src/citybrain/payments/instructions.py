"""What the bank is told, and what payers hand to it.

An instruction is idempotent by its id: two tellings move money once.

`reference` is what the money is for, in the words of whoever instructs: a stream's id, as a rule.
It names nobody. Every instruction carries the digest of the decision that allows it.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from citybrain.domain.authorisation import Authorised, NotAuthorised
from citybrain.domain.money import AmountInvalid, Fen
from citybrain.errors import Refused


class Kind(StrEnum):
    """Which way the money goes."""

    PAYOUT = "payout"
    CHARGE = "charge"
    REFUND = "refund"
    CHARGEBACK = "chargeback"  # by the payer's bank: nobody instructs it


TYPES = {Kind.PAYOUT: "payment+jwt", Kind.CHARGE: "charge+jwt", Kind.REFUND: "refund+jwt"}
"""As what an instruction is signed: a bank takes none for one of another kind."""
CANCELLATION, ORDER = "cancellation+jwt", "order+jwt"
CURRENCY = "CNY"
PAYER = "payer_id_number"


class RefundTooHigh(Refused):
    """More would be given back than was paid."""

    code = "refund-too-high"


@dataclass(frozen=True, slots=True)
class Instruction:
    """Money that is to be moved, in whole fen. Made by `payout`, `charge` and `refund`."""

    payment_id: UUID
    kind: Kind
    reference: str
    amount_fen: Fen
    authorised: Authorised
    account: str | None = None
    id_number: str | None = field(default=None, repr=False)
    refund_of: UUID | None = None

    def __post_init__(self) -> None:
        """Raises `AmountInvalid`, and `NotAuthorised` where no decision allows it."""
        if not isinstance(self.amount_fen, Fen):
            raise AmountInvalid("an instruction is made of a Fen and of nothing else")
        if not isinstance(self.authorised, Authorised):
            raise NotAuthorised("no decision allows this payment")
        in_part = self.kind is Kind.REFUND
        self.authorised.check(self.reference, self.amount_fen, in_part=in_part)

    def claims(self) -> dict[str, Any]:
        """What is signed. A payout's reference goes by the name that banks know it by."""
        head = {
            "iss": "citybrain",
            "jti": str(self.payment_id),
            "iat": int(datetime.now(UTC).timestamp()),
        }
        what: dict[str, Any] = {"reference": self.reference, "amount_fen": self.amount_fen}
        if self.kind is Kind.REFUND:
            what["refund_of"] = str(self.refund_of)
        elif self.kind is Kind.CHARGE:
            what |= {"to_account": self.account, PAYER: self.id_number}
        else:
            what = {
                "application_id": self.reference,
                "amount_fen": self.amount_fen,
                "from_account": self.account,
                "payee_id_number": self.id_number,
            }
        return head | what | {"decision_sha256": self.authorised.decision_sha256}

    def cancellation(self) -> dict[str, Any]:
        """What is signed so that this moves no money any more; it names nobody."""
        return {name: value for name, value in self.claims().items() if name != PAYER}

    def order(self, until: datetime) -> dict[str, Any]:
        """What is signed for whoever pays it themselves, until then."""
        return self.cancellation() | {"currency": CURRENCY, "exp": int(until.timestamp())}


def payout(
    payment_id: UUID,
    *,
    reference: str,
    amount_fen: int,
    from_account: str,
    payee_id_number: str,
    authorised: Authorised,
) -> Instruction:
    """Money from an account of the city to a person; raises `AmountInvalid`, `NotAuthorised`."""
    return Instruction(
        payment_id,
        Kind.PAYOUT,
        reference,
        Fen(amount_fen),
        authorised,
        from_account,
        payee_id_number,
    )


def charge(
    payment_id: UUID,
    *,
    reference: str,
    amount_fen: int,
    to_account: str,
    payer_id_number: str,
    authorised: Authorised,
) -> Instruction:
    """Money from a person to an account of the city; raises `AmountInvalid`, `NotAuthorised`.

    The bank refuses where the person's account does not hold it.
    """
    return Instruction(
        payment_id, Kind.CHARGE, reference, Fen(amount_fen), authorised, to_account, payer_id_number
    )


def order(
    payment_id: UUID, *, reference: str, amount_fen: int, to_account: str, authorised: Authorised
) -> Instruction:
    """Money to an account of the city from whoever pays it, at a kiosk or in an app.

    The bank is not told: the payer hands it what `Payments.order` signs. Raises `AmountInvalid`,
    `NotAuthorised`.
    """
    return Instruction(payment_id, Kind.CHARGE, reference, Fen(amount_fen), authorised, to_account)


def refund(
    refund_id: UUID,
    *,
    reference: str,
    amount_fen: int,
    refund_of: UUID,
    left_fen: int,
    authorised: Authorised,
) -> Instruction:
    """Money back to where a payment took it from, in whole or in part.

    `left_fen` is what was paid and has not been given back, as the caller knows it; the bank keeps
    the sum. A decision allows all of it, or as much of it as is given back. Raises
    `RefundTooHigh`, `AmountInvalid`, `NotAuthorised`.
    """
    back = Fen(amount_fen)
    instruction = Instruction(
        refund_id, Kind.REFUND, reference, back, authorised, refund_of=refund_of
    )
    if back > left_fen:
        raise RefundTooHigh(f"{left_fen} fen are left to give back", left_fen=left_fen)
    return instruction
