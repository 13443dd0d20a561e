"""The command of an appeal: the applicant wants a person to look at a decision."""

from datetime import datetime

from pydantic import Field

from citybrain.domain.actor import system_actor
from citybrain.domain.applications.appeals import appeal, check_appeal, held_up
from citybrain.domain.applications.application import Application
from citybrain.domain.applications.refusals import OutOfStep
from citybrain.domain.applications.statuses import Status
from citybrain.vault import InStream
from commands.applications.application import change_application, check_applicant_served
from commands.applications.identity import check_applicant_alive
from commands.applications.processes.claiming import Claims
from commands.applications.turns import appeal_turn, last_of
from commands.applications.unsealed import GROUNDS
from commands.fields import Prose
from commands.handling import Command, CommandContext, CommandResult, once_a_key
from commands.services import Services

SETTLING = system_actor("applications")


class AppealApplication(Command):
    """Ask for a person to look at a decision."""

    grounds: Prose = Field(description="why; sealed")


@once_a_key
async def appeal_application(
    application_id: str, command: AppealApplication, context: CommandContext, services: Services
) -> CommandResult:
    """Bring a decision before an officer, where no other application for the item is under way.

    What was paid is settled before more can be claimed.
    """
    application = await services.store.load(Application, application_id)
    application.check_applicant(context.actor)
    await check_applicant_served(application, context, services)
    await check_applicant_alive(application.citizen_id, services)
    other = await last_of(application.citizen_id, application.service, services)
    held_up_until = held_up(application, other, services.clock())
    check_appeal(application, context.actor, services.clock(), held_up_until)
    sealed = await services.vault.seal_text(
        application.citizen_id, InStream(GROUNDS, application_id), command.grounds
    )

    def decide(application: Application, now: datetime) -> None:
        if application.status == Status.PAID and not settled:
            raise OutOfStep("what was paid is being settled")
        appeal(application, context.actor, now, grounds_sealed=sealed, held_up_until=held_up_until)

    async with appeal_turn(application, context, services):
        settled = application.status == Status.PAID
        if settled:
            claims = Claims(application_id, context._replace(actor=SETTLING), services)
            await claims.settle(application.claims, application.payment_id or "")
        return await change_application(application_id, command, context, services, decide)
