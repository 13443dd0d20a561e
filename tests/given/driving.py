"""Applications taken along their way by hand: no runner, no waiting, a clock that is set."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from functools import partial
from uuid import uuid4

from citybrain.app import open_services
from citybrain.domain.actor import Actor, Role
from citybrain.domain.applications.application import Application, Channel
from citybrain.eventstore import RecordedEvent
from citybrain.settings import Settings
from commands.applications.application import SubmitApplication, submit_application
from commands.applications.processes.application import ApplicationProcess
from commands.applications.processes.deadlines import ApplicationDeadlines
from commands.citizens.citizen import RegisterCitizen, register_citizen
from commands.citizens.identity import ConfirmIdentity, confirm_identity
from commands.handling import CommandContext
from commands.processes.batches import AWAY
from commands.processes.runner import context_of
from commands.services import Services
from ops.simulators.applications.identity_numbers import identity_number

REPAYMENT = "housing-fund-repayment"
CLERK = Actor("clerk-1", frozenset({Role.CLERK}), counter="counter-1")


class Clock:
    """The time, and what it is set forward by."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@asynccontextmanager
async def services_with_clock(settings: Settings) -> AsyncIterator[Services]:
    """Services whose clock can be set."""
    async with open_services(settings) as opened:
        opened.clock = Clock()
        yield opened


def set_ahead(services: Services, by: timedelta) -> None:
    """Set the clock forward, by this in all."""
    assert isinstance(services.clock, Clock)
    services.clock.ahead = by


def context(actor: Actor = CLERK) -> CommandContext:
    """Of a command that somebody sends."""
    return CommandContext(actor, "test", uuid4(), uuid4())


async def applied(
    services: Services, number: int = 0, service: str = REPAYMENT, phone: str | None = None
) -> tuple[str, str]:
    """An application, and the citizen that it waits for."""
    command = RegisterCitizen(
        name="張三",
        id_number=identity_number(date(1990, 5, 1), number),
        birth_date=date(1990, 5, 1),
        phone=phone,
        simulated=True,
    )
    citizen = (await register_citizen(command, context(), services)).stream_id
    submitted = await submit_application(
        SubmitApplication(service=service, channel=Channel.APP),
        context(Actor(citizen, frozenset({Role.CITIZEN}))),
        services,
    )
    return submitted.stream_id, citizen


async def identify(services: Services, citizen: str, service: str = REPAYMENT) -> None:
    """At a counter, by a document."""
    command = ConfirmIdentity(purpose=service, document="identity-card")
    await confirm_identity(citizen, command, context(), services)


async def state(services: Services, application_id: str) -> Application:
    """As the stream has it."""
    return await services.store.load(Application, application_id)


async def drive(
    services: Services, application_id: str, process: ApplicationProcess | None = None
) -> Application:
    """Take it as far as it goes by itself; what passes is left for another time."""
    (submitted,) = await services.store.read(application_id, limit=1)
    await react(services, submitted, process or ApplicationProcess())
    return await state(services, application_id)


async def react(services: Services, event: RecordedEvent, process: ApplicationProcess) -> None:
    """Let the process manager react to an event, once."""
    with suppress(*AWAY):
        await process.react(event, services, partial(context_of, process, event))


async def until_its_time(services: Services, application_id: str) -> Application:
    """Set the clock to when it is to be woken, wake it, and react to what comes of that."""
    deadlines, process = ApplicationDeadlines(), ApplicationProcess()
    known = await services.store.read(application_id)
    await deadlines.react_all(known, services)
    due_at = (await state(services, application_id)).due_at
    if due_at is not None:
        set_ahead(services, due_at - datetime.now(UTC) + timedelta(seconds=1))
        await deadlines.ring_due(services)
    for event in await services.store.read(application_id, after_version=len(known)):
        if event.topic in process.topics:
            await react(services, event, process)
    return await state(services, application_id)
