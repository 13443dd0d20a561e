"""What a department or the centre asks for and a supervisor settles, and the end of a deferral."""

from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar
from uuid import uuid4

from pydantic import Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from citybrain.definitions.calendars import BusinessCalendar, TimeKind
from citybrain.domain.inspection import approvals
from citybrain.domain.inspection.approval_events import Change
from citybrain.domain.inspection.case import InspectionCase
from citybrain.domain.inspection.deadlines import Deadline, MovedDeadline, RunningDeadline, Stage
from citybrain.domain.times import moment
from commands.fields import Code, Moment, NoFlag, Text
from commands.handling import Command, CommandContext, CommandResult
from commands.inspection.case import PublicAnswer, answered, begun, case_answer, change_case
from commands.services import Services

WARN_SHARE = 0.25  # of what is left of an extended deadline, before its end

Reason = Annotated[Text, StringConstraints(min_length=1)]


class RequestChange(Command):
    """Ask for a hand-back, a voiding, an extension or a deferral (回退、作廢、延期、緩辦)."""

    change: Change
    reason: Reason
    department: Code | None = Field(None, description="the lead; none where the centre asks")
    deadline: Code | None = Field(None, description="of an extension: which deadline")
    amount: Annotated[float, Field(gt=0, le=1000), NoFlag] | None = Field(
        None, description="of an extension: how much more, in the deadline's unit"
    )
    until: Moment | None = Field(None, description="of a deferral: when to go on")

    @model_validator(mode="after")
    def _fits(self) -> "RequestChange":
        extension = self.deadline is not None and self.amount is not None
        if (self.change is Change.EXTENSION) != extension or (
            extension != (self.deadline is not None or self.amount is not None)
        ):
            raise PydanticCustomError(
                "extension_parts", "deadline and amount belong to an extension, together"
            )
        if (self.change is Change.DEFERRAL) != (self.until is not None):
            raise PydanticCustomError("deferral_until", "until belongs to a deferral")
        return self


class SettleChange(Command):
    """Approve or deny a request."""

    LATER: ClassVar[frozenset[str]] = frozenset({"public_answer", "answer"})

    request_id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
    note: Text = Field("", description="for those who work on it")
    public_answer: PublicAnswer | None = Field(
        None, description="of a voiding that is approved: what everybody may read"
    )
    answer: Code | None = Field(None, description="a text of `GET /v1/answers` for both")


class ResumeCase(Command):
    """End a deferral."""


def request_answer(case: InspectionCase) -> dict[str, Any]:
    """The usual answer, and the id of the latest request that is open."""
    latest = case.requests[-1]["request_id"] if case.requests else None
    return {**case_answer(case), "request_id": latest}


async def request_change(
    case_id: str, command: RequestChange, context: CommandContext, services: Services
) -> CommandResult:
    """Ask for a change."""
    request_id = uuid4().hex

    def decide(case: InspectionCase, now: datetime) -> None:
        approvals.request_change(case, context.actor, now, request_id=request_id, **dict(command))

    return await change_case(case_id, command, context, services, decide, request_answer)


async def approve_change(
    case_id: str, command: SettleChange, context: CommandContext, services: Services
) -> CommandResult:
    """Approve a request: the change is made."""

    def decide(case: InspectionCase, now: datetime) -> None:
        request = approvals.request_to_settle(case, context.actor, command.request_id)
        fields: dict[str, Any] = {"request_id": command.request_id, "note": command.note}
        if request["change"] == Change.HAND_BACK:
            fields["begun"] = begun(services, now, case.class_code, now, Stage.DISPATCH)
        elif request["change"] == Change.EXTENSION:
            deadline = case.running(request["deadline"])
            calendar = services.definitions.of(BusinessCalendar)
            fields["moved"] = [extended(deadline, request["amount"], now, calendar)]
        elif request["change"] == Change.VOID:
            public, internal = answered(command, "voiding", services, now)
            fields |= {"public_answer": public, "note": command.note or internal}
        approvals.approve(case, context.actor, now, **fields)

    return await change_case(case_id, command, context, services, decide)


async def deny_change(
    case_id: str, command: SettleChange, context: CommandContext, services: Services
) -> CommandResult:
    """Deny a request."""

    def decide(case: InspectionCase, now: datetime) -> None:
        request_id, note = command.request_id, command.note
        approvals.deny(case, context.actor, now, request_id=request_id, note=note)

    return await change_case(case_id, command, context, services, decide)


async def resume_case(
    case_id: str, command: ResumeCase, context: CommandContext, services: Services
) -> CommandResult:
    """Go on with a deferred case."""

    def decide(case: InspectionCase, now: datetime) -> None:
        resume(case, now, context, services)

    return await change_case(case_id, command, context, services, decide)


def resume(
    case: InspectionCase, now: datetime, context: CommandContext, services: Services
) -> None:
    """End a deferral: what was left of the deadlines begins to run again."""
    calendar, paused_at = services.definitions.of(BusinessCalendar), case.deferred_at or now
    moved = [postponed(deadline, paused_at, now, calendar) for deadline in case.deadlines]
    approvals.resume(case, context.actor, now, moved=moved)


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
