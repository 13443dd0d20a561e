"""What is missing, null, blank or of another type proves nothing and refuses nobody."""

import copy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.definitions import DefinitionError
from citybrain.definitions.applications.catalogue import Catalogue, ServiceItem
from citybrain.definitions.applications.deciding import Decision, Finding, Outcome, decide
from citybrain.definitions.applications.forms import FormInvalid, checked_form
from citybrain.definitions.applications.types import Member
from citybrain.definitions.yaml_file import read_yaml
from citybrain.systems import load_definitions
from tests.given.catalogue import CATALOGUE, CODES, FAILURES, GOOD, TODAY, changed, new_item
from tests.given.json_values import JSON, LIKELY

MEMBERS = [
    (code, material.name, name, member)
    for code in CODES
    for material in CATALOGUE.item(code, TODAY).materials
    for name, member in material.members.items()
]


def because(decision: Decision) -> str:
    return "; ".join(step.because for step in decision.steps if step.because)


def with_member(code: str, material: str, name: str, value: Any) -> Decision:
    form, evidence = copy.deepcopy(GOOD[code])
    evidence[material][name] = value
    return decide(CATALOGUE.item(code, TODAY), form, evidence, TODAY)


def without_types(folder: Path) -> ServiceItem:
    """The item of a folder as an earlier release took it."""
    path = folder / "service" / "dog.yaml"
    path.write_text(path.read_text().replace(", members: {date: date}", ""))
    return read_yaml(path, ServiceItem)[0]


def reads(item: ServiceItem, material: str, member: str) -> bool:
    """Whether a rule or value that counts for the good evidence looks at it."""
    form, evidence = copy.deepcopy(GOOD[item.code])
    del evidence[material][member]
    return decide(item, form, evidence, TODAY).outcome is Outcome.REFERRED


@pytest.mark.parametrize(("code", "material", "name", "member"), MEMBERS)
@pytest.mark.parametrize("blank", [None, "", " ", "\u3000\t"])
def test_a_blank_member_refers_and_is_named(
    code: str, material: str, name: str, member: Member, blank: Any
) -> None:
    if (member.blank is not None and blank == "") or name not in GOOD[code][1][material]:
        return
    if not reads(CATALOGUE.item(code, TODAY), material, name):
        return
    decision = with_member(code, material, name, blank)
    assert decision.outcome is Outcome.REFERRED
    assert f"{material}.{name} is blank" in because(decision)


@given(st.sampled_from(MEMBERS), LIKELY | JSON)
def test_no_value_of_another_type_approves_or_refuses(
    place: tuple[str, str, str, Member], value: Any
) -> None:
    code, material, name, member = place
    if name not in GOOD[code][1][material]:
        return
    decision = with_member(code, material, name, value)
    if not member.fits()(value, str(TODAY)) and reads(CATALOGUE.item(code, TODAY), material, name):
        assert decision.outcome is Outcome.REFERRED
        assert f"{material}.{name} is" in because(decision)
    assert decision.amount_fen is None or type(decision.amount_fen) is int


@given(st.sampled_from(FAILURES), st.data())
def test_what_would_refuse_refers_once_a_blank_is_in_it(
    failure: tuple[str, str, dict[str, Any]], data: st.DataObject
) -> None:
    """Whichever way the rule would have decided."""
    code, rule, wrong = failure
    form, evidence = changed(code, wrong)
    item = CATALOGUE.item(code, TODAY)
    read = {
        path
        for each in item.rules
        if each.code == rule
        for path in item.compiled(each.require).reads
        if path[0] in evidence
    }
    if not read:
        return
    material, name = data.draw(st.sampled_from(sorted(read)))
    evidence[material][name] = None
    decision = decide(item, form, evidence, TODAY)
    found = {step.name: step.finding for step in decision.steps}
    assert found[rule] is Finding.UNKNOWN


def test_two_blanks_are_no_owner() -> None:
    for code in ("heating-transfer", "water-transfer"):
        for blank in (None, "", " "):
            wrong = {"property.owner": blank, "identity.person": blank}
            form, evidence = changed(code, wrong)
            decision = decide(CATALOGUE.item(code, TODAY), form, evidence, TODAY)
            assert (decision.outcome, decision.reasons) == (Outcome.REFERRED, ("owner",))


