"""Of somebody whose death was noted nothing is approved and paid, and nothing waits for ever."""

from collections.abc import AsyncIterator
from datetime import date
from functools import partial
from typing import Any

import pytest

from citybrain.domain.actor import Actor, Role
from citybrain.domain.applications.application import Channel, Step
from citybrain.domain.applications.entitlement import Entitlement
from citybrain.domain.applications.statuses import Status
from citybrain.domain.citizens import PersonDeceased
from citybrain.errors import Unavailable
from citybrain.eventstore import StreamNotFound
from citybrain.settings import Settings
from commands.applications.application import SubmitApplication, submit_application
from commands.applications.processes.application import ApplicationProcess, _Drive
from commands.applications.processes.deceased import DeceasedApplicants
from commands.applications.reviewing import ReviewApplication, review_application
from commands.citizens.records import (
    ProposeCorrection,
    SettleCorrection,
    propose_correction,
    settle_correction,
)
from commands.processes.runner import context_of
from commands.services import Services
from ops.simulators.applications.departments import Departments, open_departments
from tests.given.driving import (
    REPAYMENT,
    applied,
    context,
    drive,
    identify,
    services_with_clock,
    state,
)

QUERY = "social-security-query"
OTHER_CLERK = Actor("clerk-2", frozenset({Role.CLERK}), counter="counter-2")
OFFICER = Actor("official-fund-1", frozenset({Role.OFFICIAL}), "housing-fund")


@pytest.fixture
async def departments(settings: Settings) -> AsyncIterator[Departments]:
    async with open_departments(settings.data_dir, latency=(0.0, 0.0), seed=1) as opened:
        yield opened


@pytest.fixture
async def services(settings: Settings, departments: Departments) -> AsyncIterator[Services]:
    async with services_with_clock(settings) as opened:
        yield opened


async def dies(services: Services, citizen: str) -> None:
    """Two clerks note a death."""
    said = ProposeCorrection(what="death", died_on=date(2026, 1, 1), grounds="a certificate")
    asked = await propose_correction(citizen, said, context(), services)
    settled = SettleCorrection(correction_id=asked.answer["correction_id"], outcome="confirmed")
    await settle_correction(citizen, settled, context(OTHER_CLERK), services)


async def noted(services: Services, citizen: str, applications: list[str] | None) -> None:
    """The process hears of it; the read model knows of these applications, or is behind."""

    async def of_citizen(_: Any, asked: str, position: int) -> list[str] | None:
        assert asked == citizen
        assert position == await services.store.head()
        return applications

    process = DeceasedApplicants(of_citizen)
    events = await services.store.read(citizen)
    (death,) = [event for event in events if event.topic in process.topics]
    await process.react(death, services, partial(context_of, process, death))


async def referred(services: Services, departments: Departments) -> tuple[str, str]:
    await departments.fault("police", "wrong-signature")
    application, citizen = await applied(services)
    await identify(services, citizen)
    assert (await drive(services, application)).status == Status.REFERRED
    return application, citizen


async def test_what_waits_for_people_is_closed(
    services: Services, departments: Departments
) -> None:
    application, citizen = await referred(services, departments)
    again = await submit_application(
        SubmitApplication(service=QUERY, channel=Channel.APP),
        context(Actor(citizen, frozenset({Role.CITIZEN}))),
        services,
    )
    await dies(services, citizen)
    for _ in range(2):  # once more after a crash
        await noted(services, citizen, [application, again.stream_id])
    for closed in (application, again.stream_id):
        assert (await state(services, closed)).status == Status.EXPIRED
        last = (await services.store.read(closed))[-1]
        assert last.data["reason"] == "person-deceased"


async def test_a_read_model_that_is_behind_is_waited_for(services: Services) -> None:
    _, citizen = await applied(services)
    await dies(services, citizen)
    with pytest.raises(Unavailable):
        await noted(services, citizen, None)


async def test_nobody_approves_or_applies_for_the_dead(
    services: Services, departments: Departments
) -> None:
    application, citizen = await referred(services, departments)
    await dies(services, citizen)
    approval = ReviewApplication(outcome="approved", amount_fen=100, note="looked")
    with pytest.raises(PersonDeceased):
        await review_application(application, approval, context(OFFICER), services)
    with pytest.raises(PersonDeceased):
        await submit_application(
            SubmitApplication(service=REPAYMENT, channel=Channel.COUNTER, citizen_id=citizen),
            context(),
            services,
        )


@pytest.mark.parametrize("step", [Step.COLLECT_EVIDENCE, Step.CLAIM_AND_INSTRUCT])
async def test_what_moves_is_closed_before_records_are_asked_and_before_money_moves(
    services: Services, step: Step, monkeypatch: pytest.MonkeyPatch
) -> None:
    application, citizen = await applied(services)
    await identify(services, citizen)
    take = _Drive._take

    async def dies_before(self: _Drive, now: Step, found: Any) -> Any:
        if now is step:
            await dies(services, citizen)
        return await take(self, now, found)

    with monkeypatch.context() as patched:
        patched.setattr(_Drive, "_take", dies_before)
        ended = await drive(services, application, ApplicationProcess())
    assert ended.status == Status.EXPIRED
    topics = [event.topic for event in await services.store.read(application)]
    assert "application.payout_instructed" not in topics
    if ended.claim_id is not None:
        with pytest.raises(StreamNotFound):  # nothing was claimed
            await services.store.load(Entitlement, ended.claim_id)
