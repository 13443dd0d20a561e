"""The centre's daily work on a case: corrections, who does it, checks in the field."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from citybrain.definitions.calendars import BusinessCalendar
from citybrain.definitions.inspection.cases import cases_at
from citybrain.domain.inspection import daily, publication
from citybrain.domain.inspection.case import InspectionCase
from citybrain.domain.inspection.daily_events import Priority
from citybrain.domain.inspection.deadlines import Deadline, Stage
from citybrain.domain.inspection.publication_events import Visibility
from citybrain.domain.times import moment
from commands.fields import Code, Flag, Latitude, Longitude, Sha256, Text
from commands.handling import Command, CommandContext, CommandResult
from commands.inspection.case import change_case
from commands.inspection.evidence import require_evidence
from commands.inspection.placing import place_of, require_in_the_city
from commands.services import Services

Reason = Annotated[Text, StringConstraints(min_length=1)]
Subject = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,200}$")]
BY_CLASS = "its class is private"


class ReclassifyCase(Command):
    """It is a problem of another class."""

    class_code: Code = Field(description="a class of `GET /v1/classes`")
    reason: Reason


class RelocateCase(Command):
    """It is at another place."""

    latitude: Latitude
    longitude: Longitude
    address: Annotated[Text, StringConstraints(max_length=300)] | None = None
    reason: Reason


class PrioritiseCase(Command):
    """How soon the centre wants it done."""

    priority: Priority
    reason: Text = ""


class AssignCase(Command):
    """A person of the department does it; nobody of them where absent."""

    department: Code
    assignee: Subject | None = Field(None, description="the subject of their token")


class OrderCheck(Command):
    """Send somebody to look whether it is solved (核查)."""

    inspector: Subject = Field(description="the subject of their token")
    note: Text = ""


class CheckCase(Command):
    """What whoever was sent has found."""

    solved: Flag
    note: Text = ""
    evidence_sha256: list[Sha256] = Field(default_factory=list, max_length=20)


async def reclassify_case(
    case_id: str, command: ReclassifyCase, context: CommandContext, services: Services
) -> CommandResult:
    """Put a case in another class: its deadlines run on as those of that class."""

    def decide(case: InspectionCase, now: datetime) -> None:
        definitions = cases_at(services.definitions, now)
        definitions.reportable(command.class_code)
        daily.reclassify(
            case,
            context.actor,
            now,
            class_code=command.class_code,
            reason=command.reason,
            definitions_version=definitions.version,
            begun=_running_on(case, command.class_code, services, now),
        )
        if definitions.is_private(command.class_code):
            private = Visibility.PRIVATE
            publication.moderate(case, context.actor, now, visibility=private, reason=BY_CLASS)

    return await change_case(case_id, command, context, services, decide)


def _running_on(
    case: InspectionCase, class_code: str, services: Services, now: datetime
) -> list[Deadline]:
    """The deadlines of the stages that run, from when those began; one accepted needs no other."""
    begun_at: dict[str, str] = {}
    for each in case.deadlines:
        begun_at[each["stage"]] = min(each["begun_at"], begun_at.get(each["stage"], "~"))
    definitions = cases_at(services.definitions, now)
    calendar = services.definitions.of(BusinessCalendar)
    over = "accepted" if case.lead in case.accepted_by else None
    return [
        deadline
        for stage, at in begun_at.items()
        for deadline in definitions.deadlines(class_code, [Stage(stage)], moment(at), calendar)
        if deadline["until"] != over
    ]


async def relocate_case(
    case_id: str, command: RelocateCase, context: CommandContext, services: Services
) -> CommandResult:
    """Put a case where it is; raises `OutsideTheCity`."""

    def decide(case: InspectionCase, now: datetime) -> None:
        require_in_the_city(command, context, services, now)
        place = place_of(services, now, command.latitude, command.longitude)
        daily.relocate(case, context.actor, now, place=place, **dict(command))

    return await change_case(case_id, command, context, services, decide)


async def prioritise_case(
    case_id: str, command: PrioritiseCase, context: CommandContext, services: Services
) -> CommandResult:
    """Say how soon it is to be done."""

    def decide(case: InspectionCase, now: datetime) -> None:
        daily.prioritise(case, context.actor, now, **dict(command))

    return await change_case(case_id, command, context, services, decide)


async def assign_case(
    case_id: str, command: AssignCase, context: CommandContext, services: Services
) -> CommandResult:
    """Give it to a person of the department."""

    def decide(case: InspectionCase, now: datetime) -> None:
        daily.assign(case, context.actor, now, **dict(command))

    return await change_case(case_id, command, context, services, decide)


async def order_check(
    case_id: str, command: OrderCheck, context: CommandContext, services: Services
) -> CommandResult:
    """Send somebody to look."""

    def decide(case: InspectionCase, now: datetime) -> None:
        daily.order_check(case, context.actor, now, **dict(command))

    return await change_case(case_id, command, context, services, decide)


async def check_case(
    case_id: str, command: CheckCase, context: CommandContext, services: Services
) -> CommandResult:
    """Take down what they found."""

    await require_evidence(command.evidence_sha256, context, services)

    def decide(case: InspectionCase, now: datetime) -> None:
        daily.check(case, context.actor, now, **dict(command))

    return await change_case(case_id, command, context, services, decide)
