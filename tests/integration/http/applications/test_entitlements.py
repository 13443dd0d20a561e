"""What money is drawn on: no account, loan or person gives more than it has, whoever approves."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from citybrain.domain.applications.application import Application
from citybrain.domain.applications.entitlement import Entitlement
from citybrain.exchange import patience
from citybrain.settings import Settings
from ops.simulators.applications.departments import Departments
from ops.simulators.applications.departments.people import RECORDS, Person
from tests.given.api import Api
from tests.given.applying import (
    REPAYMENT,
    applied,
    applying,
    command,
    id_number,
    identified,
    identify,
    state,
    until,
)
from tests.given.waiting import eventually

PURCHASE, ALLOWANCE = "housing-fund-purchase", "living-allowance"
LOAN, ACCOUNT = ("credit-registry", "loan-contract"), ("housing-fund", "account")
LEDGER = ("bank", "repayment-ledger")
Change = Callable[[Person], dict[str, Any]]


@pytest.fixture
async def both(settings: Settings) -> AsyncIterator[tuple[Api, Departments]]:
    async with applying(settings) as started:
        yield started


@pytest.fixture
def api(both: tuple[Api, Departments]) -> Api:
    return both[0]


@pytest.fixture
def departments(both: tuple[Api, Departments]) -> Departments:
    return both[1]


@pytest.fixture
def records(monkeypatch: pytest.MonkeyPatch) -> Callable[[tuple[str, str], Change], None]:
    """Let a department say something else in its record."""

    def change(record: tuple[str, str], say: Change) -> None:
        was = RECORDS[record]
        monkeypatch.setitem(RECORDS, record, lambda person, form: was(person, form) | say(person))

    return change


Records = Callable[[tuple[str, str], Change], None]


async def couple(api: Api) -> list[str]:
    """Two spouses who were identified."""
    place = 7_000
    return [
        await identified(api, id_number(spouse=spouse, place=place)) for spouse in (False, True)
    ]


def paid_fen(departments: Departments) -> int:
    return sum(each["amount_fen"] for each in departments.ledger() if each["status"] == "success")


async def approve(api: Api, application: str, fen: int, office: str = "housing-fund") -> None:
    """Officers approve an amount: a second agrees where it takes two."""
    said = {"outcome": "approved", "amount_fen": fen, "note": "looked"}
    first = {"subject": "official-1", "department": office}
    answer = await command(api, application, "review", "official", said, **first)
    assert answer.status == 200, answer.body
    if answer.json["status"] == "awaiting-second-reviewer":
        said, second = {"amount_fen": fen, "note": "looked"}, first | {"subject": "official-2"}
        answer = await command(api, application, "review/confirmation", "official", said, **second)
        assert answer.status == 200, answer.body


@asynccontextmanager
async def bank_away(api: Api, departments: Departments, ids: list[str]) -> AsyncIterator[None]:
    """No money moves before one of the two holds what they draw on, and the other waits for it."""
    await departments.fault("bank-payments", "down")
    yield

    async def one_waits_for_the_other() -> bool:
        found = [(await state(api, each)).status for each in ids]
        return sorted(found) == ["approved", "paying"]

    await eventually(one_waits_for_the_other)
    await departments.fault("bank-payments", "ok")


async def back_in_the_queue(api: Api, application: str, reason: str) -> Application:
    """Before an officer again, by the claim."""

    async def there() -> Application | None:
        found = await state(api, application)
        return found if (found.status, found.reasons) == ("referred", [reason]) else None

    return await eventually(there)


async def test_two_items_at_once_draw_no_more_than_one_account_holds(
    api: Api, departments: Departments, records: Records
) -> None:
    balance, reserve = 7_214_437, 100

    def account(person: Person) -> dict[str, Any]:
        return {"balance_fen": balance - person.paid(person.number).amount_fen}

    records(ACCOUNT, account)
    records(LEDGER, lambda person: {"repaid_fen": 2_172_079})
    citizen = await identified(api)
    await identify(api, citizen, PURCHASE)
    ids = await asyncio.gather(
        *(applied(api, citizen, service) for service in (REPAYMENT, PURCHASE))
    )
    ended = [await until(api, each) for each in ids]
    assert paid_fen(departments) <= balance - reserve
    assert [each.status for each in ended] in (["paid", "paid"], ["refused", "paid"])
    assert sum(each.amount_fen or 0 for each in ended) == paid_fen(departments)
    shared = set(ended[0].claims) & set(ended[1].claims)
    assert len(shared) == 2 or ended[0].status == "refused"  # the account and the person


async def test_without_the_loan_nobody_is_paid_for_it_whoever_approves(
    api: Api, departments: Departments, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "COOLS_SECONDS", 0.0)
    await departments.fault("credit-registry", "down")
    usual = api.runtime.services.settings.application_evidence_seconds
    api.runtime.services.settings.application_evidence_seconds = 1.0
    ids = [await applied(api, citizen) for citizen in await couple(api)]
    for each in ids:
        await until(api, each, "referred")
        await approve(api, each, 500)
    for each in ids:
        found = await back_in_the_queue(api, each, "draws-on-unknown")
        assert found.rounds == 2  # the approval asked the departments again
    assert departments.ledger() == []

    await departments.fault("credit-registry", "ok")
    api.runtime.services.settings.application_evidence_seconds = usual
    async with bank_away(api, departments, ids):
        await asyncio.gather(*(approve(api, each, 500) for each in ids))
    ended = [await until(api, each, "paid", "referred") for each in ids]
    assert sorted(each.status for each in ended) == ["paid", "referred"]
    (second,) = (each for each in ended if each.status == "referred")
    assert second.reasons == ["drawn-meanwhile"]  # the officer looks at what the first has left
    await approve(api, second.id, 500)
    await until(api, second.id, "paid")
    assert [each["amount_fen"] for each in departments.ledger()] == [500, 500]


@pytest.mark.parametrize("spelt", ["L-77/2020 ", "Ｌ－７７／２０２０", "l-77/2020", "L–77 / 2020"])
async def test_one_loan_is_one_however_it_is_written(
    api: Api, departments: Departments, records: Records, spelt: str
) -> None:
    records(
        LOAN, lambda person: {"number": spelt if person.number > person.spouse else "L-77/2020"}
    )
    ids: list[str] = []
    async with bank_away(api, departments, ids):
        ids += [await applied(api, citizen) for citizen in await couple(api)]
    ended = [await until(api, each) for each in ids]
    assert sorted(each.rounds for each in ended) == [1, 2]  # one was decided on what the other left
    assert len(departments.ledger()) == 1


async def test_two_strangers_without_a_loan_number_are_nobodys_rivals(
    api: Api, departments: Departments, records: Records
) -> None:
    records(LOAN, lambda person: {"number": None})
    ids = [await applied(api, await identified(api)) for _ in range(2)]
    for each in ids:
        referred = await until(api, each)
        assert (referred.status, referred.reasons) == ("referred", ["draws-on-unknown"])
        await approve(api, each, 500)
    for each in ids:
        await back_in_the_queue(api, each, "draws-on-unknown")
    assert departments.ledger() == []
    claimed = await api.runtime.store.pool.fetch(
        "SELECT 1 FROM stored_events WHERE topic = 'entitlement.claimed'"
    )
    assert claimed == []


async def test_an_allowance_is_paid_once_a_month_whatever_the_department_knows(
    api: Api, departments: Departments
) -> None:
    citizen = await identified(api, service=ALLOWANCE)
    paid = await until(api, await applied(api, citizen, ALLOWANCE))
    assert paid.status == "paid"
    for _ in range(2):
        await identify(api, citizen, ALLOWANCE)
        again = await until(api, await applied(api, citizen, ALLOWANCE))
        assert (again.status, again.reasons) == ("referred", ["paid-too-lately"])
        await approve(api, again.id, 500, "social-security")
        await back_in_the_queue(api, again.id, "paid-too-lately")
        await command(api, again.id, "withdrawal", "citizen", subject=citizen)
    assert len(departments.ledger()) == 1
    (claim,) = paid.claims
    person = await api.runtime.store.load(Entitlement, claim)
    assert (person.holder, len(person.payments)) == (None, 1)


async def test_an_officer_gives_no_more_than_the_account_has(
    api: Api, departments: Departments, records: Records
) -> None:
    records(ACCOUNT, lambda person: {"balance_fen": 600})
    await departments.fault("police", "down")
    api.runtime.services.settings.application_evidence_seconds = 1.0
    application = await applied(api, await identified(api))
    await until(api, application, "referred")
    await approve(api, application, 501)
    await back_in_the_queue(api, application, "more-than-there-is")
    await approve(api, application, 500)
    await until(api, application, "paid")
    assert paid_fen(departments) == 500


async def test_what_was_paid_before_a_number_was_corrected_counts(
    api: Api, departments: Departments
) -> None:
    citizen = await identified(api, service=ALLOWANCE)
    await until(api, await applied(api, citizen, ALLOWANCE), "paid")
    await identify(api, citizen, "record-change")
    path = f"/v1/citizens/{citizen}/corrections"
    said = {"what": "identity", "grounds": "a new card", "number": id_number()}
    proposed = await api.call("POST", path, "clerk", json=said)
    body = {"correction_id": proposed.json["correction_id"], "outcome": "confirmed"}
    settled = await api.call("POST", f"{path}/settlement", "clerk", subject="clerk-2", json=body)
    assert settled.status == 200, settled.body
    await identify(api, citizen, ALLOWANCE)
    again = await until(api, await applied(api, citizen, ALLOWANCE))
    assert (again.status, again.reasons) == ("referred", ["paid-too-lately"])
    assert len(departments.ledger()) == 1