@pytest.mark.parametrize("blank", [None, ""])
def test_nobodys_loan_is_not_paid(blank: Any) -> None:
    wrong = {"loan.borrower": blank, "marriage.spouse": blank}
    form, evidence = changed("housing-fund-repayment", wrong)
    decision = decide(CATALOGUE.item("housing-fund-repayment", TODAY), form, evidence, TODAY)
    assert (decision.outcome, decision.reasons) == (Outcome.REFERRED, ("own-loan",))
    assert "loan.borrower is blank" in because(decision)


@pytest.mark.parametrize("born", ["", None, "2099-01-01", "2026-03-02", "1066-10-14", 19950501])
def test_who_was_never_born_is_not_young(born: Any) -> None:
    decision = with_member("first-home-subsidy", "identity", "born", born)
    assert (decision.outcome, decision.reasons) == (Outcome.REFERRED, ("young",))
    assert "identity.born is" in because(decision)


@pytest.mark.parametrize(
    ("code", "material", "name", "value"),
    [
        ("housing-fund-repayment", "account", "status", None),
        ("housing-fund-repayment", "account", "status", "NORMAL"),
        ("living-allowance", "employment", "employed", None),
        ("living-allowance", "employment", "employed", "true"),
        ("living-allowance", "employment", "employed", 1),
        ("living-allowance", "employment", "employed", 0),
        ("social-security-query", "insurance", "found", "yes"),
    ],
)
def test_a_department_that_says_it_otherwise_refuses_nobody(
    code: str, material: str, name: str, value: Any
) -> None:
    assert with_member(code, material, name, value).outcome is Outcome.REFERRED


def test_a_blank_that_says_something_is_declared() -> None:
    never = with_member("housing-fund-repayment", "account", "last_withdrawal", "")
    assert never.outcome is Outcome.APPROVED
    alone = with_member("housing-fund-repayment", "marriage", "spouse", "")
    assert alone.outcome is Outcome.APPROVED


@pytest.mark.parametrize(
    ("require", "problem"),
    [
        ("vaccination.left == vaccination.right", "vaccination.left is blank"),
        ('vaccination["left"] == vaccination["right"]', "vaccination has a blank member"),
        ("vaccination.left == null", "vaccination.left is blank"),
        ("form.reason == null", "form.reason is not asked"),
        ("months_between(vaccination.date, today)", "no truth"),
        ("'\"yes\"'", "no truth"),
        ("'null'", "no truth"),
        ("parameters.later == 1", "parameters.later is not in force"),
    ],
)
def test_without_a_type_a_blank_is_none_either(tmp_path: Path, require: str, problem: str) -> None:
    folder = new_item(
        tmp_path,
        "dog.yaml",
        **{"months_between(vaccination.date, today) < parameters.months": require},
    )
    item = without_types(folder)
    for blank in (None, "", "  "):
        record = {"date": "2026-01-01", "left": blank, "right": blank}
        decision = decide(item, {}, {"vaccination": record}, TODAY)
        assert (decision.outcome, decision.reasons) == (Outcome.REFERRED, ("vaccinated",))
        assert problem in because(decision)


def test_no_record_replaces_the_day(tmp_path: Path) -> None:
    """Nor the answers, nor the parameters."""
    form, evidence = changed("housing-fund-purchase", {"purchase.signed": "2024-01-31"})
    evidence |= {"today": "2024-02-01", "parameters": {"months_since_purchase": 999}}
    item = CATALOGUE.item("housing-fund-purchase", TODAY)
    assert decide(item, form, evidence, TODAY).outcome is Outcome.REFUSED


@pytest.mark.parametrize(
    ("members", "problem"),
    [
        ("{date: day}", "type"),
        ("{date: {type: date, min: 3}}", "only a number has min and max"),
        ("{date: {type: choice}}", "has choices"),
        ("{date: {type: text, future: true}}", "only a date"),
        ("{date: {type: integer, max: '5'}}", "max"),
    ],
)
def test_a_type_that_is_none_is_named_with_its_line(
    tmp_path: Path, members: str, problem: str
) -> None:
    folder = new_item(tmp_path, "dog.yaml", **{"members: {date: date}": f"members: {members}"})
    with pytest.raises(DefinitionError, match=r"dog.yaml:12: ") as wrong:
        load_definitions(folder)
    assert problem in wrong.value.message


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("true", "value"),
        ("1.0", "value"),
        ("'12'", "value"),
        ("-1", "not a whole number of months"),
    ],
)
def test_a_parameter_is_of_its_type(tmp_path: Path, value: str, problem: str) -> None:
    folder = new_item(tmp_path, "dog.yaml", **{"value: 12": f"type: months, value: {value}"})
    with pytest.raises(DefinitionError, match=r"dog.yaml:2\d: ") as wrong:
        load_definitions(folder)
    assert problem in wrong.value.message


