"""Each part of the city fails in turn at each step: somebody has every application, or it ends."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from citybrain.city_day import city_day
from citybrain.domain.actor import Actor, Role
from citybrain.domain.applications.application import Application, Step
from citybrain.domain.applications.statuses import Status, waits_for_officer
from citybrain.domain.applications.waiting import MARGIN, Waits
from citybrain.errors import Unavailable
from citybrain.exchange.departments import SourceAnswerInvalid, SourceUnavailable
from citybrain.payments import PaymentUnknown
from citybrain.settings import Settings
from citybrain.vault import SealBroken
from commands.applications.application import WithdrawApplication, withdraw_application
from commands.applications.processes import application as process
from commands.applications.processes import failing
from commands.citizens.face import FacesNotServed, IssueChallenge, issue_challenge
from commands.services import Services
from ops.simulators.applications.departments import Departments, open_departments
from projections.applications import waits
from tests.given.driving import (
    REPAYMENT,
    applied,
    context,
    drive,
    identify,
    services_with_clock,
    state,
    until_its_time,
)
from tests.given.failing import Broken, Switch
from tests.given.read_models import project

STEPS = [step for step in Step if step is not Step.NOTHING]
DEPARTMENTS = ("police", "civil-affairs", "credit-registry", "bank", "housing-fund")
Break = Callable[[Services, Switch], None]


def department(code: str, error: type[Exception]) -> Break:
    def broken(services: Services, switch: Switch) -> None:
        def concerns(request: Any, *_: Any) -> bool:
            return bool(request.department == code)

        services.exchange = Broken(services.exchange, switch, lambda: error("no"), concerns)

    return broken


def part(name: str, error: Exception) -> Break:
    def broken(services: Services, switch: Switch) -> None:
        setattr(services, name, Broken(getattr(services, name), switch, lambda: error))

    return broken


FAULTS: dict[str, Break] = {
    **{code: department(code, SourceUnavailable) for code in DEPARTMENTS},
    "a department that answers nonsense": department("police", SourceAnswerInvalid),
    "a department's bug of ours": department("police", ZeroDivisionError),
    "the bank that pays": part("payments", PaymentUnknown("the bank says nothing")),
    "a bank's bug of ours": part("payments", KeyError("settled_at")),
    "vault": part("vault", SealBroken("a seal is broken")),
    "a vault that is away": part("vault", Unavailable("the key service is away")),
    "a vault that hangs up": part("vault", ConnectionResetError()),
}


@pytest.fixture
async def departments(settings: Settings) -> AsyncIterator[Departments]:
    async with open_departments(settings.data_dir, latency=(0.0, 0.0), seed=1) as opened:
        yield opened


@pytest.fixture
async def services(settings: Settings, departments: Departments) -> AsyncIterator[Services]:
    async with services_with_clock(settings) as opened:
        yield opened


@pytest.fixture
def fails_from(monkeypatch: pytest.MonkeyPatch) -> Callable[[Step, Switch], None]:
    """Turn a switch on where a step begins. Nobody waits for a second try, or for the bank."""
    taking = process._Drive._take
    monkeypatch.setattr(failing, "TRY_AGAIN_SECONDS", 0.0)

    def begin(at: Step, switch: Switch) -> None:
        async def take(self: Any, step: Step, application: Application) -> float | None:
            switch.on = switch.on or step is at
            pause = await taking(self, step, application)
            if step is Step.PAY and pause is not None:
                found = await self._services.store.load(Application, application.id)
                if found.status == Status.PAYING:
                    raise Unavailable("the bank is asked again later")
            return pause

        monkeypatch.setattr(process._Drive, "_take", take)

    return begin


def is_somebodys(application: Application) -> bool:
    """Whether it has ended, or is in a queue that somebody works through."""
    return application.waits_for() is Waits.ENDED or waits_for_officer(
        application.status, payout_delayed=application.payout_delayed
    )


async def come_to(services: Services, step: Step, number: int, departments: Departments) -> str:
    """An application that will come to a step."""
    application, citizen = await applied(services, number)
    if step is Step.RELEASE:
        own = context(Actor(citizen, frozenset({Role.CITIZEN})))
        await withdraw_application(application, WithdrawApplication(), own, services)
    elif step is not Step.AWAIT_IDENTITY:
        await identify(services, citizen)
    refuses = step is Step.COMPENSATE
    await departments.fault("bank-payments", "refuse" if refuses else "ok")
    return application


@pytest.mark.parametrize("fault", FAULTS)
async def test_whatever_fails_at_whichever_step_nobody_is_stranded(
    services: Services,
    departments: Departments,
    fails_from: Callable[[Step, Switch], None],
    fault: str,
) -> None:
    switch = Switch()
    FAULTS[fault](services, switch)
    applications = []
    for number, step in enumerate(STEPS):
        switch.on = False
        application = await come_to(services, step, number, departments)
        fails_from(step, switch)
        found = await drive(services, application)
        for _ in range(4):
            if not is_somebodys(found):
                found = await until_its_time(services, application)
        assert is_somebodys(found), (step, found.status)
        applications.append(application)
    await project(services.store, "applications")
    now = services.clock() + MARGIN
    counted = await waits.counts(services.store.pool, now=now, today=city_day(now))
    assert counted.stranded == 0
    assert counted.moving == counted.person == 0
    switch.on = False
    for application in applications:
        found = await state(services, application)
        if found.waits_for() is Waits.BANK:
            assert (await until_its_time(services, application)).status == Status.PAID


async def test_where_the_face_model_is_away_nobody_waits_for_ever(services: Services) -> None:
    application, citizen = await applied(services)
    assert services.faces is None
    with pytest.raises(FacesNotServed):
        await issue_challenge(citizen, IssueChallenge(purpose=REPAYMENT), context(), services)
    assert (await drive(services, application)).waits_for() is Waits.PERSON
    assert (await until_its_time(services, application)).status == Status.EXPIRED
