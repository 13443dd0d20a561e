"""Corrections: an officer sends an application back, the applicant submits it again, corrected.

The message and the form are sealed with the applicant's key.
"""

from datetime import datetime
from typing import Any

import orjson
from pydantic import Field

from citybrain.city_day import city_day
from citybrain.definitions.applications.catalogue import ServiceItem
from citybrain.definitions.applications.forms import checked_form
from citybrain.definitions.applications.types import Name
from citybrain.definitions.calendars import BusinessCalendar, TimeKind
from citybrain.definitions.yaml_file import Code
from citybrain.domain.applications.application import Application
from citybrain.domain.applications.corrections import check_correction, resubmit, send_back
from citybrain.domain.applications.statuses import Status
from citybrain.domain.applications.waiting import LEGAL_WORKING_DAYS
from citybrain.errors import InvalidInput
from citybrain.vault import InStream
from commands.applications.application import change_application, check_applicant_served, item_of
from commands.applications.unsealed import FORM, MESSAGE
from commands.fields import Prose
from commands.handling import Command, CommandContext, CommandResult
from commands.services import Services


class SendBackApplication(Command):
    """Send an application back to its applicant: what is wrong, and what is to be corrected."""

    message: Prose = Field(description="to the applicant; sealed")
    fields: list[Name] = Field(
        default_factory=list, max_length=50, description="answers of the form to correct, by name"
    )
    documents: list[Code] = Field(
        default_factory=list, max_length=20, description="documents to add, by kind"
    )


class ResubmitApplication(Command):
    """Submit it again. Documents are added before."""

    form: dict[str, Any] = Field(
        default_factory=dict, description="the answers that are corrected; sealed"
    )


class NoSuchField(InvalidInput):
    """The form has no such field."""

    code = "no-such-field"


async def send_back_application(
    application_id: str, command: SendBackApplication, context: CommandContext, services: Services
) -> CommandResult:
    """The applicant has the item's time to correct it."""
    application = await services.store.load(Application, application_id)
    application.check_officer(context.actor)
    item = item_of(application, services)
    known = {field.name for field in item.form}
    if not known.issuperset(command.fields):
        raise NoSuchField("the form has no such field", fields=sorted(known))
    sealed = await services.vault.seal_text(
        application.citizen_id, InStream(MESSAGE, application_id), command.message
    )
    ends = item.correction.then == "expired"
    return await change_application(
        application_id,
        command,
        context,
        services,
        lambda application, now: send_back(
            application,
            context.actor,
            now,
            fields=sorted(set(command.fields)),
            documents=sorted(set(command.documents)),
            message_sealed=sealed,
            due_at=_due_at(item, now, services),
            then=Status.EXPIRED if ends else Status.REFERRED,
        ),
    )


def _due_at(item: ServiceItem, now: datetime, services: Services) -> datetime:
    """The end of the last working day that there is for a correction."""
    calendar = services.definitions.of(BusinessCalendar)
    return calendar.due(now, TimeKind.WORKING_DAYS, item.correction.working_days)


async def resubmit_application(
    application_id: str, command: ResubmitApplication, context: CommandContext, services: Services
) -> CommandResult:
    """Decide it anew, on the form as it is now."""
    application = await services.store.load(Application, application_id)
    check_correction(application, context.actor, command.form)
    await check_applicant_served(application, context, services)
    item = item_of(application, services)
    where = InStream(FORM, application_id)
    known = await services.vault.open_text(application.citizen_id, where, application.form_sealed)
    answers = orjson.loads(known) | command.form
    checked = checked_form(item, answers, city_day(services.clock()))
    form = orjson.dumps(checked).decode()
    sealed = await services.vault.seal_text(application.citizen_id, where, form)
    return await change_application(
        application_id,
        command,
        context,
        services,
        lambda application, now: resubmit(
            application,
            context.actor,
            now,
            fields=sorted(command.form),
            form_sealed=sealed,
            legal_due_on=_legal_due_on(item, now, services),
        ),
    )


def _legal_due_on(item: ServiceItem, now: datetime, services: Services) -> str:
    legal = item.deadline.legal_working_days or LEGAL_WORKING_DAYS
    calendar = services.definitions.of(BusinessCalendar)
    return str(calendar.add_working_days(city_day(now), legal))
