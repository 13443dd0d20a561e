"""The server is killed at every step of an application's way: it ends right, money moves once."""

import os
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from uuid import uuid4

import pytest

from citybrain.app import open_services
from citybrain.domain.actor import Actor, Role
from citybrain.domain.applications.application import Application, Channel, Step
from citybrain.domain.applications.entitlement import Entitlement
from citybrain.domain.applications.statuses import Status
from citybrain.settings import Settings
from commands.applications.application import (
    SubmitApplication,
    WithdrawApplication,
    submit_application,
    withdraw_application,
)
from commands.citizens.citizen import RegisterCitizen, register_citizen
from commands.citizens.identity import ConfirmIdentity, confirm_identity
from commands.handling import CommandContext
from commands.services import Services
from ops.simulators.applications.departments import Departments, open_departments
from ops.simulators.applications.identity_numbers import identity_number
from tests.given.dying_server import DIED
from tests.given.waiting import eventually
from tests.given.warm import Warm

BORN = date(1995, 5, 1)
SERVICE = "housing-fund-repayment"
CLERK = Actor("clerk-1", frozenset({Role.CLERK}), counter="counter-1")
STEPS = sorted(set(Step) - {Step.NOTHING, Step.AWAIT_IDENTITY})
CLAIMED = "SELECT DISTINCT originator_id FROM stored_events WHERE topic = 'entitlement.claimed'"
ONCE = ("application.decided", "application.payout_instructed", "application.payout_confirmed")


def context() -> CommandContext:
    return CommandContext(CLERK, "test", uuid4(), uuid4())


@asynccontextmanager
async def workers(settings: Settings, step: Step, when: str) -> AsyncIterator[Warm]:
    assert settings.database_url is not None
    process = Warm(
        settings.data_dir / "said",
        "tests.given.dying_server",
        step.value,
        when,
        environment={
            **os.environ,
            "CITYBRAIN_MODE": "development",
            "CITYBRAIN_DATABASE_URL": settings.database_url.get_secret_value(),
            "CITYBRAIN_DATA_DIR": str(settings.data_dir),
        },
    )
    try:
        yield process
    finally:
        await process.kill()


async def applied(services: Services) -> str:
    """Somebody who was identified applies at a counter."""
    citizen = await register_citizen(
        RegisterCitizen(
            name="張三",
            id_number=identity_number(BORN, uuid4().int),
            birth_date=BORN,
            simulated=True,
        ),
        context(),
        services,
    )
    await confirm_identity(
        citizen.stream_id,
        ConfirmIdentity(purpose=SERVICE, document="identity-card"),
        context(),
        services,
    )
    result = await submit_application(
        SubmitApplication(service=SERVICE, channel=Channel.COUNTER, citizen_id=citizen.stream_id),
        context(),
        services,
    )
    return result.stream_id


async def until(services: Services, application_id: str, *statuses: Status) -> Application:
    async def reached() -> Application | None:
        found = await services.store.load(Application, application_id)
        return found if found.status in statuses and found.compensated else None

    return await eventually(reached)


async def drawn_on(services: Services) -> list[Entitlement]:
    """All that was ever claimed, once nobody holds any of it."""

    async def free() -> list[Entitlement] | None:
        rows = await services.store.pool.fetch(CLAIMED)
        found = [await services.store.load(Entitlement, row["originator_id"]) for row in rows]
        return None if any(each.holder for each in found) else found

    return await eventually(free)


async def life_and_death(
    settings: Settings, step: Step, when: str, departments: Departments
) -> tuple[Application, Counter[str], list[Entitlement]]:
    """Apply; the workers die at the step; others take over and go on to the end."""
    async with open_services(settings) as services:
        application_id = await applied(services)
        if step is Step.COMPENSATE:
            await departments.fault("bank-payments", "refuse")
        first_death = (Step.CLAIM_AND_INSTRUCT, "claimed") if step is Step.RELEASE else (step, when)
        async with workers(settings, *first_death) as first:
            await first.ended()
        assert (settings.data_dir / DIED).exists()
        if step is Step.RELEASE:  # between the claim and the money
            await withdraw_application(application_id, WithdrawApplication(), context(), services)
            (settings.data_dir / DIED).unlink()
            async with workers(settings, step, when) as second:
                await second.ended()
        async with workers(settings, step, when):
            ended = await until(
                services, application_id, Status.PAID, Status.PAYOUT_FAILED, Status.WITHDRAWN
            )
            entitlements = await drawn_on(services)
        events = await services.store.read(application_id)
        return ended, Counter(event.topic for event in events), entitlements


@pytest.mark.fault
@pytest.mark.parametrize(
    ("step", "when"),
    [
        *((step, when) for step in STEPS for when in ("before", "recording")),
        (Step.CLAIM_AND_INSTRUCT, "claimed"),
    ],
)
async def test_killed_at_each_step_it_ends_right(settings: Settings, step: Step, when: str) -> None:
    async with open_departments(settings.data_dir, latency=(0.0, 0.0), seed=1) as departments:
        ended, topics, entitlements = await life_and_death(settings, step, when, departments)
        paid = [each for each in departments.ledger() if each["status"] == "success"]
    expected = {Step.COMPENSATE: Status.PAYOUT_FAILED, Step.RELEASE: Status.WITHDRAWN}
    assert ended.status == expected.get(step, Status.PAID)
    assert len(paid) == (ended.status == Status.PAID)
    assert topics["application.evidence_collected"] == 7
    assert all(topics[topic] <= 1 for topic in ONCE)
    assert len(entitlements) == 3  # the account, the loan, and the person
    for entitlement in entitlements:
        assert (entitlement.settled_at is not None) == (ended.status == Status.PAID)
