"""What time it is for in a case: the end of a deferral, a warning, an escalation."""

from datetime import datetime

from citybrain.domain.inspection import alarms
from citybrain.domain.inspection.case import InspectionCase
from citybrain.domain.times import moment
from commands.handling import Command, CommandContext, CommandResult
from commands.inspection.approvals import resume
from commands.inspection.case import change_case
from commands.services import Services


class RaiseAlarms(Command):
    """Warn of the deadlines that come near, escalate those that have passed."""


async def raise_alarms(
    case_id: str, command: RaiseAlarms, context: CommandContext, services: Services
) -> CommandResult:
    """Whatever time it is for: the end of a deferral, warnings, escalations."""

    def decide(case: InspectionCase, now: datetime) -> None:
        if case.deferred_until is not None and moment(case.deferred_until) <= now:
            resume(case, now, context, services)
        alarms.raise_alarms(case, context.actor, now)

    return await change_case(case_id, command, context, services, decide)
