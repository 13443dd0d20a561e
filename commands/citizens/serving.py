"""At a counter: whom a clerk serves, and who lets a clerk enrol a face."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from citybrain.city_day import city_day
from citybrain.definitions.purposes import Purposes
from citybrain.domain.actor import Actor, Role
from citybrain.domain.citizens import serving
from citybrain.domain.citizens.citizen import Citizen
from citybrain.domain.citizens.serving import FIXED_PURPOSES
from citybrain.errors import InvalidInput
from commands.citizens.changing import change_citizen
from commands.handling import Command, CommandContext, CommandResult, once_a_key
from commands.services import Services

Clerk = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,255}$")]


class ApproveEnrolment(Command):
    """Let a clerk enrol the face of who stands there, once, within minutes."""

    clerk: Clerk = Field(description="the subject of the clerk who enrols")


class PurposeUnknown(InvalidInput):
    """Nobody is identified for this: it is no service of the catalogue."""

    code = "purpose-unknown"


def check_purpose(purpose: str, services: Services) -> None:
    """Raise `PurposeUnknown` unless somebody can be identified for this."""
    known = services.definitions.of(Purposes)
    if purpose not in FIXED_PURPOSES and not known.has(purpose, city_day(services.clock())):
        raise PurposeUnknown("name a service of the catalogue, by its code")


async def check_served(
    citizen_id: str | None, purpose: str, actor: Actor, services: Services
) -> None:
    """Raise where a clerk has not identified this person, if any, for this, a moment ago."""
    if citizen_id is not None and actor.has(Role.CLERK):
        citizen = await services.store.load(Citizen, citizen_id, fresh=True)
        serving.check_served(citizen, actor, services.clock(), purpose)


@once_a_key
async def approve_enrolment(
    citizen_id: str, command: ApproveEnrolment, context: CommandContext, services: Services
) -> CommandResult:
    """Note who approves, and for whom."""
    await services.store.load(Citizen, citizen_id, fresh=True)

    def decide(citizen: Citizen, now: datetime) -> None:
        serving.approve_enrolment(citizen, context.actor, now, clerk=command.clerk)

    return await change_citizen(citizen_id, command, context, services, decide)
