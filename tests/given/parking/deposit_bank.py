"""A bank in this process, with a book of its own: takes deposits, gives them back, may say nothing.

It knows nothing of reservations: the same id is one payment, and what is refunded was charged.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from citybrain.payments import Instruction, Kind, PaymentUnknown, Receipt

WAYS = ("ok", "ok", "ok", "refuse", "silent", "pays-in-silence")


class BankAwayForLong(Exception):
    """The bank has said nothing for so long that the test goes on without it."""


@dataclass
class DepositBank:
    """`way` is how it answers now."""

    clock: Callable[[], datetime]
    way: str = "ok"
    book: dict[UUID, Instruction] = field(default_factory=dict)
    said: dict[UUID, Receipt] = field(default_factory=dict)

    def forget(self) -> None:
        """Begin a new book."""
        self.way = "ok"
        self.book.clear()
        self.said.clear()

    async def instruct(self, instruction: Instruction) -> Receipt:
        """Move the money once, refuse, or say nothing."""
        refused = "insufficient-funds" if self.way == "refuse" else None
        return self._answer(instruction, refused)

    async def cancel(self, instruction: Instruction) -> Receipt:
        """It was moved before, or never will be."""
        return self._answer(instruction, "payment-cancelled")

    def _answer(self, instruction: Instruction, refused: str | None) -> Receipt:
        payment_id = instruction.payment_id
        if payment_id not in self.said:
            if self.way == "silent":
                raise PaymentUnknown("silence")
            self.said[payment_id] = self._move(instruction, refused)
        if self.way == "pays-in-silence":
            raise PaymentUnknown("silence")
        return self.said[payment_id]

    def _move(self, instruction: Instruction, refused: str | None) -> Receipt:
        now = self.clock()
        if refused is None:
            self.book[instruction.payment_id] = instruction
        return Receipt(
            payment_id=instruction.payment_id,
            kind=instruction.kind,
            status="failed" if refused else "success",
            code=refused,
            bank_reference=None,
            amount_fen=instruction.amount_fen,
            refunded_fen=0,
            settled_at=None if refused else now,
            booked_at=now,
            signed="signed",
            sha256="ab" * 32,
        )

    async def pause(self, tries: int, most_seconds: float | None = None) -> None:
        """Nobody waits here."""
        if tries > 3:
            raise BankAwayForLong

    def moved_fen(self, kind: Kind, reference: str | None = None) -> int:
        """What was moved this way, for one reference or for all."""
        return sum(
            each.amount_fen
            for each in self.book.values()
            if each.kind is kind and reference in (None, each.reference)
        )

    def broken(self) -> list[str]:
        """What the book says that may never be."""
        found = []
        charged: dict[str, int] = {}
        for payment_id, each in self.book.items():
            if each.kind is not Kind.CHARGE:
                continue
            refunds = [other for other in self.book.values() if other.refund_of == payment_id]
            if sum(other.amount_fen for other in refunds) > each.amount_fen:
                found.append("more went back than was charged")
            charged[each.reference] = charged.get(each.reference, 0) + 1
        if any(number > 1 for number in charged.values()):
            found.append("somebody was charged twice for one reservation")
        return found
