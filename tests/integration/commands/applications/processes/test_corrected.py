"""Who applies is corrected on the way: nobody is paid on the records of somebody else."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import pytest

from citybrain.domain.actor import Actor, Role
from citybrain.domain.applications.application import Application
from citybrain.domain.applications.entitlement import Entitlement
from citybrain.domain.applications.statuses import Status
from citybrain.errors import Unavailable
from citybrain.settings import Settings
from commands.applications.processes import application as process
from commands.applications.processes import claiming, drawing
from commands.applications.reviewing import (
    ConfirmReview,
    ReviewApplication,
    confirm_review,
    review_application,
)
from commands.citizens.records import (
    ProposeCorrection,
    SettleCorrection,
    propose_correction,
    settle_correction,
)
from commands.services import Services
from ops.simulators.applications.departments import Departments, open_departments
from ops.simulators.applications.identity_numbers import identity_number
from tests.given.driving import (
    REPAYMENT,
    applied,
    context,
    drive,
    identify,
    services_with_clock,
    state,
)
from tests.given.failing import Broken, Switch

BORN = date(1990, 5, 1)
FROZEN = 6
QUERY = "social-security-query"
OTHER_CLERK = Actor("clerk-2", frozenset({Role.CLERK}), counter="counter-2")
OFFICERS = [Actor(f"official-{n}", frozenset({Role.OFFICIAL}), "housing-fund") for n in (1, 2)]
HALF_WAY = [Status.COLLECTING, Status.COLLECTED, Status.APPROVED]


@pytest.fixture
async def departments(settings: Settings) -> AsyncIterator[Departments]:
    async with open_departments(settings.data_dir, latency=(0.0, 0.0), seed=1) as opened:
        yield opened


@pytest.fixture
async def services(settings: Settings, departments: Departments) -> AsyncIterator[Services]:
    async with services_with_clock(settings) as opened:
        yield opened


async def corrected(services: Services, citizen: str, circumstance: int = 0) -> str:
    """The number was somebody else's: two people write the right one, which is returned."""
    number = identity_number(BORN, 77, circumstance=circumstance)
    await identify(services, citizen, "record-change")
    said = ProposeCorrection(what="identity", number=number, mistaken=True, grounds="a slip")
    asked = await propose_correction(citizen, said, context(), services)
    settled = SettleCorrection(correction_id=asked.answer["correction_id"], outcome="confirmed")
    await settle_correction(citizen, settled, context(OTHER_CLERK), services)
    return number


def away(*_: Any, **__: Any) -> Any:
    raise Unavailable("the store is away")


def stopped_in(
    status: Status, services: Services, broken: pytest.MonkeyPatch, switch: Switch
) -> None:
    """Let what comes after a status fail, while the switch is on."""
    if status is Status.COLLECTING:

        def concerns(request: Any, *_: Any) -> bool:
            return bool(request.department in ("police", "social-security"))

        services.exchange = Broken(services.exchange, switch, lambda: Unavailable("no"), concerns)
    elif status is Status.COLLECTED:
        broken.setattr(drawing, "decide", away)
    else:
        broken.setattr(process, "payout_time", away)


async def half_way(
    services: Services, monkeypatch: pytest.MonkeyPatch, status: Status, service: str = REPAYMENT
) -> tuple[str, str]:
    """An application that got no further than a status, and its applicant."""
    application, citizen = await applied(services, service=service)
    await identify(services, citizen, service)
    switch = Switch(True)
    with monkeypatch.context() as broken:
        stopped_in(status, services, broken, switch)
        assert (await drive(services, application)).status == status
    switch.on = False
    return application, citizen


async def nothing_is_held(services: Services) -> bool:
    rows = await services.store.pool.fetch(
        "SELECT DISTINCT originator_id FROM stored_events WHERE topic = 'entitlement.claimed'"
    )
    found = [await services.store.load(Entitlement, row["originator_id"]) for row in rows]
    return all(entitlement.holder is None for entitlement in found)


@pytest.mark.parametrize("status", HALF_WAY)
async def test_the_rules_decide_on_the_records_of_who_it_is(
    services: Services, departments: Departments, monkeypatch: pytest.MonkeyPatch, status: Status
) -> None:
    application, citizen = await half_way(services, monkeypatch, status)
    await corrected(services, citizen, FROZEN)
    found = await drive(services, application)
    assert (found.status, found.reasons) == (Status.REFUSED, ["account-normal"])
    assert found.rounds == 2
    assert departments.ledger() == []
    assert await nothing_is_held(services)


@pytest.mark.parametrize("status", HALF_WAY)
async def test_who_it_is_is_paid(
    services: Services, departments: Departments, monkeypatch: pytest.MonkeyPatch, status: Status
) -> None:
    application, citizen = await half_way(services, monkeypatch, status)
    number = await corrected(services, citizen)
    found = await drive(services, application)
    assert (found.status, found.rounds) == (Status.PAID, 2)
    assert [payment["payee_id_number"] for payment in departments.ledger()] == [number]
    assert await nothing_is_held(services)


@pytest.mark.parametrize("status", [Status.COLLECTING, Status.COLLECTED])
async def test_an_item_without_money_is_decided_so_too(
    services: Services, monkeypatch: pytest.MonkeyPatch, status: Status
) -> None:
    application, citizen = await half_way(services, monkeypatch, status, QUERY)
    await corrected(services, citizen)
    assert (await drive(services, application)).rounds == 2


async def approved_by_officers(
    services: Services, departments: Departments, monkeypatch: pytest.MonkeyPatch
) -> tuple[Application, str]:
    """Approved by two where a record was missing, and not paid yet."""
    await departments.fault("police", "reject")
    application, citizen = await applied(services)
    await identify(services, citizen)
    assert (await drive(services, application)).status == Status.REFERRED
    first, second = (context(officer) for officer in OFFICERS)
    said = ReviewApplication(outcome="approved", amount_fen=500, note="looked")
    await review_application(application, said, first, services)
    if (await state(services, application)).status == Status.AWAITING_SECOND:
        agreed = ConfirmReview(amount_fen=500, note="looked")
        await confirm_review(application, agreed, second, services)
    await departments.fault("police", "ok")
    with monkeypatch.context() as broken:
        broken.setattr(process, "payout_time", away)
        found = await drive(services, application)
    assert (found.status, found.by_officer) == (Status.APPROVED, True)
    return found, citizen


async def test_no_approval_of_an_officer_stands_for_somebody_else(
    services: Services, departments: Departments, monkeypatch: pytest.MonkeyPatch
) -> None:
    application, citizen = await approved_by_officers(services, departments, monkeypatch)
    await corrected(services, citizen, FROZEN)
    found = await drive(services, application.id)
    assert (found.status, found.by_officer) == (Status.REFUSED, False)
    assert departments.ledger() == []
    assert await nothing_is_held(services)


async def test_where_it_was_asked_for_too_often_an_officer_has_it(
    services: Services, departments: Departments, monkeypatch: pytest.MonkeyPatch
) -> None:
    application, citizen = await half_way(services, monkeypatch, Status.APPROVED)
    await corrected(services, citizen)
    monkeypatch.setattr(claiming, "MOST_ROUNDS", 1)
    found = await drive(services, application)
    assert (found.status, found.reasons) == (Status.REFERRED, ["identity-corrected"])
    assert departments.ledger() == []
    assert await nothing_is_held(services)
