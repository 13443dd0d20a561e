"""The simulated bank's book: a line for each instruction, on disk before it is answered.

Everybody has an account that began with the same money; what an account of the city holds is what
was paid in and out. Money that was moved from one account is on another: the sum stays the same.
A payment that failed may be tried again, and one that was made may be charged back.
"""

import os
import time
from collections import Counter
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson

from citybrain.key_files import for_owner
from citybrain.payments.instructions import Kind
from ops.simulators.applications.departments.people import Paid, day_of

SAME = {
    Kind.PAYOUT: ("amount_fen", "from_account", "payee_id_number", "application_id"),
    Kind.CHARGE: ("amount_fen", "to_account", "payer_id_number", "reference"),
    Kind.REFUND: ("amount_fen", "refund_of", "reference"),
}
OPENING_FEN = 5_000_000
TOO_LITTLE, NO_PAYMENT, TOO_MUCH = "insufficient-funds", "no-such-payment", "exceeds-payment"
CANCELLED = "payment-cancelled"


class OtherContent(Exception):
    """This payment id was used for another payment."""


class Ledger:
    """Payments by id. The same id twice is one payment."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._payments: dict[str, dict[str, Any]] = {}
        self._paid: dict[tuple[str, str], Paid] = {}
        self._balances: Counter[str] = Counter()  # what came to an account, less what left it
        self._refunded: Counter[str] = Counter()
        self._charged_back: Counter[str] = Counter()
        if path.is_file():
            for line in path.read_bytes().splitlines():
                self._note(_as_now(orjson.loads(line)))
        self._file = os.fdopen(for_owner(str(path), os.O_WRONLY | os.O_CREAT | os.O_APPEND), "ab")

    def move(
        self, kind: Kind, claims: dict[str, Any], refused: str | None = None
    ) -> dict[str, Any]:
        """Move the money, or refuse, once; raises `OtherContent`."""
        known = self._payments.get(claims["jti"])
        if known is not None:
            told = {name: claims.get(name) for name in SAME[kind] if name in known}
            if known["kind"] != kind or any(known[name] != told[name] for name in told):
                raise OtherContent
            return known
        refused = refused or self._objection(kind, claims)
        what = {"kind": kind.value} | {name: claims[name] for name in SAME[kind]}
        return self._book(what | {"payment_id": claims["jti"]}, refused)

    def cancel(self, claims: dict[str, Any]) -> dict[str, Any]:
        """Let a charge move nothing any more, unless it has; a refused one stays refused."""
        known = self._payments.get(claims["jti"])
        if known is not None:
            return known
        what = {name: claims[name] for name in SAME[Kind.CHARGE] if name in claims}
        return self._book(
            {"kind": Kind.CHARGE.value, "payment_id": claims["jti"]} | what, CANCELLED
        )

    def try_again(self, payment_id: str) -> dict[str, Any]:
        """Make a payment that was refused after all: providers do."""
        known = self._payments[payment_id]
        return known if known["status"] == "success" else self._book(known, None)

    def charge_back(self, payment_id: str, amount_fen: int | None = None) -> dict[str, Any]:
        """The payer's bank takes a charge back, whatever was refunded of it."""
        paid = self._payments[payment_id]
        what = {
            "kind": Kind.CHARGEBACK.value,
            "payment_id": str(uuid4()),
            "chargeback_of": payment_id,
            "reference": paid["reference"],
            "amount_fen": amount_fen or paid["amount_fen"],
        }
        return self._book(what, None)

    def _book(self, what: dict[str, Any], refused: str | None) -> dict[str, Any]:
        """Write a line: on disk before anybody hears of it."""
        now, number = int(time.time()), len(self._payments) + 1
        payment = what | {
            "booked_at": now,
            "status": "failed" if refused else "success",
            "code": refused,
            "bank_reference": None if refused else f"B{number:09}",
            "settled_at": None if refused else now,
        }
        self._file.write(orjson.dumps(payment) + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self._note(payment)
        return payment

    def _objection(self, kind: Kind, claims: dict[str, Any]) -> str | None:
        """Why the money cannot be moved; None where it can. Accounts of the city have credit."""
        amount_fen = claims["amount_fen"]
        if kind is Kind.CHARGE and amount_fen > self.holds_fen(claims["payer_id_number"]):
            return TOO_LITTLE
        if kind is not Kind.REFUND:
            return None
        paid = self._payments.get(claims["refund_of"])
        if paid is None or paid["status"] != "success" or "refund_of" in paid:
            return NO_PAYMENT
        gone = self._refunded[paid["payment_id"]] + self._charged_back[paid["payment_id"]]
        if amount_fen > paid["amount_fen"] - gone:
            return TOO_MUCH
        if paid["kind"] == Kind.PAYOUT and amount_fen > self.holds_fen(paid["payee_id_number"]):
            return TOO_LITTLE
        return None

    def _note(self, payment: dict[str, Any]) -> None:
        self._payments[payment["payment_id"]] = payment
        if payment["status"] != "success":
            return
        amount_fen, origin, way = payment["amount_fen"], payment, 1
        if payment["kind"] == Kind.REFUND:
            origin, way = self._payments[payment["refund_of"]], -1
            self._refunded[origin["payment_id"]] += amount_fen
        elif payment["kind"] == Kind.CHARGEBACK:
            origin, way = self._payments[payment["chargeback_of"]], -1
            self._charged_back[origin["payment_id"]] += amount_fen
        if origin["kind"] == Kind.PAYOUT:
            giver, taker = origin["from_account"], origin["payee_id_number"]
            before = self._paid.get((giver, taker), Paid())
            last_day = day_of(payment["settled_at"]) if payment is origin else before.last_day
            self._paid[giver, taker] = Paid(before.amount_fen + way * amount_fen, last_day)
        else:
            giver, taker = origin["payer_id_number"], origin["to_account"]
        self._balances[giver] -= way * amount_fen
        self._balances[taker] += way * amount_fen

    def holds_fen(self, id_number: str) -> int:
        """What somebody has."""
        return OPENING_FEN + self._balances[id_number]

    def balance_fen(self, account: str) -> int:
        """What was paid into an account of the city, less what was paid out of it."""
        return self._balances[account]

    def refunded_fen(self, payment_id: str) -> int:
        """What was given back of a payment."""
        return self._refunded[payment_id]

    def paid_from_fund(self, number: str) -> Paid:
        """What somebody was paid from the housing fund."""
        return self._paid.get(("housing-fund", number), Paid())

    def payment(self, payment_id: str) -> dict[str, Any] | None:
        """One payment, a refused one, too."""
        return self._payments.get(payment_id)

    def booked_on(self, day: str) -> list[dict[str, Any]]:
        """The lines of a day's statement, in the order of the book; nobody is named in them."""
        return [
            {
                "payment_id": payment["payment_id"],
                "kind": payment["kind"],
                "reference": self._reference(payment),
                "amount_fen": payment["amount_fen"],
                "status": payment["status"],
                "booked_at": payment["booked_at"],
            }
            for payment in self._payments.values()
            if payment.get("booked_at") is not None and day_of(payment["booked_at"]) == day
        ]

    def _reference(self, payment: dict[str, Any]) -> str:
        reference: str = payment["application_id" if "application_id" in payment else "reference"]
        return reference

    def payments(self) -> list[dict[str, Any]]:
        """All payments, the refused ones, too."""
        return list(self._payments.values())

    def close(self) -> None:
        """Close the book."""
        self._file.close()


def _as_now(line: dict[str, Any]) -> dict[str, Any]:
    """A line of a book of before: of payouts only, with the time of those that were made."""
    return {"kind": Kind.PAYOUT.value, "booked_at": line["settled_at"]} | line
