"""What would have changed a decision: the nearest change, and one that really helps."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.definitions.applications.catalogue import Parameter
from citybrain.definitions.applications.counterfactuals import (
    Change,
    Materials,
    WhatIf,
    _nearest,
    counterfactuals,
)
from citybrain.definitions.applications.deciding import Finding, Outcome
from tests.given.catalogue import CATALOGUE, CODES, FAILURES, GOOD, TODAY, changed
from tests.given.storm import examples


def changes(code: str, wrong: dict[str, Any]) -> dict[str, Change]:
    """By path, what would have helped."""
    found = counterfactuals(CATALOGUE.item(code, TODAY), *changed(code, wrong), TODAY)
    return {change.path: change for change in found.changes}


def finding_after(materials: Materials, change: Change) -> Finding | None:
    """What the rule really says once the change is made."""
    after = materials.with_change(tuple(change.path.split(".")), change.after)
    return next(step.finding for step in after.decide().steps if step.name == change.rule)


@pytest.mark.parametrize(("code", "rule", "wrong"), FAILURES)
def test_every_refusal_has_changes_that_approve(
    code: str, rule: str, wrong: dict[str, Any]
) -> None:
    found = changes(code, wrong)
    assert {change.rule for change in found.values()} == {rule}
    assert all(change.approves for change in found.values())


@pytest.mark.parametrize(
    ("code", "wrong", "path", "before", "after"),
    [
        (
            "housing-fund-repayment",
            {"account.status": "frozen"},
            "account.status",
            "frozen",
            "normal",
        ),
        (
            "housing-fund-repayment",
            {"account.last_withdrawal": "2025-03-02"},
            "today",
            "2026-03-01",
            "2026-03-02",
        ),
        (
            "housing-fund-repayment",
            {"account.last_withdrawal": "2025-03-02"},
            "parameters.months_between",
            12,
            11,
        ),
        (
            "housing-fund-repayment",
            {"repayments.repaid_fen": 1000},
            "repayments.repaid_fen",
            1000,
            100_001,
        ),
        (
            "housing-fund-purchase",
            {"purchase.signed": "2024-01-31"},
            "purchase.signed",
            "2024-01-31",
            "2024-02-02",
        ),
        ("first-home-subsidy", {"employment.employed": False}, "employment.employed", False, True),
        ("living-allowance", {"allowances.months": 40}, "allowances.months", 40, 35),
        ("water-transfer", {"contract.arrears_fen": 12_345}, "contract.arrears_fen", 12_345, 0),
        ("water-transfer", {"contract.home": "home-9"}, "contract.home", "home-9", "home-1"),
    ],
)
def test_the_nearest_change_is_found(
    code: str, wrong: dict[str, Any], path: str, before: Any, after: Any
) -> None:
    change = changes(code, wrong)[path]
    assert (change.before, change.after, change.finding) == (before, after, Finding.MET)


def test_another_ground_takes_a_rule_away() -> None:
    change = changes("residence-permit", {"job.employed": False})["form.ground"]
    assert (change.after, change.finding) == ("home", Finding.NOT_APPLICABLE)
    assert change.as_json() == {
        "rule": "stable-job",
        "path": "form.ground",
        "from": "job",
        "to": "home",
        "finding": "not-applicable",
        "approves": True,
    }


def test_one_change_of_two_that_are_needed_does_not_approve() -> None:
    found = changes("housing-fund-repayment", {"account.status": "frozen", "loan.borrower": "P009"})
    assert {change.rule for change in found.values()} == {"account-normal", "own-loan"}
    assert not any(change.approves for change in found.values())


def test_nothing_becomes_negative_and_no_day_goes_back() -> None:
    found = changes(
        "housing-fund-repayment", {"account.withdrawn_for_loan_fen": 0, "repayments.repaid_fen": 0}
    )
    assert "account.withdrawn_for_loan_fen" not in found  # only below zero would help
    assert "today" not in changes("housing-fund-purchase", {"purchase.signed": "2020-01-01"})


@examples(60)
@given(st.sampled_from(CODES), st.data())
def test_each_change_really_helps_its_rule(code: str, data: st.DataObject) -> None:
    """Whatever the records say, and missing or wrong ones among them."""
    form, evidence = changed(code, {})
    for record in evidence.values():
        for member, value in list(record.items()):
            if data.draw(st.integers(0, 2)) == 0:
                record[member] = data.draw(_other(value))
    today = data.draw(st.dates(date(2021, 1, 1), date(2030, 1, 1)))
    item = CATALOGUE.item(code, today)
    materials = Materials(item, form, evidence, today)
    decision = materials.decide()

    found = counterfactuals(item, form, evidence, today)

    failed = {s.name for s in decision.steps if s.finding is Finding.FAILED}
    assert {change.rule for change in found.changes} <= failed
    for change in found.changes:
        assert finding_after(materials, change) is change.finding
        assert change.finding in (Finding.MET, Finding.NOT_APPLICABLE)
        after = materials.with_change(tuple(change.path.split(".")), change.after)
        assert change.approves == (after.decide().outcome is Outcome.APPROVED)


def _other(value: Any) -> st.SearchStrategy[Any]:
    """A value in place of one of a record: mostly of its type."""
    wrong: st.SearchStrategy[Any] = st.sampled_from([None, "", 7, True, [], "2026-02-30"])
    if isinstance(value, bool):
        return st.booleans()
    if isinstance(value, int):
        return st.integers(0, 10**8) | st.integers(-3, 3) | wrong
    if len(value) == len("2026-03-01") and value[:4].isdigit():
        return st.dates(date(1950, 1, 1), date(2040, 1, 1)).map(str) | wrong
    return st.sampled_from(["P001", "P002", "home-1", "normal", "phd", "none"]) | wrong


@given(st.integers(-(10**6), 10**6), st.integers(-(10**6), 10**6))
def test_a_threshold_is_found_exactly(value: int, threshold: int) -> None:
    low, high = -(10**7), 10**7
    up = _nearest(value, low, high, (), lambda number: number >= threshold)
    down = _nearest(value, low, high, (), lambda number: number <= threshold)
    if value < threshold:
        assert up == threshold
    if value > threshold:
        assert down == threshold
    assert _nearest(value, low, high, (), lambda number: False) is None
    assert _nearest(value, low, high, {threshold}, lambda number: number == threshold) in (
        {threshold} if value != threshold else {None}
    )


def test_trials_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    trials = 0
    judge = Materials.decide

    def count(self: Materials) -> Any:
        nonlocal trials
        trials += 1
        return judge(self)

    monkeypatch.setattr(Materials, "decide", count)
    form, evidence = changed("housing-fund-repayment", {"account.balance_fen": 0})
    evidence["loan"] |= {"withdrawn_by_spouse_fen": 10**12}
    counterfactuals(CATALOGUE.item("housing-fund-repayment", TODAY), form, evidence, TODAY)
    assert 0 < trials <= 430


def test_a_referral_says_which_records_would_let_which_rules_decide() -> None:
    code = "housing-fund-repayment"
    form, evidence = GOOD[code]
    missing = {name: record for name, record in evidence.items() if name not in ("loan", "account")}
    found = counterfactuals(CATALOGUE.item(code, TODAY), form, missing, TODAY)
    assert not found.changes
    assert not found.amount_inputs
    by_name = {each.material: (each.decides, each.helps) for each in found.deliveries}
    assert by_name == {
        "loan": (("own-loan", "own-home"), ("something-to-withdraw",)),
        "account": (("account-normal", "once-a-year"), ("something-to-withdraw",)),
    }


@given(st.sampled_from(CODES), st.data())
def test_delivering_what_is_named_lets_the_rules_decide(code: str, data: st.DataObject) -> None:
    item, (form, evidence) = CATALOGUE.item(code, TODAY), GOOD[code]
    gone = data.draw(st.sets(st.sampled_from(sorted(evidence)), min_size=1))
    there = {name: record for name, record in evidence.items() if name not in gone}
    for delivery in counterfactuals(item, form, there, TODAY).deliveries:
        more = there | {delivery.material: evidence[delivery.material]}
        steps = Materials(item, form, more, TODAY).decide().steps
        findings = {step.name: step.finding for step in steps}
        assert all(findings[code] is not Finding.UNKNOWN for code in delivery.decides)
        assert all(findings[code] is Finding.UNKNOWN for code in delivery.helps)


@given(st.sampled_from(CODES), st.data())
def test_what_would_be_decided_is_what_the_rules_decide_then(
    code: str, data: st.DataObject
) -> None:
    item, (form, evidence) = CATALOGUE.item(code, TODAY), GOOD[code]
    gone = data.draw(st.sampled_from(sorted(evidence)))
    there = {name: record for name, record in evidence.items() if name != gone}
    found = counterfactuals(item, form, there, TODAY).what_ifs
    whole = Materials(item, form, evidence, TODAY).decide()
    assert {each.failed for each in found} <= {Outcome.REFUSED}
    for each in (each for each in found if each.met is Outcome.APPROVED):
        assert whole.outcome is Outcome.APPROVED
        assert each.amount_fen == whole.amount_fen


def test_an_undecided_rule_says_what_it_would_decide_either_way() -> None:
    item = CATALOGUE.item("housing-fund-repayment", TODAY)
    form, evidence = GOOD["housing-fund-repayment"]
    amount = Materials(item, form, evidence, TODAY).decide().amount_fen
    alone = {name: record for name, record in evidence.items() if name != "identity"}
    (what_if,) = counterfactuals(item, form, alone, TODAY).what_ifs
    assert what_if == WhatIf("own-loan", Outcome.APPROVED, amount, Outcome.REFUSED)
    both = {name: record for name, record in alone.items() if name != "loan"}
    found = counterfactuals(item, form, both, TODAY).what_ifs
    assert {(each.met, each.amount_fen) for each in found} == {(Outcome.REFERRED, None)}
    refused = changed("housing-fund-repayment", {"account.status": "frozen"})[1] | {"loan": None}
    assert counterfactuals(item, form, refused, TODAY).what_ifs == ()


def test_a_record_that_lacks_a_member_is_one_to_be_delivered() -> None:
    form, evidence = changed("water-transfer", {})
    del evidence["contract"]["arrears_fen"]
    found = counterfactuals(CATALOGUE.item("water-transfer", TODAY), form, evidence, TODAY)
    (delivery,) = found.deliveries
    assert (delivery.material, delivery.decides) == ("contract", ("no-arrears",))


def test_an_approval_says_what_its_amount_hangs_on() -> None:
    code = "housing-fund-repayment"
    found = counterfactuals(CATALOGUE.item(code, TODAY), *GOOD[code], TODAY)
    assert not found.changes
    assert not found.deliveries
    assert {each.path: each.binding for each in found.amount_inputs} == {
        "account.balance_fen": False,
        "parameters.reserve_fen": False,
        "account.withdrawn_for_loan_fen": True,
        "loan.withdrawn_by_spouse_fen": True,
        "repayments.repaid_fen": True,
    }
    code = "living-allowance"
    found = counterfactuals(CATALOGUE.item(code, TODAY), *GOOD[code], TODAY)
    assert {each.path for each in found.amount_inputs if each.binding} == {
        "degree.level",
        "allowances.months",
        "parameters.phd_fen",
        "parameters.most_months",
    }


def test_a_later_decree_counts_from_its_day_on() -> None:
    item = CATALOGUE.item("housing-fund-repayment", TODAY)
    day = TODAY + timedelta(days=10)
    decree = Parameter(name="months_between", value=6, valid_from=day, source="a decree")
    item = item.model_copy(update={"parameters": (*item.parameters, decree)})
    form, evidence = changed(item.code, {"account.last_withdrawal": "2025-08-01"})
    found = counterfactuals(item, form, evidence, TODAY)
    assert {change.path: change.after for change in found.changes}["today"] == str(day)
