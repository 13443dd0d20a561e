"""Applications that wait: they cost no task, outlive restarts, and end at their time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

import pytest

from citybrain.domain.applications.application import Application
from citybrain.domain.applications.statuses import Status
from citybrain.settings import Settings
from commands.applications.deadlines import identity_time, payout_time
from commands.applications.processes.application import ApplicationProcess
from commands.applications.processes.deadlines import ApplicationDeadlines
from commands.processes.batches import BatchRunner
from commands.processes.parked import parked_commands
from commands.processes.side_by_side import SideBySideRunner
from commands.services import Services
from ops.simulators.applications.departments import Departments, open_departments
from tests.given.driving import applied, identify, services_with_clock, set_ahead
from tests.given.waiting import eventually

MANY = 200


@pytest.fixture
async def departments(settings: Settings) -> AsyncIterator[Departments]:
    async with open_departments(settings.data_dir, latency=(0.0, 0.0), seed=1) as opened:
        yield opened


@pytest.fixture
async def services(settings: Settings, departments: Departments) -> AsyncIterator[Services]:
    async with services_with_clock(settings) as opened:
        yield opened


@asynccontextmanager
async def working(services: Services) -> AsyncIterator[SideBySideRunner]:
    """Both process managers of applications, new ones."""
    runner = SideBySideRunner(services.store, ApplicationProcess(), services)
    runners = [runner.run(), BatchRunner(services.store, ApplicationDeadlines(), services).run()]
    tasks = [asyncio.create_task(each) for each in runners]
    yield runner
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def until(services: Services, application_id: str, *statuses: Status) -> None:
    async def reached() -> bool:
        return (await services.store.load(Application, application_id)).status in statuses

    await eventually(reached)


async def waiting(services: Services, at_least: int) -> None:
    """Wait until so many wait, and their deadlines are noted."""
    for table in ("identity_waits", "stream_alarms"):
        query = f"SELECT count(*) >= {at_least} FROM {table}"
        await eventually(partial(services.store.pool.fetchval, query))


async def nobody_waits(services: Services) -> None:
    query = "SELECT count(*) = 0 FROM identity_waits"
    await eventually(partial(services.store.pool.fetchval, query))


async def all_is_done(services: Services, runner: SideBySideRunner) -> None:
    """Wait until nothing is left to react to."""

    async def done() -> bool:
        return runner.finished >= await services.store.head()

    await eventually(done)


async def test_many_that_wait_for_an_identity_hold_no_task_and_no_checkpoint(
    services: Services,
) -> None:
    async with working(services) as runner:
        idle = len(asyncio.all_tasks())
        for number in range(MANY):
            await applied(services, number)
        await waiting(services, MANY)
        await all_is_done(services, runner)
        assert len(asyncio.all_tasks()) < idle + MANY / 10


async def test_who_is_identified_after_a_restart_is_paid(
    services: Services, departments: Departments
) -> None:
    async with working(services) as runner:
        (first, early), (second, late) = await applied(services, 1), await applied(services, 2)
        await waiting(services, 2)
        await all_is_done(services, runner)
    await identify(services, early)  # nobody is there
    async with working(services):
        await identify(services, late)
        for application in (first, second):
            await until(services, application, Status.PAID)
        await nobody_waits(services)
    assert len(departments.ledger()) == 2
    assert not await parked_commands(services.store)


async def test_what_goes_on_belongs_to_what_was_submitted(services: Services) -> None:
    async with working(services):
        application, citizen = await applied(services)
        await waiting(services, 1)
        await identify(services, citizen)
        await until(services, application, Status.PAID)
    submitted, *others = await services.store.read(application)
    correlation = {event.metadata["correlation_id"] for event in others}
    assert correlation == {submitted.metadata["correlation_id"]}
    assert {event.metadata["causation_id"] for event in others} == {
        submitted.metadata["command_id"]
    }


async def test_it_expires_at_its_time_where_nobody_comes(services: Services) -> None:
    async with working(services):
        application, _ = await applied(services)
        await waiting(services, 1)
    set_ahead(services, identity_time(services) - timedelta(minutes=5))
    await ApplicationDeadlines().ring_due(services)
    assert (await services.store.load(Application, application)).status == Status.SUBMITTED
    async with working(services):
        set_ahead(services, identity_time(services))
        await until(services, application, Status.EXPIRED)
        await nobody_waits(services)
    topics = [event.topic for event in await services.store.read(application)]
    assert topics == ["application.submitted", "application.expired"]


async def test_who_was_identified_and_overlooked_goes_on_instead_of_expiring(
    services: Services,
) -> None:
    async with working(services):
        application, citizen = await applied(services)
        await waiting(services, 1)
        await services.store.pool.execute("DELETE FROM identity_waits")
        set_ahead(services, identity_time(services) - timedelta(minutes=5))
        await identify(services, citizen)
        set_ahead(services, identity_time(services))
        await until(services, application, Status.PAID)


async def test_a_payout_that_takes_too_long_is_said_to_once_by_whoever_leads(
    services: Services, departments: Departments
) -> None:
    await departments.fault("bank-payments", "down")
    application, citizen = await applied(services)
    await identify(services, citizen)
    async with working(services):
        await until(services, application, Status.PAYING)
        assert not (await services.store.load(Application, application)).payout_delayed
    set_ahead(services, payout_time(services))

    async def delayed() -> bool:
        return (await services.store.load(Application, application)).payout_delayed

    for _ in range(2):
        async with working(services):
            await eventually(delayed)
    await departments.fault("bank-payments", "ok")
    async with working(services):
        await until(services, application, Status.PAID)
    topics = [event.topic for event in await services.store.read(application)]
    assert topics.count("application.payout_delayed") == 1
    assert len(departments.ledger()) == 1
