"""Service items with evidence that is good, and with what makes each of their rules fail."""

import copy
from datetime import date
from pathlib import Path
from typing import Any

from citybrain.definitions.applications.catalogue import Catalogue
from citybrain.systems import load_definitions

TODAY = date(2026, 3, 1)
CATALOGUE = load_definitions().of(Catalogue)
CODES = [item.code for item in CATALOGUE.on(TODAY)]
IDENTITY = {"person": "P001", "born": "1995-05-01"}
HOME = {"owner": "P001", "home": "h1"}
GOOD: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "housing-fund-repayment": (
        {},
        {
            "identity": IDENTITY,
            "marriage": {"spouse": "P002"},
            "property": HOME,
            "purchase": {"home": "h1"},
            "loan": {"borrower": "P001", "home": "h1", "withdrawn_by_spouse_fen": 100_000},
            "repayments": {"repaid_fen": 3_000_000},
            "account": {
                "status": "normal",
                "balance_fen": 5_000_000,
                "last_withdrawal": "2025-02-28",
                "withdrawn_for_loan_fen": 0,
            },
        },
    ),
    "housing-fund-purchase": (
        {},
        {
            "identity": IDENTITY,
            "marriage": {"spouse": "P002"},
            "purchase": {"buyer": "P002", "signed": "2025-01-15"},
            "invoice": {"paid_fen": 90_000_000, "withdrawn_fen": 0},
            "account": {"status": "normal", "balance_fen": 5_000_000},
        },
    ),
    "residence-permit": (
        {"ground": "job"},
        {
            "residence": {"registered": "2025-06-01"},
            "job": {"employed": True},
            "home": {"registered": True},
            "study": {"enrolled": True},
        },
    ),
    "first-home-subsidy": (
        {},
        {
            "identity": IDENTITY,
            "degree": {"level": "master", "double_first_class": False},
            "purchase": {"home": "h1"},
            "homes": {"owned_before": 0, "subsidised": False},
            "employment": {"employed": True},
        },
    ),
    "living-allowance": (
        {},
        {
            "degree": {"level": "phd"},
            "employment": {"employed": True, "months_unpaid": 6},
            "allowances": {"months": 33},
        },
    ),
    "social-security-query": ({}, {"insurance": {"found": True}}),
    "water-transfer": (
        {"contract_number": "w-1"},
        {"identity": IDENTITY, "property": HOME, "contract": {"home": "h1", "arrears_fen": 0}},
    ),
    "heating-transfer": (
        {"contract_number": "h-1"},
        {"identity": IDENTITY, "property": HOME, "contract": {"home": "h1", "arrears_fen": 0}},
    ),
}


# item, rule that fails, and the change that makes it fail
FAILURES: list[tuple[str, str, dict[str, Any]]] = [
    ("housing-fund-repayment", "account-normal", {"account.status": "frozen"}),
    ("housing-fund-repayment", "once-a-year", {"account.last_withdrawal": "2025-03-02"}),
    ("housing-fund-repayment", "own-loan", {"loan.borrower": "P009"}),
    ("housing-fund-repayment", "own-home", {"loan.home": "h9"}),
    ("housing-fund-repayment", "something-to-withdraw", {"repayments.repaid_fen": 100_000}),
    ("housing-fund-purchase", "account-normal", {"account.status": "closed"}),
    ("housing-fund-purchase", "own-purchase", {"purchase.buyer": "P009"}),
    ("housing-fund-purchase", "recent-purchase", {"purchase.signed": "2024-01-31"}),
    ("housing-fund-purchase", "something-to-withdraw", {"account.balance_fen": 100}),
    ("residence-permit", "half-a-year", {"residence.registered": "2025-09-02"}),
    ("residence-permit", "stable-job", {"job.employed": False}),
    ("residence-permit", "stable-home", {"form.ground": "home", "home.registered": False}),
    ("residence-permit", "continuous-study", {"form.ground": "study", "study.enrolled": False}),
    ("first-home-subsidy", "young", {"identity.born": "1989-03-01"}),
    ("first-home-subsidy", "degree", {"degree.level": "bachelor"}),
    ("first-home-subsidy", "first-home", {"homes.owned_before": 1}),
    ("first-home-subsidy", "works-here", {"employment.employed": False}),
    ("living-allowance", "degree", {"degree.level": "none"}),
    ("living-allowance", "works-here", {"employment.employed": False}),
    ("living-allowance", "months-left", {"allowances.months": 36}),
    ("social-security-query", "insured", {"insurance.found": False}),
    ("water-transfer", "owner", {"property.owner": "P009"}),
    ("water-transfer", "same-home", {"contract.home": "h9"}),
    ("water-transfer", "no-arrears", {"contract.arrears_fen": 1}),
    ("heating-transfer", "no-arrears", {"contract.arrears_fen": 1}),
]


def changed(code: str, changes: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    form, evidence = copy.deepcopy(GOOD[code])
    for place, value in changes.items():
        where, member = place.split(".")
        (form if where == "form" else evidence[where])[member] = value
    return form, evidence


def new_item(folder: Path, name: str, **changes: str) -> Path:
    """A folder of definitions with one more item."""
    text = """\
valid_from: 2026-01-01
code: dog-licence
name: 養犬登記
name_en: Dog licence
kind: approval
department: police
channels: [app]
source: a test
baseline: {materials: 2, steps: 1, trips: 1, source: a test}
deadline: {promised_seconds: 30, source: a test}
materials:
  - {name: vaccination, label: 免疫, label_en: Vaccination, department: agriculture, record: vaccination}
rules:
  - code: vaccinated
    needs: [vaccination]
    require: months_between(vaccination.date, today) < parameters.months
    reason: 免疫過期
    reason_en: Out of date
    source: a test
parameters:
  - {name: months, value: 12, valid_from: 2026-01-01, source: a test}
  - {name: months, value: 24, valid_from: 2026-07-01, source: a decree of June 2026}
"""  # noqa: E501
    for old, new in changes.items():
        text = text.replace(old, new)
    (folder / "service").mkdir(parents=True, exist_ok=True)
    (folder / "service" / name).write_text(text)
    return folder
