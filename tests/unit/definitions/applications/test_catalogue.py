"""Service items: every rule of every item, missing evidence, and files that are wrong."""

import copy
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.definitions import DefinitionError
from citybrain.definitions.applications.catalogue import Catalogue, UnknownService
from citybrain.definitions.applications.deciding import Finding, Outcome, decide
from citybrain.definitions.expressions import Expression, ExpressionWrong
from citybrain.systems import load_definitions
from tests.given.catalogue import (
    CATALOGUE,
    CODES,
    EXAMPLES,
    FAILURES,
    GOOD,
    TODAY,
    changed,
    new_item,
)


def test_there_are_eight_items_and_each_shows_all_its_rules() -> None:
    assert len(CODES) == 8
    assert sorted(GOOD) == CODES
    rules = {(item.code, rule.code) for item in CATALOGUE.on(TODAY) for rule in item.rules}
    assert rules == {(code, rule) for code, rule, _ in FAILURES}


@pytest.mark.parametrize("code", CODES)
def test_good_evidence_is_approved_with_the_right_amount(code: str) -> None:
    form, evidence = GOOD[code]
    decision = decide(CATALOGUE.item(code, TODAY), form, evidence, TODAY)
    assert (decision.outcome, decision.reasons) == (Outcome.APPROVED, ())
    assert decision.amount_fen == EXAMPLES[code].pays_fen


@pytest.mark.parametrize(("code", "rule", "changes"), FAILURES)
def test_each_rule_refuses_with_its_reason(code: str, rule: str, changes: dict[str, Any]) -> None:
    decision = decide(CATALOGUE.item(code, TODAY), *changed(code, changes), TODAY)
    assert (decision.outcome, decision.reasons) == (Outcome.REFUSED, (rule,))
    assert decision.amount_fen is None


@given(st.sampled_from(CODES), st.data())
def test_missing_evidence_never_refuses(code: str, data: st.DataObject) -> None:
    item, (form, evidence) = CATALOGUE.item(code, TODAY), copy.deepcopy(GOOD[code])
    gone = data.draw(st.sets(st.sampled_from(sorted(evidence)), min_size=1))
    for name in gone:
        if data.draw(st.booleans()):
            evidence[name] = None
        else:
            del evidence[name]
    decision = decide(item, form, evidence, TODAY)
    unknown = [step for step in decision.steps if step.finding is Finding.UNKNOWN]
    assert decision.outcome is (Outcome.REFERRED if unknown else Outcome.APPROVED)
    needed = {need for rule in item.rules for need in rule.needs} | {
        need for value in item.values for need in value.needs
    }
    if code != "residence-permit":  # there, only the ground that was chosen counts
        assert bool(gone & needed) == (decision.outcome is Outcome.REFERRED)


def test_a_record_without_what_it_should_say_refers_and_does_not_refuse() -> None:
    form, evidence = changed("water-transfer", {})
    del evidence["contract"]["arrears_fen"]
    decision = decide(CATALOGUE.item("water-transfer", TODAY), form, evidence, TODAY)
    assert (decision.outcome, decision.reasons) == (Outcome.REFERRED, ("no-arrears",))


def test_a_new_item_needs_a_file_and_no_code(tmp_path: Path) -> None:
    catalogue = load_definitions(new_item(tmp_path, "dog.yaml")).of(Catalogue)
    assert len(catalogue.on(TODAY)) == 9
    evidence = {"vaccination": {"date": "2025-01-01"}}

    before = decide(catalogue.item("dog-licence", TODAY), {}, evidence, TODAY)
    later = date(2026, 7, 1)
    after = decide(catalogue.item("dog-licence", later), {}, evidence, later)

    assert (before.outcome, before.parameters) == (Outcome.REFUSED, {"months": 12})
    assert (after.outcome, after.parameters) == (Outcome.APPROVED, {"months": 24})
    assert before.item_version == after.item_version
    with pytest.raises(UnknownService):
        catalogue.item("dog-licence", date(2025, 12, 31))
    with pytest.raises(UnknownService):
        catalogue.item("cat-licence", TODAY)


def test_a_later_version_takes_over_on_its_day(tmp_path: Path) -> None:
    new_item(tmp_path, "dog.yaml")
    folder = new_item(
        tmp_path,
        "dog-2027.yaml",
        **{"valid_from: 2026-01-01\ncode": "valid_from: 2027-01-01\ncode"},
    )
    catalogue = load_definitions(folder).of(Catalogue)
    versions = catalogue.versions("dog-licence")
    assert [str(version.valid_from) for version in versions] == ["2026-01-01", "2027-01-01"]
    assert catalogue.item("dog-licence", date(2026, 12, 31)) is versions[0]
    assert catalogue.item("dog-licence", date(2027, 1, 1)) is versions[1]
    assert versions[0].version != versions[1].version


@pytest.mark.parametrize(
    ("old", "new", "line", "problem"),
    [
        ("parameters.months", "parameters.(months", 16, "not CEL"),
        ("needs: [vaccination]", "needs: [insurance]", 15, "'insurance'"),
        ("kind: approval", "kind: magic", 5, "kind"),
        ("channels: [app]", "channels: []", 7, "channels"),
        ("value: 12", "value: twelve", 21, "value"),
        ("    reason: 免疫過期\n", "", 14, "reason"),
    ],
)
def test_a_mistake_is_named_with_file_and_line(
    tmp_path: Path, old: str, new: str, line: int, problem: str
) -> None:
    folder = new_item(tmp_path, "dog.yaml", **{old: new})
    with pytest.raises(DefinitionError) as wrong:
        load_definitions(folder)
    assert f"dog.yaml:{line}:" in wrong.value.message
    assert problem in wrong.value.message


def months_one_by_one(first: date, last: date) -> int:
    """Count month ends one by one; the slow way."""
    months, month = 0, first
    while True:
        year, number = divmod(month.year * 12 + month.month, 12)
        days = (date(year + (number == 11), (number + 1) % 12 + 1, 1) - timedelta(days=1)).day
        month = date(year, number + 1, min(first.day, days))
        if month > last:
            return months
        months += 1


@given(st.dates(date(1950, 1, 1), date(2050, 1, 1)), st.integers(0, 3000))
def test_months_are_counted_as_people_count_them(first: date, days: int) -> None:
    last = first + timedelta(days=days)
    computed = Expression("months_between(a, b)").value({"a": str(first), "b": str(last)})
    assert computed == months_one_by_one(first, last)


def expressions() -> Iterator[str]:
    yield from ("1 / 0", "unknown", "a.b.c", "months_between('yesterday', 'today')", "least()")


@pytest.mark.parametrize("source", list(expressions()))
def test_what_cannot_be_computed_is_an_error_and_not_a_value(source: str) -> None:
    with pytest.raises(ExpressionWrong):
        Expression(source).value({"a": {}})