@pytest.mark.parametrize("nobody", ["----", "0000", "none", "null", "0000-0000"])
def test_two_numbers_that_are_nobodys_are_not_the_same_person(nobody: str) -> None:
    form, evidence = copy.deepcopy(GOOD["heating-transfer"])
    evidence["property"]["owner"] = evidence["identity"]["person"] = nobody
    item = CATALOGUE.item("heating-transfer", TODAY)
    assert decide(item, form, evidence, TODAY).outcome is Outcome.REFERRED


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("11010519491231002X", "11010519491231002x"),
        ("11010519491231002X", "110105491231002"),
        ("11010519491231002X", "110105-19491231-002X"),
        ("E1234567", "e123-4567"),
    ],
)
def test_one_number_is_one_person_however_a_department_writes_it(one: str, other: str) -> None:
    form, evidence = copy.deepcopy(GOOD["heating-transfer"])
    evidence["property"]["owner"], evidence["identity"]["person"] = one, other
    item = CATALOGUE.item("heating-transfer", TODAY)
    assert decide(item, form, evidence, TODAY).outcome is Outcome.APPROVED


@pytest.mark.parametrize("nothing", ["-", "/", "n/a", "无", "000", "(待定)", "?"])
def test_two_texts_that_say_nothing_prove_nothing(nothing: str) -> None:
    form, evidence = copy.deepcopy(GOOD["housing-fund-repayment"])
    for material in ("property", "purchase", "loan"):
        evidence[material]["home"] = nothing
    item = CATALOGUE.item("housing-fund-repayment", TODAY)
    decision = decide(item, form, evidence, TODAY)
    assert (decision.outcome, decision.reasons) == (Outcome.REFERRED, ("own-home",))
    assert "loan.home is not a text that says something" in because(decision)


def with_answer(folder: Path, field: str, value: str) -> tuple[Decision, str | None]:
    """What is decided on an answer of type date, and what the form says of it."""
    asked = (
        f"\nform:\n  - {{name: since, label: 自, label_en: Since, type: date{field}}}\nmaterials"
    )
    where = new_item(
        folder,
        "dog.yaml",
        **{
            "\nmaterials:": f"{asked}:",
            "months_between(vaccination.date, today) < p": "months_between(form.since, today) >= p",
            "vaccination: {date: 2025-06-01}": "vaccination: {date: 2025-06-01}\n"
            "  form: {since: 2024-01-01}",
            "{vaccination.date: 2025-01-01}": "{form.since: 2025-12-01}",
        },
    )
    (item,) = (
        item
        for item in load_definitions(where).of(Catalogue).on(TODAY)
        if item.code == "dog-licence"
    )
    try:
        checked_form(item, {"since": value}, TODAY)
        said = None
    except FormInvalid as invalid:
        said = invalid.details["fields"][0]["problem"]
    return decide(item, {"since": value}, {"vaccination": {"date": "2025-06-01"}}, TODAY), said


@pytest.mark.parametrize(
    ("field", "value", "outcome"),
    [
        ("", "2024-02-29", Outcome.APPROVED),
        ("", str(TODAY), Outcome.REFUSED),
        ("", "0001-01-01", Outcome.REFERRED),
        ("", "9999-12-31", Outcome.REFERRED),
        (", future: true", "2026-03-02", Outcome.REFUSED),
        (", future: true", "0001-01-01", Outcome.REFERRED),
    ],
)
def test_an_answer_of_a_date_has_the_range_of_a_records(
    tmp_path: Path, field: str, value: str, outcome: Outcome
) -> None:
    decision, said = with_answer(tmp_path, field, value)
    assert decision.outcome is outcome
    assert (said is None) == (outcome is not Outcome.REFERRED)


def test_only_a_date_is_in_the_future(tmp_path: Path) -> None:
    asked = (
        "\nform:\n  - {name: n, label: 數, label_en: N, type: integer, future: true}\nmaterials:"
    )
    with pytest.raises(DefinitionError, match="only a date may be in the future"):
        load_definitions(new_item(tmp_path, "dog.yaml", **{"\nmaterials:": asked}))
