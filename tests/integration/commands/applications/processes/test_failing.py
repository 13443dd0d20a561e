"""Whatever fails on the way of an application, somebody has it, and is told why."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from citybrain.definitions.applications.deciding import decide
from citybrain.domain.actor import Actor, Role
from citybrain.domain.applications.entitlement import Entitlement
from citybrain.domain.applications.statuses import Status, waits_for_officer
from citybrain.domain.applications.waiting import Waits
from citybrain.errors import Refused, Unavailable
from citybrain.payments import payout
from citybrain.settings import Settings
from citybrain.vault import SealBroken
from commands.applications.application import (
    WithdrawApplication,
    verify_identity,
    withdraw_application,
)
from commands.applications.deadlines import payout_time
from commands.applications.erased import ending_those_of_the_erased
from commands.applications.processes import application as process
from commands.applications.processes import drawing, paying
from commands.applications.processes.application import ApplicationProcess
from commands.applications.processes.failing import TRIES
from commands.applications.reviewing import ReviewApplication, review_application
from commands.processes.parked import parked_commands
from commands.processes.side_by_side import SideBySideRunner
from commands.services import Services
from ops.simulators.applications.departments import Departments, open_departments
from projections.applications.applications import of_erased
from tests.given.driving import (
    applied,
    context,
    drive,
    identify,
    react,
    services_with_clock,
    state,
    until_its_time,
)
from tests.given.failing import Broken, Switch
from tests.given.read_models import project
from tests.given.waiting import eventually


@pytest.fixture
async def departments(settings: Settings) -> AsyncIterator[Departments]:
    async with open_departments(settings.data_dir, latency=(0.0, 0.0), seed=1) as opened:
        yield opened


@pytest.fixture
async def services(settings: Settings, departments: Departments) -> AsyncIterator[Services]:
    async with services_with_clock(settings) as opened:
        yield opened


async def ready(services: Services) -> str:
    """The application of somebody who has been identified for it."""
    application, citizen = await applied(services)
    await identify(services, citizen)
    return application


async def topics(services: Services, application: str) -> list[str]:
    events = await services.store.read(application)
    return [event.topic.partition(".")[2] for event in events]


def at_first(work: Callable[..., Any], error: Exception, times: int) -> Callable[..., Any]:
    """Something that fails so many times, and then does what it does."""
    left = [times]

    def do(*arguments: Any, **named: Any) -> Any:
        left[0] -= 1
        if left[0] >= 0:
            raise error
        return work(*arguments, **named)

    return do


async def test_a_record_that_is_too_large_is_not_delivered_and_an_officer_decides(
    services: Services, departments: Departments
) -> None:
    await departments.fault("police", "large")
    application = await drive(services, await ready(services))
    assert application.status == Status.REFERRED
    failed = [
        event.data["reason"]
        for event in await services.store.read(application.id)
        if event.topic == "application.evidence_failed"
    ]
    assert failed == ["source-answer-too-large"]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (TypeError("Type is not JSON serializable: TimestampType"), "step-failed"),
        (ZeroDivisionError("a bug in a rule"), "step-failed"),
        (SealBroken("a sealed form cannot be opened"), "seal-broken"),
        (Refused("somebody else was faster, again and again"), "refused"),
    ],
)
async def test_a_failure_that_lasts_goes_to_an_officer_with_its_reason(
    services: Services, monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str
) -> None:
    monkeypatch.setattr(drawing, "decide", at_first(decide, error, 1_000_000))
    application = await drive(services, await ready(services))
    assert (application.status, application.reasons) == (Status.REFERRED, [reason])
    assert application.waits_for() is Waits.OFFICER
    assert (await topics(services, application.id))[-1] == "referred"


async def test_a_value_that_cannot_be_written_down_goes_to_an_officer(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    def with_an_odd_value(*arguments: Any) -> Any:
        decision = decide(*arguments)
        object.__setattr__(decision.steps[0], "value", object())
        return decision

    monkeypatch.setattr(drawing, "decide", with_an_odd_value)
    application = await drive(services, await ready(services))
    assert (application.status, application.reasons) == (Status.REFERRED, ["step-failed"])


async def test_an_event_that_is_too_large_goes_to_an_officer(services: Services) -> None:
    application = await ready(services)
    services.store.settings.event_size_limit_bytes = 1000
    found = await drive(services, application)
    assert (found.status, found.reasons) == (Status.REFERRED, ["event-too-large"])


async def test_what_fails_for_a_moment_is_tried_again(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    flaky = at_first(decide, ZeroDivisionError(), TRIES - 1)
    monkeypatch.setattr(drawing, "decide", flaky)
    application = await drive(services, await ready(services))
    assert application.status == Status.PAID
    assert "referred" not in await topics(services, application.id)


async def test_what_is_away_is_waited_for_and_nothing_is_said_of_it(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    flaky = at_first(decide, Unavailable("busy"), 1)
    monkeypatch.setattr(drawing, "decide", flaky)
    application = await drive(services, await ready(services))
    assert application.waits_for() is Waits.MOVING
    assert (await drive(services, application.id)).status == Status.PAID


async def test_what_is_away_beyond_its_time_goes_to_an_officer(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = at_first(decide, Unavailable("busy"), 1_000_000)
    monkeypatch.setattr(drawing, "decide", away)
    application = await drive(services, await ready(services))
    assert (await until_its_time(services, application.id)).waits_for() is Waits.MOVING
    found = await until_its_time(services, application.id)
    assert (found.status, found.reasons) == (Status.REFERRED, ["step-overdue"])


async def test_one_whose_driving_died_is_driven_again(services: Services) -> None:
    application = await ready(services)
    await verify_identity(application, context(), services)  # and nobody heard of it
    assert (await until_its_time(services, application)).status == Status.PAID
    assert "resumed" in await topics(services, application)


async def test_an_application_of_somebody_erased_ends(services: Services) -> None:
    application, citizen = await applied(services)
    await identify(services, citizen)
    await services.vault.erase(citizen)
    found = await drive(services, application)
    assert (found.status, found.waits_for()) == (Status.EXPIRED, Waits.ENDED)
    last = (await services.store.read(application))[-1]
    assert last.data["reason"] == "person-erased"


async def test_one_of_somebody_erased_that_was_withdrawn_parks_nothing(
    services: Services, departments: Departments
) -> None:
    await departments.fault("police", "reject")
    application, citizen = await applied(services)
    await identify(services, citizen)
    assert (await drive(services, application)).status == Status.REFERRED
    own = context(Actor(citizen, frozenset({Role.CITIZEN})))
    await withdraw_application(application, WithdrawApplication(), own, services)
    await services.vault.erase(citizen)
    assert (await drive(services, application)).status == Status.WITHDRAWN


NEWER_ONE_HAS_ENDED = "UPDATE last_applications SET application_id = 'application-newer'"


async def test_one_of_somebody_erased_that_waits_for_an_officer_ends_within_the_hour(
    services: Services, departments: Departments
) -> None:
    await departments.fault("police", "reject")
    application, citizen = await applied(services)
    await identify(services, citizen)
    assert (await drive(services, application)).status == Status.REFERRED
    end_those_of_the_erased = ending_those_of_the_erased(of_erased)
    await services.store.pool.execute(NEWER_ONE_HAS_ENDED)
    await project(services.store, "applications")
    await end_those_of_the_erased(services)
    assert (await state(services, application)).status == Status.REFERRED
    await services.vault.erase(citizen)
    for _ in range(2):
        await end_those_of_the_erased(services)
        await project(services.store, "applications")
    assert (await state(services, application)).status == Status.EXPIRED
    assert await services.store.pool.fetchval("SELECT count(*) FROM last_applications") == 0


async def test_a_payout_that_cannot_be_told_to_the_bank_is_in_the_queue_and_paid_once_it_can(
    services: Services, departments: Departments, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(paying, "payout", at_first(payout, SealBroken("no"), 1_000_000))
        application = await drive(services, await ready(services))
        assert application.status == Status.PAYING
        assert application.payout_delayed
        last = (await services.store.read(application.id))[-1]
        assert last.data["reason"] == "seal-broken"
        assert waits_for_officer(application.status, payout_delayed=True)
        assert not departments.ledger()
    assert (await until_its_time(services, application.id)).status == Status.PAID
    assert len(departments.ledger()) == 1


async def claimed_once(services: Services) -> list[Entitlement]:
    """All that was ever claimed."""
    rows = await services.store.pool.fetch(
        "SELECT DISTINCT originator_id FROM stored_events WHERE topic = 'entitlement.claimed'"
    )
    return [await services.store.load(Entitlement, row["originator_id"]) for row in rows]


async def test_a_claim_does_not_outlive_what_was_left_to_an_officer(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = at_first(payout_time, ZeroDivisionError(), 1_000_000)
    monkeypatch.setattr(process, "payout_time", broken)
    application = await drive(services, await ready(services))
    assert application.status == Status.REFERRED
    claimed = await claimed_once(services)
    assert [entitlement.holder for entitlement in claimed] == [None] * 3


@pytest.mark.parametrize("vault_is_away", [False, True])
async def test_a_claim_does_not_outlive_the_time_in_which_nothing_moved(
    services: Services, monkeypatch: pytest.MonkeyPatch, vault_is_away: bool
) -> None:
    away = at_first(payout_time, Unavailable("the store is away"), 1_000_000)
    monkeypatch.setattr(process, "payout_time", away)
    application = await ready(services)
    held = await drive(services, application)
    assert [each.holder for each in await claimed_once(services)] == [application] * 3
    assert held.status == Status.APPROVED
    await until_its_time(services, application)
    switch = Switch(vault_is_away)
    vault = Broken(services.vault, switch, lambda: Unavailable("away"))
    monkeypatch.setattr(services, "vault", vault)
    found = await until_its_time(services, application)
    assert (found.status, found.reasons) == (Status.REFERRED, ["step-overdue"])
    if vault_is_away:
        switch.on = False
        (referred,) = [
            event
            for event in await services.store.read(application)
            if event.topic == "application.referred"
        ]
        await react(services, referred, ApplicationProcess())  # as the runner does, once it is back
    assert [each.holder for each in await claimed_once(services)] == [None] * 3


async def test_what_goes_on_again_keeps_what_it_claims(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = at_first(payout_time, Unavailable("the store is away"), 1_000_000)
    monkeypatch.setattr(process, "payout_time", away)
    application = await ready(services)
    await drive(services, application)
    for _ in range(2):
        await until_its_time(services, application)
    referred = (await services.store.read(application))[-1]
    assert referred.topic == "application.referred"
    approval = ReviewApplication(outcome="approved", amount_fen=500, note="looked")
    officer = Actor("official-fund-1", frozenset({Role.OFFICIAL}), "housing-fund")
    await review_application(application, approval, context(officer), services)
    await drive(services, application)
    await react(services, referred, ApplicationProcess())  # late
    assert [each.holder for each in await claimed_once(services)] == [application] * 3


async def test_nothing_of_an_application_is_parked(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drawing, "decide", at_first(decide, KeyError("x"), 1_000_000))
    application = await ready(services)
    runner = SideBySideRunner(services.store, ApplicationProcess(), services)
    running = asyncio.create_task(runner.run())

    async def referred() -> bool:
        return (await state(services, application)).status == Status.REFERRED

    await eventually(referred)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert not await parked_commands(services.store)
