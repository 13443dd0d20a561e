"""Departments that know nothing of each other agree on made-up people, for any number."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.definitions.applications.catalogue import Catalogue, ServiceItem
from citybrain.definitions.applications.deciding import Outcome, decide
from citybrain.domain.citizens.documents import identity_document
from ops.simulators.applications.departments import people
from ops.simulators.applications.departments.people import RECORDS, Paid, Person
from ops.simulators.applications.identity_numbers import identity_number
from tests.given.services import DEFINITIONS
from tests.given.storm import examples

TODAY = date(2026, 3, 2)
ITEMS = DEFINITIONS.of(Catalogue).on(TODAY)
FORM = {"ground": "job", "contract_number": "1"}
YOUNG = st.integers(TODAY.year - 34, TODAY.year - 20)
SERIAL = st.integers(0, 10**6)
# What the rules of an item say of a circumstance; all others approve.
REFUSALS = {
    ("housing-fund-repayment", 6): "account-normal",
    ("housing-fund-repayment", 7): "once-a-year",
    ("housing-fund-repayment", 8): "own-loan",
    ("housing-fund-purchase", 6): "account-normal",
    ("first-home-subsidy", 9): "degree",
    ("living-allowance", 9): "degree",
    ("residence-permit", 9): "stable-job",
}


@pytest.fixture(autouse=True, scope="module")
def it_is_today() -> Iterator[None]:
    """For the departments as well, whose people have withdrawn or bought lately."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(people, "_today", lambda: TODAY)
        yield


def nothing(_: str) -> Paid:
    return Paid()


def person(number: str) -> Person:
    return Person(number, 1, nothing)


def number_of(year: int, circumstance: int, serial: int, spouse: bool) -> str:
    born = date(year, 5, 1)
    return identity_number(born, serial, circumstance=circumstance, spouse=spouse)


def known_of(number: str, item: ServiceItem) -> dict[str, Any]:
    return {
        material.name: RECORDS[material.department, material.record](person(number), FORM)
        for material in item.materials
    }


def test_every_material_of_every_item_has_a_department_that_knows_it() -> None:
    asked = {(each.department, each.record) for item in ITEMS for each in item.materials}
    assert len(ITEMS) == 8
    assert asked <= set(RECORDS)


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.code)
@examples(60)
@given(YOUNG, st.integers(0, 9), SERIAL, st.booleans())
def test_rules_see_the_circumstance_and_nothing_else(
    item: ServiceItem, year: int, circumstance: int, serial: int, spouse: bool
) -> None:
    number = number_of(year, circumstance, serial, spouse)
    decision = decide(item, FORM, known_of(number, item), TODAY)
    reason = REFUSALS.get((item.code, circumstance))
    if reason is None:
        assert decision.outcome is Outcome.APPROVED, (number, decision.reasons)
    else:
        assert decision.outcome is Outcome.REFUSED, number
        assert reason in decision.reasons


@examples(60)
@given(st.text(min_size=1))
def test_any_number_has_a_record_of_each_kind(number: str) -> None:
    for make in RECORDS.values():
        assert make(person(number), FORM)


@examples(60)
@given(YOUNG, st.integers(0, 9), SERIAL, st.booleans())
def test_departments_agree_on_a_couple(
    year: int, circumstance: int, serial: int, spouse: bool
) -> None:
    number = number_of(year, circumstance, serial, spouse)
    one = person(number)
    assert identity_document(one.spouse).number == one.spouse
    other = person(one.spouse)
    assert other.spouse == number != one.spouse
    assert (one.home, one.loan, one.couple) == (other.home, other.loan, other.couple)
    for source in (("credit-registry", "loan-contract"), ("bank", "repayment-ledger")):
        if "8" not in (number[-3], one.spouse[-3]):
            assert RECORDS[source](one, FORM) == RECORDS[source](other, FORM)


@examples(60)
@given(YOUNG, SERIAL, st.booleans(), st.integers(1, 10**6))
def test_money_that_was_paid_is_seen_by_fund_and_registry(
    year: int, serial: int, one: bool, amount_fen: int
) -> None:
    number = number_of(year, 0, serial, one)

    def paid(whom: str) -> Paid:
        return Paid(amount_fen, str(TODAY)) if whom == number else Paid()

    account, loan = RECORDS["housing-fund", "account"], RECORDS["credit-registry", "loan-contract"]
    before, after = account(person(number), FORM), account(Person(number, 1, paid), FORM)
    assert before["balance_fen"] - after["balance_fen"] == amount_fen
    assert after["withdrawn_for_loan_fen"] == amount_fen
    assert after["last_withdrawal"] == str(TODAY)
    spouse = Person(person(number).spouse, 1, paid)
    assert loan(spouse, FORM)["withdrawn_by_spouse_fen"] == amount_fen
    assert account(spouse, FORM) == account(person(spouse.number), FORM)
