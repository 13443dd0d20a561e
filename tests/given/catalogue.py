"""Service items with evidence that is good, and with what makes each of their rules fail."""

import copy
from datetime import date
from pathlib import Path
from typing import Any

from citybrain.definitions.applications.catalogue import Catalogue
from tests.given.services import DEFINITIONS

TODAY = date(2026, 3, 1)
CATALOGUE = DEFINITIONS.of(Catalogue)
CODES = [item.code for item in CATALOGUE.on(TODAY)]
EXAMPLES = {item.code: item.examples for item in CATALOGUE.on(TODAY) if item.examples is not None}
GOOD: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    code: (examples.form, examples.evidence) for code, examples in EXAMPLES.items()
}
# item, rule that fails, and the change that makes it fail
FAILURES: list[tuple[str, str, dict[str, Any]]] = [
    (code, refusal.rule, refusal.change)
    for code, examples in EXAMPLES.items()
    for refusal in examples.refuses
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
  - {name: vaccination, label: 免疫, label_en: Vaccination, department: agriculture, record: vaccination, members: {date: date}}
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
examples:
  day: 2026-03-01
  evidence:
    vaccination: {date: 2025-06-01}
  refuses:
    - {rule: vaccinated, change: {vaccination.date: 2025-01-01}}
  refers:
    - {without: vaccination}
"""  # noqa: E501
    for old, new in changes.items():
        text = text.replace(old, new)
    (folder / "service").mkdir(parents=True, exist_ok=True)
    (folder / "service" / name).write_text(text)
    return folder
