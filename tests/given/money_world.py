"""People, departments and a bank in this process, and what may never have been paid.

Departments tell a balance as it is, and remember nothing else that was paid: how often and how much
somebody got is up to us. Two people are a couple: one loan, one home, each with an account.
"""

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256
from itertools import pairwise
from typing import Any
from uuid import UUID

import orjson

from citybrain.city_day import city_day
from citybrain.domain.ages import months_between
from citybrain.exchange import Evidence, EvidenceRequest
from citybrain.exchange.departments import SourceUnavailable
from citybrain.payments import Instruction, Kind, PaymentUnknown, Receipt
from ops.simulators.applications.identity_numbers import identity_number, spouse_of

REPAYMENT, PURCHASE = "housing-fund-repayment", "housing-fund-purchase"
ALLOWANCE, SUBSIDY = "living-allowance", "first-home-subsidy"
ITEMS = (REPAYMENT, PURCHASE, ALLOWANCE, SUBSIDY)
BORN = date(1995, 5, 1)
BALANCE, RESERVE, REPAID, INVOICE = 5_000, 100, 7_000, 8_000
MONTHLY, MONTHS, FEW, MANY = 150_000, 36, 5, 20
ONCE_IN_MONTHS = {REPAYMENT: 12, ALLOWANCE: 1}
DEPARTMENTS = ("police", "housing-fund", "credit-registry", "civil-affairs", "tax", "education")
BANK_WAYS = ("ok", "ok", "ok", "refuse", "silent", "pays-in-silence")


@dataclass(frozen=True, slots=True)
class Paid:
    """One payment of the bank's book."""

    payment_id: UUID
    application_id: str
    item: str
    number: str
    amount_fen: int
    at: datetime

    def shares(self, item: str, number: str) -> bool:
        """Whether an application for an item draws on something that this was paid from."""
        if self.number == number:
            return True
        couple, both = spouse_of(number) == self.number, {item, self.item}
        return couple and (both == {REPAYMENT} or both <= {PURCHASE, SUBSIDY})


