"""The bank's statement of a day: every payment that it handled, in pages that it has signed.

A statement counts as a whole: pages that are missing, of another day or not signed make it none.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Any, Literal
from uuid import UUID

from citybrain.city_day import city_day
from citybrain.domain.money import Fen
from citybrain.errors import InvalidInput
from citybrain.exchange.signing import SignatureWrong, Verifier
from citybrain.payments.instructions import Kind
from citybrain.payments.receipts import PaymentUnknown, moment

STATEMENT = "statement+jwt"
MOST_PAGES = 10_000
REFERENCE = re.compile(r"[a-z][a-z0-9_]{0,31}-[0-9a-f-]{1,64}")

Told = Callable[[str], Awaitable[str]]
"""What the bank answers under a path, as it is signed."""


class StatementUnknown(PaymentUnknown):
    """The bank gave no statement that counts: nothing was compared."""

    code = "statement-unknown"


@dataclass(frozen=True, slots=True)
class Line:
    """A payment that the bank handled on that day. `reference` is None where it is none of ours."""

    payment_id: UUID
    kind: Kind
    reference: str | None
    amount_fen: Fen
    status: Literal["success", "failed"]
    booked_on: date


@dataclass(frozen=True, slots=True)
class Statement:
    """A day's payments, and the digest of the signed pages one after the other."""

    day: date
    lines: tuple[Line, ...]
    sha256: str


async def read_statement(day: date, told: Told, verifier: Verifier) -> Statement:
    """All pages of a day; raises `PaymentUnknown`, `StatementUnknown`."""
    lines: list[Line] = []
    digest, page, pages, payments = sha256(), 1, 1, 0
    while page <= pages:
        signed = await told(f"/statements/{day}?page={page}")
        said = _claims(signed, verifier, day, page)
        if page > 1 and (said["pages"], said["payments"]) != (pages, payments):
            raise StatementUnknown("the statement changed while it was read")
        pages, payments = said["pages"], said["payments"]
        lines += [_line(line) for line in said["lines"]]
        digest.update(signed.encode())
        page += 1
    if len(lines) != payments:
        raise StatementUnknown("the statement has not the lines that it names")
    return Statement(day, tuple(lines), digest.hexdigest())


def _claims(signed: str, verifier: Verifier, day: date, page: int) -> dict[str, Any]:
    try:
        claims, _ = verifier.claims(signed, STATEMENT)
    except SignatureWrong as error:
        raise StatementUnknown("the statement is not signed by the bank") from error
    named = claims.get("iss"), claims.get("day"), claims.get("page")
    pages, payments = claims.get("pages"), claims.get("payments")
    if named != ("bank", str(day), page):
        raise StatementUnknown("the statement is of another day, or another page")
    if type(pages) is not int or not 1 <= pages <= MOST_PAGES or type(payments) is not int:
        raise StatementUnknown("the statement does not say how long it is")
    if not isinstance(claims.get("lines"), list):
        raise StatementUnknown("the statement has no lines")
    return claims


def _line(said: Any) -> Line:
    try:
        booked_at = moment(said["booked_at"])
        if said["status"] not in ("success", "failed") or booked_at is None:
            raise ValueError("neither yes nor no, or at no time")
        return Line(
            payment_id=UUID(said["payment_id"]),
            kind=Kind(said["kind"]),
            reference=_reference(said["reference"]),
            amount_fen=Fen(said["amount_fen"]),
            status=said["status"],
            booked_on=city_day(booked_at),
        )
    except (KeyError, TypeError, ValueError, AttributeError, InvalidInput, PaymentUnknown) as error:
        raise StatementUnknown("a line of the statement is not what was agreed") from error


def _reference(said: Any) -> str | None:
    """A stream's id; whatever else a bank writes there is not looked at."""
    return said if isinstance(said, str) and REFERENCE.fullmatch(said) else None
