"""What a department or the centre asks for and a supervisor settles, deferrals, and alarms."""

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import uuid4

from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from citybrain.definitions.calendars import BusinessCalendar, TimeKind
from citybrain.domain.inspection.case import InspectionCase
from citybrain.domain.inspection.case_events import Change
from citybrain.domain.inspection.deadlines import Deadline, MovedDeadline, RunningDeadline, Stage
from citybrain.domain.times import moment
from commands.fields import Code, Text
from commands.handling import Command, CommandContext, CommandResult, change
from commands.inspection.case import begun, case_answer
from commands.services import Services

WARN_SHARE = 0.25  # of what is left of an extended deadline, before its end

Reason = Annotated[Text, StringConstraints(min_length=1)]


class RequestChange(Command):
    """Ask for a hand-back, a voiding, an extension or a deferral (回退、作廢、延期、緩辦)."""

    change: Change
    reason: Reason
    department: Code | None = Field(None, description="the lead; none where the centre asks")
    deadline: Code | None = Field(None, description="of an extension: which deadline")
    amount: float | None = Field(
        None, gt=0, le=1000, description="of an extension: how much more, in the deadline's unit"
    )
    until: AwareDatetime | None = Field(None, description="of a deferral: when to go on")

    @model_validator(mode="after")
    def _fits(self) -> "RequestChange":
        extension = self.deadline is not None and self.amount is not None
        if (self.change is Change.EXTENSION) != extension or (
            extension != (self.deadline is not None or self.amount is not None)
        ):
            raise ValueError("deadline and amount belong to an extension, together")
        if (self.change is Change.DEFERRAL) != (self.until is not None):
            raise ValueError("until belongs to a deferral")
        return self


class SettleChange(Command):
    """Approve or deny a request."""

    request_id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
    note: Text = ""


class ResumeCase(Command):
    """End a deferral."""


class RaiseAlarms(Command):
    """Warn of the deadlines that come near, escalate those that have passed."""


def request_answer(case: InspectionCase) -> dict[str, Any]:
    """The usual answer, and the id of the latest request that is open."""
    latest = case.requests[-1]["request_id"] if case.requests else None
    return {**case_answer(case), "request_id": latest}


async def request_change(
    case_id: str, command: RequestChange, context: CommandContext, services: Services
) -> CommandResult:
    """Ask for a change."""
    request_id = uuid4().hex
    return await change(
        InspectionCase,
        case_id,
        command,
        context,
        services,
        lambda case: case.request_change(
            context.actor, services.clock(), request_id=request_id, **dict(command)
        ),
        request_answer,
    )


async def approve_change(
    case_id: str, command: SettleChange, context: CommandContext, services: Services
) -> CommandResult:
    """Approve a request: the change is made."""

    def decide(case: InspectionCase) -> None:
        now = services.clock()
        request = case.request_to_settle(context.actor, command.request_id)
        fields: dict[str, Any] = {}
        if request["change"] == Change.HAND_BACK:
            fields["begun"] = begun(services, now, case.class_code, now, Stage.DISPATCH)
        elif request["change"] == Change.EXTENSION:
            deadline = case.running(request["deadline"])
            calendar = services.definitions.of(BusinessCalendar)
            fields["moved"] = [extended(deadline, request["amount"], now, calendar)]
        case.approve(context.actor, now, request_id=command.request_id, note=command.note, **fields)

    return await _change(case_id, command, context, services, decide)


async def deny_change(
    case_id: str, command: SettleChange, context: CommandContext, services: Services
) -> CommandResult:
    """Deny a request."""
    return await _change(
        case_id,
        command,
        context,
        services,
        lambda case: case.deny(
            context.actor, services.clock(), request_id=command.request_id, note=command.note
        ),
    )


async def resume_case(
    case_id: str, command: ResumeCase, context: CommandContext, services: Services
) -> CommandResult:
    """Go on with a deferred case."""
    return await _change(
        case_id, command, context, services, lambda case: _resume(case, context, services)
    )


async def raise_alarms(
    case_id: str, command: RaiseAlarms, context: CommandContext, services: Services
) -> CommandResult:
    """Whatever time it is for: the end of a deferral, warnings, escalations."""

    def decide(case: InspectionCase) -> None:
        now = services.clock()
        if case.deferred_until is not None and moment(case.deferred_until) <= now:
            _resume(case, context, services)
        case.raise_alarms(context.actor, now)

    return await _change(case_id, command, context, services, decide)


def extended(
    deadline: Deadline, amount: float, now: datetime, calendar: BusinessCalendar
) -> MovedDeadline:
    """A deadline put off by so much of its time, from its end, or from now where that is past."""
    unit = TimeKind(deadline["unit"])
    begin = max(moment(deadline["due_at"]), now)
    due_at = calendar.due(begin, unit, amount)
    warn_at = due_at - (due_at - now) * WARN_SHARE
    return {"code": deadline["code"], "warn_at": warn_at.isoformat(), "due_at": due_at.isoformat()}


def postponed(
    deadline: RunningDeadline, paused_at: datetime, now: datetime, calendar: BusinessCalendar
) -> MovedDeadline:
    """A deadline's times with what was left of them when it stood still; what had passed stays."""
    unit = TimeKind(deadline["unit"])

    def later(at: datetime) -> datetime:
        if at <= paused_at:
            return at
        if unit is TimeKind.HOURS:
            return at + (now - paused_at)
        if unit is TimeKind.WORKING_HOURS:
            left = calendar.working_time(paused_at, at)
            return calendar.due(now, unit, left / timedelta(hours=1))
        if days := calendar.working_days(paused_at, at):
            return calendar.due(now, unit, days)
        left = calendar.working_time(paused_at, at)  # it was its last day
        return calendar.due(now, TimeKind.WORKING_HOURS, left / timedelta(hours=1))

    return {
        "code": deadline["code"],
        "warn_at": later(moment(deadline["warn_at"])).isoformat(),
        "due_at": later(moment(deadline["due_at"])).isoformat(),
    }


def _resume(case: InspectionCase, context: CommandContext, services: Services) -> None:
    now, calendar = services.clock(), services.definitions.of(BusinessCalendar)
    paused_at = case.deferred_at or now
    case.resume(
        context.actor,
        now,
        moved=[postponed(each, paused_at, now, calendar) for each in case.deadlines],
    )


async def _change(
    case_id: str, command: Command, context: CommandContext, services: Services, decide: Any
) -> CommandResult:
    return await change(InspectionCase, case_id, command, context, services, decide, case_answer)
