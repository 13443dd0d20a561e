"""A number that is corrected while money is on its way, or while officers decide."""

from collections.abc import AsyncIterator

import pytest

from citybrain.settings import Settings
from ops.simulators.applications.departments import Departments
from tests.given.api import Api
from tests.given.applying import (
    applied,
    applying,
    by_officer,
    command,
    confirmed,
    id_number,
    identified,
    identify,
    review,
    state,
    topics,
    until,
)
from tests.given.waiting import eventually

FROZEN = 6
GROUNDS = {"grounds": "the account is open"}


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


async def corrected(api: Api, citizen: str, number: str) -> None:
    """A clerk has seen that the number was somebody else's, and a supervisor agrees."""
    await identify(api, citizen, "record-change")
    path = f"/v1/citizens/{citizen}/corrections"
    said = {"what": "identity", "grounds": "a slip", "number": number, "mistaken": True}
    proposed = await api.call("POST", path, "clerk", json=said)
    assert proposed.status == 200, proposed.body
    body = {"correction_id": proposed.json["correction_id"], "outcome": "confirmed"}
    settled = await api.call("POST", f"{path}/settlement", "supervisor", json=body)
    assert settled.status == 200, settled.body


@pytest.mark.parametrize("mode", ["pay-then-error", "down"])
async def test_who_was_to_be_paid_first_is_paid_whatever_is_corrected_meanwhile(
    api: Api, departments: Departments, mode: str
) -> None:
    await departments.fault("bank-payments", mode)
    number = id_number()
    citizen = await identified(api, number)
    application = await applied(api, citizen)
    await until(api, application, "paying")
    if mode == "pay-then-error":

        async def booked() -> bool:
            return bool(departments.ledger())

        await eventually(booked)
    await corrected(api, citizen, id_number())
    await departments.fault("bank-payments", "ok")
    paid = await until(api, application, "paid")
    (payment,) = departments.ledger()
    assert payment["payee_id_number"] == number
    assert payment["amount_fen"] == paid.paid_fen
    raw = b"".join(event.state for event in await api.runtime.store.read(application))
    assert number.encode() not in raw


async def could_not_be_paid(api: Api, departments: Departments) -> tuple[str, str]:
    """An application whose payout the bank refused, and its applicant."""
    await departments.fault("bank-payments", "refuse")
    citizen = await identified(api)
    application = await applied(api, citizen)
    await until(api, application, "payout-failed")

    async def compensated() -> bool:
        return "compensated" in await topics(api, application)

    await eventually(compensated)
    await departments.fault("bank-payments", "ok")
    return application, citizen


async def test_no_officer_approves_on_the_records_of_somebody_else(
    api: Api, departments: Departments
) -> None:
    application, citizen = await could_not_be_paid(api, departments)
    await corrected(api, citizen, id_number(FROZEN))
    refused = await review(api, application, outcome="approved", amount_fen=500)
    assert refused.is_problem(409, "identity-corrected")
    asked = await by_officer(api, application, "evidence", "official-fund-1")
    assert asked.status == 422  # no note belongs to that
    office = {"subject": "official-fund-1", "department": "housing-fund"}
    assert (await command(api, application, "evidence", "official", **office)).status == 200
    ended = await until(api, application, "refused", "paid")
    assert (ended.status, ended.reasons, ended.rounds) == ("refused", ["account-normal"], 2)
    assert [each["status"] for each in departments.ledger()] == ["failed"]


async def test_no_second_officer_confirms_what_was_proposed_for_somebody_else(
    api: Api, departments: Departments
) -> None:
    citizen = await identified(api, id_number(FROZEN))
    application = await applied(api, citizen)
    await until(api, application, "refused")
    await command(api, application, "appeal", "citizen", GROUNDS, subject=citizen)
    proposed = await review(api, application, outcome="approved", amount_fen=500)
    assert proposed.json["status"] == "awaiting-second-reviewer"
    number = id_number()
    await corrected(api, citizen, number)
    assert (await confirmed(api, application, 500)).is_problem(409, "identity-corrected")
    back = await by_officer(api, application, "review/turning-back", "official-fund-2")
    assert back.json["status"] == "referred"
    refused = await review(api, application, outcome="refused", reasons=["grounds-not-shown"])
    assert refused.status == 200  # a refusal pays nobody
    await command(api, application, "appeal", "citizen", GROUNDS, subject=citizen)
    office = {"subject": "official-fund-2", "department": "housing-fund"}
    assert (await command(api, application, "evidence", "official", **office)).status == 200
    await until(api, application, "paid")
    assert [each["payee_id_number"] for each in departments.ledger()] == [number]


async def test_what_was_paid_stands_and_nothing_more_is_paid_on_old_records(
    api: Api, departments: Departments
) -> None:
    citizen = await identified(api)
    application = await applied(api, citizen)
    paid_fen = (await until(api, application, "paid")).paid_fen
    await command(api, application, "appeal", "citizen", GROUNDS, subject=citizen)
    await corrected(api, citizen, id_number())
    more = await review(api, application, outcome="approved", amount_fen=paid_fen + 1)
    assert more.is_problem(409, "identity-corrected")
    reasons = ["grounds-not-shown"]
    stands = await review(
        api, application, outcome="approved", amount_fen=paid_fen, reasons=reasons
    )
    assert stands.json["status"] == "paid"
    assert (await state(api, application)).paid_fen == paid_fen
