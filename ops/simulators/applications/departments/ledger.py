"""The simulated bank's book: a line a payment, on disk before it is answered."""

import os
import time
from pathlib import Path
from typing import Any

import orjson

from ops.simulators.applications.departments.people import Paid, day_of

SAME = ("amount_fen", "from_account", "payee_id_number", "application_id")


class OtherContent(Exception):
    """This payment id was used for another payment."""


class Ledger:
    """Payments by id. The same id twice is one payment."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._payments: dict[str, dict[str, Any]] = {}
        self._paid: dict[tuple[str, str], Paid] = {}
        if path.is_file():
            for line in path.read_bytes().splitlines():
                self._note(orjson.loads(line))
        self._file = path.open("ab")

    def pay(self, claims: dict[str, Any], refused: str | None = None) -> dict[str, Any]:
        """Move the money, or refuse, once; raises `OtherContent`."""
        known = self._payments.get(claims["jti"])
        if known is not None:
            if any(known[name] != claims[name] for name in SAME):
                raise OtherContent
            return known
        number = len(self._payments) + 1
        payment = {name: claims[name] for name in SAME} | {
            "payment_id": claims["jti"],
            "status": "failed" if refused else "success",
            "code": refused,
            "bank_reference": None if refused else f"B{number:09}",
            "settled_at": None if refused else int(time.time()),
        }
        self._file.write(orjson.dumps(payment) + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self._note(payment)
        return payment

    def _note(self, payment: dict[str, Any]) -> None:
        self._payments[payment["payment_id"]] = payment
        if payment["status"] == "success":
            key = payment["from_account"], payment["payee_id_number"]
            before = self._paid.get(key, Paid())
            self._paid[key] = Paid(
                before.amount_fen + payment["amount_fen"], day_of(payment["settled_at"])
            )

    def paid_from_fund(self, number: str) -> Paid:
        """What somebody was paid from the housing fund."""
        return self._paid.get(("housing-fund", number), Paid())

    def payment(self, payment_id: str) -> dict[str, Any] | None:
        """One payment, a refused one, too."""
        return self._payments.get(payment_id)

    def payments(self) -> list[dict[str, Any]]:
        """All payments, the refused ones, too."""
        return list(self._payments.values())

    def close(self) -> None:
        """Close the book."""
        self._file.close()
