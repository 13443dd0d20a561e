"""What we told the bank, what it receipted, and what its statement says: to the fen.

A pure comparison over one day of the bank's. Each payment that differs is said once, by its id.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Literal
from uuid import UUID

from citybrain.payments.instructions import Kind
from citybrain.payments.statements import Line


class Finding(StrEnum):
    """How a payment differs."""

    PAID_TWICE = "paid-twice"
    MISSING_HERE = "missing-here"
    MISSING_AT_BANK = "missing-at-bank"
    OTHER_PAYMENT = "other-payment"
    AMOUNT_DIFFERS = "amount-differs"
    STATUS_DIFFERS = "status-differs"
    DAY_DIFFERS = "day-differs"


@dataclass(frozen=True, slots=True)
class Ours:
    """A payment as our events have it. `booked_on` is the bank's day, by its receipt.

    `told_fen` is what was instructed, `receipted_fen` what the receipt says.
    """

    payment_id: UUID
    kind: Kind
    reference: str
    told_fen: int
    status: Literal["instructed", "success", "failed"]
    receipted_fen: int | None = None
    booked_on: date | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """One payment that differs. The reference is ours; None where we know no such payment."""

    payment_id: UUID
    reference: str | None
    finding: Finding
    ours_fen: int
    bank_fen: int


@dataclass(frozen=True, slots=True)
class Sum:
    """Payments that were made, and what they come to."""

    payments: int
    fen: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """A day compared."""

    day: date
    ours: Sum
    bank: Sum
    differences: tuple[Difference, ...]

    @property
    def difference_fen(self) -> int:
        """What the bank has moved beyond what we know of."""
        return self.bank.fen - self.ours.fen


def compare(day: date, ours: Mapping[UUID, Ours], lines: Sequence[Line]) -> Comparison:
    """Our payments of a day and the bank's; `ours` may hold payments of other days, too."""
    booked: dict[UUID, list[Line]] = {}
    for line in lines:
        booked.setdefault(line.payment_id, []).append(line)
    expected = {each.payment_id: each for each in ours.values() if each.booked_on == day}
    paid_for = {(each.kind, each.reference) for each in ours.values() if each.status != "failed"}
    found = [
        difference
        for payment_id, same in booked.items()
        if (difference := _of_bank(day, ours.get(payment_id), same, paid_for))
    ]
    found += [
        Difference(each.payment_id, each.reference, Finding.MISSING_AT_BANK, _fen(each), 0)
        for each in expected.values()
        if each.payment_id not in booked
    ]
    made = [each for each in expected.values() if each.status == "success"]
    at_bank = [line for line in lines if line.status == "success"]
    return Comparison(
        day,
        Sum(len(made), sum(map(_fen, made))),
        Sum(len(at_bank), sum(line.amount_fen for line in at_bank)),
        tuple(sorted(found, key=lambda each: str(each.payment_id))),
    )


def _of_bank(
    day: date, ours: Ours | None, lines: Sequence[Line], paid_for: set[tuple[Kind, str]]
) -> Difference | None:
    """How the bank's lines of one payment id differ from what we know of it."""
    line = lines[0]
    bank_fen = sum(each.amount_fen for each in lines if each.status == "success")
    if ours is None:
        again = line.kind is Kind.PAYOUT and (line.kind, line.reference) in paid_for
        finding = Finding.PAID_TWICE if again else Finding.MISSING_HERE
        return Difference(line.payment_id, None, finding, 0, bank_fen)
    finding_of = _finding(day, ours, lines)
    if finding_of is None:
        return None
    return Difference(ours.payment_id, ours.reference, finding_of, _fen(ours), bank_fen)


def _finding(day: date, ours: Ours, lines: Sequence[Line]) -> Finding | None:
    line = lines[0]
    if len(lines) > 1:
        return Finding.PAID_TWICE
    if (line.kind, line.reference) != (ours.kind, ours.reference):
        return Finding.OTHER_PAYMENT
    if line.amount_fen != ours.told_fen or ours.receipted_fen not in (None, ours.told_fen):
        return Finding.AMOUNT_DIFFERS
    if line.status != ours.status:
        return Finding.STATUS_DIFFERS
    if line.booked_on != day or ours.booked_on not in (None, day):
        return Finding.DAY_DIFFERS
    return None


def _fen(ours: Ours) -> int:
    """What we know was moved."""
    return (ours.receipted_fen or ours.told_fen) if ours.status == "success" else 0
