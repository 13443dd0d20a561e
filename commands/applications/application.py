"""The commands of an application: what a citizen, a kiosk and an officer can do to it.

Everything between identity and money is the process manager's (`processes/application.py`).
What a form or a note says is sealed with the applicant's key before it is stored.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal
from uuid import NAMESPACE_URL, uuid5

import orjson
from pydantic import Field

from citybrain.city_day import city_day
from citybrain.definitions.applications.catalogue import Catalogue, ServiceItem
from citybrain.definitions.applications.forms import checked_form
from citybrain.definitions.calendars import BusinessCalendar
from citybrain.definitions.yaml_file import Code
from citybrain.domain.actor import Actor, Role
from citybrain.domain.ages import CHILD_UNDER_YEARS
from citybrain.domain.applications.application import Application, Channel, Terms, check_channel
from citybrain.domain.applications.identity import note_identity
from citybrain.domain.applications.waiting import LEGAL_WORKING_DAYS
from citybrain.domain.citizens import Citizen
from citybrain.errors import InvalidInput, Refused
from citybrain.vault import InStream
from commands.applications.deadlines import evidence_time, identity_time
from commands.applications.identity import identified
from commands.applications.turns import give_turn_back, turn
from commands.applications.unsealed import FORM
from commands.citizens import CitizenId, check_not_alone, check_served
from commands.fields import Flag
from commands.handling import Command, CommandContext, CommandResult, change, create
from commands.services import Services


class SubmitApplication(Command):
    """Apply for a service. Nothing is uploaded: records are fetched from the departments."""

    LATER: ClassVar[frozenset[str]] = frozenset({"guardian"})

    service: Code
    channel: Channel
    citizen_id: CitizenId | None = Field(
        None, description="who applies; the token's subject where absent"
    )
    guardian: CitizenId | None = Field(
        None, description="who applies for a child, or a minor where the item says so; at a counter"
    )
    form: dict[str, Any] = Field(
        default_factory=dict, description="answers to the item's form; sealed"
    )
    simulated: Flag = Field(False, description="true for made-up people; shown wherever it shows")


class WithdrawApplication(Command):
    """End an application, as long as no money is on its way; a payout that failed is none."""


class TakeOverApplication(Command):
    """Go on with an application on another channel."""

    channel: Channel


class RequestEvidenceAgain(Command):
    """Ask the departments once more: one was away, or things have changed."""


class OpenApplication(Command):
    """Look at what is sealed. The applicant will see who did, and why."""

    purpose: Literal["review", "audit", "complaint", "support"]


class ChannelNotOffered(InvalidInput):
    """The service is not offered on this channel."""

    code = "channel-not-offered"


class ApplicantMissing(InvalidInput):
    """Somebody who is no citizen applies, and does not say for whom."""

    code = "applicant-missing"


class IdentityNeeded(Refused):
    """At a kiosk the applicant is identified first, for this service, there."""

    code = "identity-needed"


def application_answer(application: Application) -> dict[str, Any]:
    return {
        "application_id": application.id,
        "version": application.version,
        "service": application.service,
        "status": application.status,
        "channel": application.channel,
        "amount_fen": application.amount_fen,
        "reasons": application.reasons,
    }


async def submit_application(
    command: SubmitApplication,
    context: CommandContext,
    services: Services,
    *,
    application_id: str | None = None,
) -> CommandResult:
    """Open an application; who was just identified for this service is not asked again.

    `application_id` follows from the draft that it was; a new one where absent.
    """
    citizen_id = command.citizen_id or context.actor.subject
    check_channel(context.actor, command.channel, citizen_id)
    if not citizen_id.startswith(f"{Citizen.category}-"):
        raise ApplicantMissing("say who applies: this account is no citizen's")
    now = services.clock()
    item = services.definitions.of(Catalogue).offered(command.service, city_day(now))
    if command.channel not in item.channels:
        raise ChannelNotOffered(f"{item.code} is offered on: {', '.join(item.channels)}")
    form = orjson.dumps(checked_form(item, command.form, city_day(now))).decode()
    for person in (citizen_id, command.guardian):
        await check_served(person, item.code, context.actor, services)
    citizen = await services.store.load(Citizen, citizen_id)
    citizen.check_alive()
    under = item.guardian_under_years or CHILD_UNDER_YEARS
    await check_not_alone(citizen_id, command.guardian, under, context.actor, services)
    new_id = application_id or Application.new_id()
    sealed = await services.vault.seal_text(citizen_id, InStream(FORM, new_id), form)
    kiosk = context.actor.subject if command.channel is Channel.KIOSK else None
    known = await identified(citizen, item, kiosk, services)

    def decide() -> Application:
        application = Application.submit(
            context.actor,
            now,
            application_id=new_id,
            citizen_id=citizen_id,
            channel=command.channel,
            simulated=command.simulated,
            form_sealed=sealed,
            guardian=command.guardian,
            terms=_terms(item, now, services),
        )
        if known is not None:
            note_identity(application, now, known=known, needed=item.identity_level)
        return application

    async with turn(citizen_id, item.code, new_id, context, services) as take:
        result = await create(
            command,
            context._replace(channel=command.channel.value),
            services,
            decide,
            application_answer,
            take,
        )
    if result.stream_id != new_id:  # it had been submitted under this idempotency key
        await give_turn_back(citizen_id, new_id, services)
    return result


def _terms(item: ServiceItem, now: datetime, services: Services) -> Terms:
    """What an application keeps of its service item."""
    promised = item.deadline.promised_seconds
    legal = item.deadline.legal_working_days or LEGAL_WORKING_DAYS
    baseline, today = item.baseline, city_day(now)
    calendar = services.definitions.of(BusinessCalendar)
    return Terms(
        service=item.code,
        item_version=item.version,
        department=item.department,
        pays=item.payout is not None,
        baseline={
            "materials": baseline.materials,
            "steps": baseline.steps,
            "trips": baseline.trips,
        },
        identity_due_at=now + identity_time(services),
        promised_at=None if promised is None else now + timedelta(seconds=promised),
        legal_due_on=str(calendar.add_working_days(today, legal)),
    )


async def verify_identity(application_id: str, context: CommandContext, services: Services) -> bool:
    """Go on where the applicant has been identified meanwhile; tells whether they have."""
    application = await services.store.load(Application, application_id)
    citizen = await services.store.load(Citizen, application.citizen_id)
    item = item_of(application, services)
    kiosk = application.held_by if application.channel == Channel.KIOSK else None
    known = await identified(citizen, item, kiosk, services)
    if known is None:
        return False
    await change_application(
        application_id,
        Command(),
        context,
        services,
        lambda application, now: note_identity(
            application, now, known=known, needed=item.identity_level
        ),
    )
    return True


async def withdraw_application(
    application_id: str, command: WithdrawApplication, context: CommandContext, services: Services
) -> CommandResult:
    """End it; what it claimed is released by the process manager."""
    application = await services.store.load(Application, application_id)
    await check_applicant_served(application, context, services)
    return await change_application(
        application_id,
        command,
        context,
        services,
        lambda application, now: application.withdraw(context.actor, now),
    )


async def take_over_application(
    application_id: str, command: TakeOverApplication, context: CommandContext, services: Services
) -> CommandResult:
    """Go on elsewhere. A kiosk takes over only for whom it has just identified itself."""
    application = await services.store.load(Application, application_id)
    check_channel(context.actor, command.channel, application.citizen_id)
    await check_applicant_served(application, context, services)
    if context.actor.has(Role.KIOSK):
        item = item_of(application, services)
        await check_before_kiosk(application.citizen_id, item, context.actor, services)
    return await change_application(
        application_id,
        command,
        context._replace(channel=command.channel.value),
        services,
        lambda application, now: application.take_over(context.actor, now, channel=command.channel),
    )


async def check_applicant_served(
    application: Application, context: CommandContext, services: Services
) -> None:
    """Raise where a clerk, or the kiosk that holds it, has not just identified the applicant."""
    await check_served(application.citizen_id, application.service, context.actor, services)
    if context.actor.has(Role.KIOSK) and application.held_by == context.actor.subject:
        item = item_of(application, services)
        await check_before_kiosk(application.citizen_id, item, context.actor, services)


async def check_before_kiosk(
    citizen_id: str, item: ServiceItem, kiosk: Actor, services: Services
) -> None:
    """Raise unless this kiosk has just identified the citizen for this service."""
    citizen = await services.store.load(Citizen, citizen_id)
    if await identified(citizen, item, kiosk.subject, services) is None:
        raise IdentityNeeded(
            "the applicant is identified at this kiosk first, for this service",
            level=item.identity_level.value,
        )


async def request_evidence_again(
    application_id: str, command: RequestEvidenceAgain, context: CommandContext, services: Services
) -> CommandResult:
    """Begin another round of requests."""

    def decide(application: Application, now: datetime) -> None:
        application.request_evidence_again(
            context.actor,
            now,
            requests=requests_of(application, services),
            due_at=now + evidence_time(services),
        )

    return await change_application(application_id, command, context, services, decide)


async def open_application(
    application_id: str, command: OpenApplication, context: CommandContext, services: Services
) -> CommandResult:
    """Note the look, before it is granted."""
    return await change_application(
        application_id,
        command,
        context,
        services,
        lambda application, now: application.open_sealed(
            context.actor, now, what="explanation", purpose=command.purpose
        ),
    )


def item_of(application: Application, services: Services) -> ServiceItem:
    """The item's version that the application was submitted under."""
    day, catalogue = city_day(application.created_on), services.definitions.of(Catalogue)
    return catalogue.began_under(application.service, application.item_version, day)


def requests_of(application: Application, services: Services) -> list[dict[str, str]]:
    """The requests of the next round, one a material, with ids that follow from the round."""
    next_round = application.rounds + 1
    return [
        {
            "material": material.name,
            "department": material.department,
            "record": material.record,
            "request_id": str(
                uuid5(NAMESPACE_URL, f"{application.id}:{next_round}:{material.name}")
            ),
        }
        for material in item_of(application, services).materials
    ]


async def change_application(
    application_id: str,
    command: Command,
    context: CommandContext,
    services: Services,
    decide: Callable[[Application, datetime], None],
) -> CommandResult:
    """Run a decision on an application, now."""
    return await change(
        Application,
        application_id,
        command,
        context,
        services,
        lambda application: decide(application, services.clock()),
        application_answer,
    )
