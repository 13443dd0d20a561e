"""Made-up people, the same for every department: all follows from the identity number.

The last digit before the check character, with its lowest bit turned, is the spouse's; a couple
has one home and one loan. The third character from the end says what is out of order: 0 to 5
nothing, 6 the fund's account is frozen, 7 money was withdrawn three months ago, 8 the loan is a
stranger's, 9 no degree and no job. No utility knows a contract of the number 0.
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from citybrain.city_day import CITY_ZONE
from ops.simulators.applications.departments.vehicles import Vehicles
from ops.simulators.applications.identity_numbers import identity_number, spouse_of

BORN = re.compile(r".{6}(\d{4})(\d{2})(\d{2})")
FROZEN, WITHDRAWN_LATELY, STRANGERS_LOAN, NO_DEGREE = "6789"
STRANGER = identity_number(date(1960, 1, 1))
DEGREES = ("phd", "master", "bachelor")
NOBODYS_CONTRACT = "0"
Record = dict[str, Any]


class NoRecord(LookupError):
    """The department has no such record."""


@dataclass(frozen=True, slots=True)
class Paid:
    """What the bank has paid from the housing fund, as the fund and the registry see it."""

    amount_fen: int = 0
    last_day: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """One made-up person."""

    number: str
    seed: int
    paid: Callable[[str], Paid]
    vehicles: Vehicles = field(default_factory=Vehicles)

    @property
    def circumstance(self) -> str:
        return self.number[-3:-2]

    @property
    def spouse(self) -> str:
        return spouse_of(self.number)

    @property
    def couple(self) -> str:
        """The same for both."""
        return min(self.number, self.spouse) if self.spouse else self.number

    @property
    def home(self) -> str:
        return f"home-{_digest(self.couple, 'home')}"

    @property
    def loan(self) -> str:
        return f"loan-{_digest(self.couple, 'loan')}"

    @property
    def born(self) -> str:
        found = BORN.match(self.number)
        try:
            return str(date(*(int(part) for part in found.groups()))) if found else "1990-05-01"
        except ValueError:
            return "1990-05-01"

    def draw(self, what: str, low: int, high: int, *, shared: bool = False) -> int:
        """A number from `low` to `high` that follows from the person, or from the couple."""
        digest = _digest(f"{self.seed}:{self.couple if shared else self.number}", what)
        return low + int(digest, 16) % (high - low + 1)


def _digest(whom: str, what: str) -> str:
    return hashlib.sha256(f"{what}:{whom}".encode()).hexdigest()[:12]


def _today() -> date:
    return datetime.now(CITY_ZONE).date()


def _months_ago(months: int) -> str:
    return str(_today() - timedelta(days=round(months * 30.5)))


def _identity(person: Person, form: Record) -> Record:
    return {"person": person.number, "born": person.born, "household": "410102"}


def _marriage(person: Person, form: Record) -> Record:
    return {"spouse": person.spouse}


def _ownership(person: Person, form: Record) -> Record:
    return {"owner": person.number, "home": person.home}


def _homes(person: Person, form: Record) -> Record:
    return {"owned_before": 0, "subsidised": False}


def _dwelling(person: Person, form: Record) -> Record:
    return {"registered": True, "home": person.home}


def _purchase(person: Person, form: Record) -> Record:
    return {
        "home": person.home,
        "buyer": person.couple,
        "signed": _months_ago(8),
        "price_fen": person.draw("price", 80_000_000, 200_000_000, shared=True),
    }


def _invoice(person: Person, form: Record) -> Record:
    paid = person.draw("invoice", 20_000_000, 60_000_000, shared=True)
    return {"paid_fen": paid, "withdrawn_fen": person.paid(person.spouse).amount_fen}


def _loan(person: Person, form: Record) -> Record:
    stranger = person.circumstance == STRANGERS_LOAN
    return {
        "number": person.loan,
        "home": person.home,
        "started": _months_ago(60),
        "borrower": STRANGER if stranger else person.couple,
        "withdrawn_by_spouse_fen": person.paid(person.spouse).amount_fen,
    }


def _repayments(person: Person, form: Record) -> Record:
    repaid = person.draw("repaid", 2_000_000, 6_000_000, shared=True)
    return {"repaid_fen": repaid, "since": _months_ago(12)}


def _account(person: Person, form: Record) -> Record:
    paid = person.paid(person.number)
    lately = _months_ago(3) if person.circumstance == WITHDRAWN_LATELY else ""
    return {
        "status": "frozen" if person.circumstance == FROZEN else "normal",
        "balance_fen": person.draw("balance", 1_000_000, 9_000_000) - paid.amount_fen,
        "last_withdrawal": paid.last_day or lately,
        "withdrawn_for_loan_fen": paid.amount_fen,
    }


def _degree(person: Person, form: Record) -> Record:
    level = DEGREES[person.draw("degree", 0, 2)]
    has = person.circumstance != NO_DEGREE
    return {"level": level if has else "none", "double_first_class": has}


def _employment(person: Person, form: Record) -> Record:
    employed = person.circumstance != NO_DEGREE
    return {"employed": employed, "months_unpaid": person.draw("months", 1, 6) if employed else 0}


def _allowances(person: Person, form: Record) -> Record:
    return {"months": person.draw("allowances", 0, 12)}


def _enrolment(person: Person, form: Record) -> Record:
    return {"enrolled": True}


def _residence(person: Person, form: Record) -> Record:
    return {"registered": _months_ago(24)}


def _insurance(person: Person, form: Record) -> Record:
    months = person.draw("insurance", 12, 240)
    return {"found": True, "months_paid": months, "kinds": ["pension", "medical", "unemployment"]}


def _contract(person: Person, form: Record) -> Record:
    if form.get("contract_number") == NOBODYS_CONTRACT:
        raise NoRecord
    return {"home": person.home, "arrears_fen": 0}


def _vehicle(person: Person, form: Record) -> Record:
    return person.vehicles.record(str(form.get("plate", "")), person.number)


RECORDS: dict[tuple[str, str], Callable[[Person, Record], Record]] = {
    ("police", "identity"): _identity,
    ("police", "residence"): _residence,
    ("police", "vehicle"): _vehicle,
    ("civil-affairs", "marriage"): _marriage,
    ("real-estate-registry", "ownership"): _ownership,
    ("real-estate-registry", "homes"): _homes,
    ("real-estate-registry", "dwelling"): _dwelling,
    ("housing-construction", "purchase-contract"): _purchase,
    ("credit-registry", "loan-contract"): _loan,
    ("bank", "repayment-ledger"): _repayments,
    ("housing-fund", "account"): _account,
    ("tax", "invoice"): _invoice,
    ("education", "degree"): _degree,
    ("education", "enrolment"): _enrolment,
    ("social-security", "employment"): _employment,
    ("social-security", "allowances"): _allowances,
    ("social-security", "insurance"): _insurance,
    ("water-utility", "contract"): _contract,
    ("heating-utility", "contract"): _contract,
}
DEPARTMENTS = sorted({department for department, _ in RECORDS})


def day_of(settled_at: int) -> str:
    """The city's day of a payment."""
    return str(datetime.fromtimestamp(settled_at, UTC).astimezone(CITY_ZONE).date())
