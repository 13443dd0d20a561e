"""The commands of tasks: an officer takes an application that waits for one, and gives it back."""

from citybrain.domain.applications.tasks import claim_task, release_task
from commands.applications.application import change_application
from commands.applications.deadlines import task_time
from commands.handling import Command, CommandContext, CommandResult
from commands.services import Services


class ClaimTask(Command):
    """See to an application that waits for an officer, alone for a time."""


class ReleaseTask(Command):
    """Give it back to the department."""


async def claim(
    application_id: str, command: ClaimTask, context: CommandContext, services: Services
) -> CommandResult:
    """Take it."""
    return await change_application(
        application_id,
        command,
        context,
        services,
        lambda application, now: claim_task(
            application, context.actor, now, until=now + task_time(services)
        ),
    )


async def release(
    application_id: str, command: ReleaseTask, context: CommandContext, services: Services
) -> CommandResult:
    """Give it back."""
    return await change_application(
        application_id,
        command,
        context,
        services,
        lambda application, now: release_task(application, context.actor, now),
    )