class MoneyWorld:
    """Departments and a bank; `items` says what each application is for."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self.away: set[str] = set()
        self.bank = "ok"
        self.items: dict[str, str] = {}
        self._said: dict[UUID, Receipt] = {}
        self.book: list[Paid] = []

    def couple(self, serial: int) -> list[str]:
        """The numbers of two people."""
        return [identity_number(BORN, serial, spouse=spouse) for spouse in (False, True)]

    # --- departments

    async def fetch(self, request: EvidenceRequest, _: datetime) -> Evidence:
        """What a department says of somebody."""
        if request.department in self.away:
            raise SourceUnavailable("away")
        record = self._record(request.record, request.id_number)
        body = base64.urlsafe_b64encode(orjson.dumps({"record": record})).decode().rstrip("=")
        signed = f"e30.{body}.e30"
        digest = sha256(signed.encode()).hexdigest()
        return Evidence(record, signed, digest, "key", self._clock(), 1, 1, False)

    def _record(self, record: str, number: str) -> dict[str, Any]:
        spouse = spouse_of(number)
        first = number < spouse
        couple = min(number, spouse)
        paid = sum(each.amount_fen for each in self._from_fund(number))
        lately = str(city_day(self._clock()) - timedelta(days=31))
        records: dict[str, dict[str, Any]] = {
            "identity": {"person": number, "born": str(BORN)},
            "marriage": {"spouse": spouse},
            "ownership": {"home": f"H-{couple}"},
            "purchase-contract": {
                "home": f"H-{couple}" if first else f" h {couple} ",
                "buyer": couple,
                "signed": lately,
            },
            "loan-contract": {
                "number": f"L-{couple}" if first else f"ｌ－{couple} ",
                "borrower": couple,
                "home": f"H-{couple}",
                "withdrawn_by_spouse_fen": 0,
            },
            "repayment-ledger": {"repaid_fen": REPAID},
            "account": {
                "status": "normal",
                "balance_fen": BALANCE - paid,
                "last_withdrawal": "",
                "withdrawn_for_loan_fen": 0,
            },
            "invoice": {"paid_fen": INVOICE, "withdrawn_fen": 0},
            "degree": {"level": "phd", "double_first_class": True},
            "homes": {"owned_before": 0, "subsidised": False},
            "employment": {"employed": True, "months_unpaid": FEW if first else MANY},
            "allowances": {"months": 0},
        }
        return records[record]

    # --- the bank

    async def instruct(self, instruction: Instruction) -> Receipt:
        """Pay, refuse, or say nothing; the same id is one payment."""
        payment_id = instruction.payment_id
        if payment_id not in self._said:
            if self.bank == "silent":
                raise PaymentUnknown("silence")
            self._said[payment_id] = self._move(instruction)
        if self.bank == "pays-in-silence":
            raise PaymentUnknown("silence")
        return self._said[payment_id]

    def _move(self, instruction: Instruction) -> Receipt:
        refused, now = self.bank == "refuse", self._clock()
        if not refused:
            application_id = instruction.reference
            self.book.append(
                Paid(
                    instruction.payment_id,
                    application_id,
                    self.items[application_id],
                    instruction.id_number or "",
                    instruction.amount_fen,
                    now,
                )
            )
        return Receipt(
            payment_id=instruction.payment_id,
            kind=Kind.PAYOUT,
            status="failed" if refused else "success",
            code="account-closed" if refused else None,
            bank_reference=None if refused else "B1",
            amount_fen=instruction.amount_fen,
            refunded_fen=0,
            settled_at=None if refused else now,
            booked_at=now,
            signed="signed",
            sha256="ab" * 32,
        )

    async def pause(self, tries: int, most_seconds: float | None = None) -> None:
        """Nobody waits here."""

    # --- what may never have been paid

    def _from_fund(self, number: str) -> list[Paid]:
        funds = (REPAYMENT, PURCHASE)
        return [each for each in self.book if each.number == number and each.item in funds]

    def broken(self) -> list[str]:
        """The promises that the bank's book breaks."""
        return [*self._broken_by_people(), *self._broken_by_couples()]

    def _broken_by_people(self) -> Iterator[str]:
        for number in {each.number for each in self.book}:
            if sum(each.amount_fen for each in self._from_fund(number)) > BALANCE - RESERVE:
                yield "an account is below its reserve"
            for item in ITEMS:
                own = [each for each in self.book if (each.number, each.item) == (number, item)]
                months = ONCE_IN_MONTHS.get(item, 0)
                for first, second in pairwise(own):
                    if first.application_id == second.application_id:
                        continue  # too little was paid, and that was put right
                    if months_between(city_day(first.at), city_day(second.at)) < months:
                        yield f"{item} was paid twice in {months} months"
                if item == ALLOWANCE and sum(e.amount_fen for e in own) > MONTHLY * MONTHS:
                    yield "more allowance than for all months"
                if item == SUBSIDY and len({each.application_id for each in own}) > 1:
                    yield "a person was subsidised twice"
        if len(self.book) != len({each.payment_id for each in self.book}):
            yield "a payment was made twice"

    def _broken_by_couples(self) -> Iterator[str]:
        for couple in {min(each.number, spouse_of(each.number)) for each in self.book}:
            theirs = [each for each in self.book if couple in (each.number, spouse_of(each.number))]
            of = {item: [each for each in theirs if each.item == item] for item in ITEMS}
            if sum(each.amount_fen for each in of[REPAYMENT]) > REPAID:
                yield "more was withdrawn for a loan than was repaid"
            if sum(each.amount_fen for each in of[PURCHASE]) > INVOICE:
                yield "more was withdrawn for a home than it cost"
            if len({each.application_id for each in of[SUBSIDY]}) > 1:
                yield "a home was subsidised twice"
