"""What the departments of a case settle and do between its dispatch and its handling."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from citybrain.domain.inspection import joint_decisions
from citybrain.domain.inspection.case import InspectionCase
from commands.fields import Code, Sha256, Text
from commands.handling import Command, CommandContext, CommandResult
from commands.inspection.case import StepCommand, change_case
from commands.inspection.evidence import require_evidence
from commands.services import Services


class DeclineCase(StepCommand):
    """A department that does not lead has no part in the case."""

    department: Code
    reason: Annotated[Text, StringConstraints(min_length=1)]


class DepartmentTask(Command):
    """What one department does."""

    department: Code
    task: Annotated[Text, StringConstraints(min_length=1, max_length=500)]


class DecideCase(StepCommand):
    """The joint decision: what each department does. A later one replaces it."""

    department: Code = Field(description="the lead")
    plan: Annotated[Text, StringConstraints(min_length=1)]
    tasks: list[DepartmentTask] = Field(max_length=10)


class FinishTask(StepCommand):
    """A department did its part of the joint decision."""

    department: Code
    note: Text = ""
    evidence_sha256: list[Sha256] = Field(default_factory=list, max_length=20)


class ReachMilestone(StepCommand):
    """A deadline within the handling is met, as when a place was made safe."""

    department: Code
    milestone: Code = Field(description="`until` of one of the case's deadlines")
    note: Text = ""
    evidence_sha256: list[Sha256] = Field(default_factory=list, max_length=20)


async def decline_case(
    case_id: str, command: DeclineCase, context: CommandContext, services: Services
) -> CommandResult:
    """A department has no part in the case."""

    def decide(case: InspectionCase, now: datetime) -> None:
        joint_decisions.decline(
            case,
            context.actor,
            now,
            department=command.department,
            reason=command.reason,
            occurred_at=command.occurred_at,
        )

    return await change_case(case_id, command, context, services, decide)


async def decide_case(
    case_id: str, command: DecideCase, context: CommandContext, services: Services
) -> CommandResult:
    """The lead settles what each department does."""

    def decide(case: InspectionCase, now: datetime) -> None:
        joint_decisions.decide(
            case,
            context.actor,
            now,
            department=command.department,
            plan=command.plan,
            tasks=[{"department": part.department, "task": part.task} for part in command.tasks],
            occurred_at=command.occurred_at,
        )

    return await change_case(case_id, command, context, services, decide)


async def finish_task(
    case_id: str, command: FinishTask, context: CommandContext, services: Services
) -> CommandResult:
    """A department did its part."""

    await require_evidence(command.evidence_sha256, context, services)

    def decide(case: InspectionCase, now: datetime) -> None:
        joint_decisions.finish_task(
            case,
            context.actor,
            now,
            department=command.department,
            note=command.note,
            evidence_sha256=command.evidence_sha256,
            occurred_at=command.occurred_at,
        )

    return await change_case(case_id, command, context, services, decide)


async def reach_milestone(
    case_id: str, command: ReachMilestone, context: CommandContext, services: Services
) -> CommandResult:
    """A deadline within the handling is met."""

    await require_evidence(command.evidence_sha256, context, services)

    def decide(case: InspectionCase, now: datetime) -> None:
        joint_decisions.reach_milestone(
            case,
            context.actor,
            now,
            department=command.department,
            milestone=command.milestone,
            note=command.note,
            evidence_sha256=command.evidence_sha256,
            occurred_at=command.occurred_at,
        )

    return await change_case(case_id, command, context, services, decide)
