"""The commands of an inspection case on its way from report to closing, and their handlers.

What the handlers of all its commands share is here, too: the answer, and what they take from the
definitions in force.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar, Protocol

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from citybrain.definitions.calendars import BusinessCalendar
from citybrain.definitions.inspection.cases import CaseClass, CaseDefinitions, cases_at
from citybrain.domain.actor import WATCHERS, Role
from citybrain.domain.inspection.case import InspectionCase, Reported
from citybrain.domain.inspection.case_events import CaseSource
from citybrain.domain.inspection.daily import require_check
from citybrain.domain.inspection.deadlines import Deadline, Stage
from citybrain.domain.inspection.publication import first_visibility
from citybrain.domain.inspection.publication_events import Visibility
from citybrain.errors import InvalidInput
from commands.fields import (
    Code,
    Flag,
    Latitude,
    Longitude,
    LongText,
    Moment,
    Percent,
    Prose,
    Sha256,
    Text,
)
from commands.handling import Command, CommandContext, CommandResult, change, create
from commands.inspection.evidence import require_evidence
from commands.inspection.placing import areas_of, place_of_command, require_in_the_city
from commands.inspection.words import sealed_words
from commands.services import Services

REWORK_STAGES = (Stage.HANDLING,)
REOPENED_STAGES = (Stage.HANDLING, Stage.CLOSING)


PublicAnswer = Annotated[Prose, StringConstraints(max_length=500)]


def once_each(codes: list[str]) -> list[str]:
    if len(set(codes)) != len(codes):
        raise PydanticCustomError("named_twice", "a code is named twice")
    return codes


class ConfidenceTooLow(InvalidInput):
    """The camera is not sure enough for a case."""

    code = "confidence-too-low"


class StepCommand(Command):
    """A step of a case. `occurred_at` is when it happened; now where absent."""

    occurred_at: Moment | None = Field(
        None, description="when it happened in the world (RFC 3339 with offset); now where absent"
    )


class ReportProblem(StepCommand):
    """Report a street problem; without a place it waits for a person who finds it."""

    LATER: ClassVar[frozenset[str]] = frozenset({"private"})

    source: CaseSource = Field(description="who noticed it; must fit the role of the token")
    class_code: Code = Field(description="a class of `GET /v1/classes`")
    description: LongText = Field("", description="what is wrong; no names, no numbers")
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    address: Annotated[Text, StringConstraints(max_length=300)] | None = None
    confidence: Percent | None = Field(None, description="of a camera's recognition, %")
    evidence_sha256: list[Sha256] = Field(
        default_factory=list, max_length=20, description="digests of photos or recordings"
    )
    simulated: Flag = Field(False, description="true for made-up data; shown wherever it shows")
    external_ref: Annotated[Text, StringConstraints(max_length=120)] | None = None
    attributes: dict[Code, Annotated[list[Text], Field(max_length=50)]] | None = Field(
        None, max_length=50, description="what the class asks for, by code; no personal data"
    )
    private: Flag | None = Field(None, description="true: nothing of it is public")


class ReportCase(ReportProblem):
    """Report a street problem at its place."""

    latitude: Latitude
    longitude: Longitude


class FileCase(StepCommand):
    """File the report as a case."""


class DispatchCase(StepCommand):
    """Send the case to departments; routed by its class where none are given."""

    departments: (
        Annotated[list[Code], Field(min_length=1, max_length=10), AfterValidator(once_each)] | None
    ) = Field(None, description="by the routing of the class where absent")
    lead: Code | None = Field(None, description="one of the departments; the first where absent")


class AcceptCase(StepCommand):
    """A department takes the case on."""

    department: Code


class HandleCase(StepCommand):
    """The lead department reports the problem solved."""

    department: Code
    note: Text = ""
    evidence_sha256: list[Sha256] = Field(min_length=1, max_length=20)


class ReturnCase(StepCommand):
    """Verification failed: return the case for rework."""

    reason: Annotated[Text, StringConstraints(min_length=1)]


class VerifyCase(StepCommand):
    """Verification found the problem solved."""

    note: Text = ""


class CloseCase(StepCommand):
    """Close a verified case."""

    LATER: ClassVar[frozenset[str]] = frozenset({"public_answer", "answer"})

    resolution: Text = Field("", description="for those who work on it")
    public_answer: PublicAnswer | None = Field(None, description="what everybody may read")
    answer: Code | None = Field(None, description="a text of `GET /v1/answers` for both")


class ReopenCase(Command):
    """The problem is there again."""

    reason: Annotated[Text, StringConstraints(min_length=1)]


def case_answer(case: InspectionCase) -> dict[str, Any]:
    """What every command on a case answers."""
    return {"case_id": case.id, "status": str(case.status), "version": case.version}


async def change_case(
    case_id: str,
    command: Command,
    context: CommandContext,
    services: Services,
    decide: Callable[[InspectionCase, datetime], None],
    answer: Callable[[InspectionCase], dict[str, Any]] = case_answer,
) -> CommandResult:
    """Run a decision on a case, now."""
    return await change(
        InspectionCase,
        case_id,
        command,
        context,
        services,
        lambda case: decide(case, services.clock()),
        answer,
    )


async def report_case(
    command: ReportProblem,
    context: CommandContext,
    services: Services,
    *,
    case_id: str | None = None,
) -> CommandResult:
    """Open a case. `case_id` is only given where it is known before (imports, Open311).

    What a person wrote is sealed under a key of the case.
    """
    await require_evidence(command.evidence_sha256, context, services)
    personal = not context.actor.has(*WATCHERS, Role.SYSTEM)
    words: dict[str, Any] = {}

    async def seal() -> None:
        nonlocal case_id
        decide()  # what is refused leaves no key
        case_id = case_id or InspectionCase.new_id()
        sealed = await sealed_words(case_id, command.description, services)
        words.update(description="", description_sealed=sealed)

    def decide() -> InspectionCase:
        now = services.clock()
        at = told_at(command, context, now)
        require_in_the_city(command, context, services, now)
        definitions = cases_at(services.definitions, now)
        case_class = _class_of_report(command, context, definitions)
        attributes = _attributes(command, context, case_class)
        _require_sure(command, context, case_class)
        said = {
            **vars(command),
            **words,
            "visibility": _visibility(command, case_class, personal=personal),
            "attributes": attributes,
            "place": place_of_command(command, services, now),
            "begun": definitions.deadlines(
                command.class_code, (Stage.FILING,), at, services.definitions.of(BusinessCalendar)
            ),
        }
        del said["private"]
        reported = Reported(**said)
        return InspectionCase.report(context.actor, now, reported, case_id=case_id)

    sealing = seal if personal and command.description else None
    return await create(command, context, services, decide, case_answer, sealing)


async def file_case(
    case_id: str, command: FileCase, context: CommandContext, services: Services
) -> CommandResult:
    """File a reported case."""

    def decide(case: InspectionCase, now: datetime) -> None:
        at = told_at(command, context, now)
        case.file(
            context.actor,
            now,
            definitions_version=cases_at(services.definitions, now).version,
            begun=begun(services, now, case.class_code, at, Stage.DISPATCH, Stage.CLOSING),
            occurred_at=command.occurred_at,
        )

    return await change_case(case_id, command, context, services, decide)


async def dispatch_case(
    case_id: str,
    command: DispatchCase,
    context: CommandContext,
    services: Services,
    *,
    given: Sequence[Deadline] | None = None,
) -> CommandResult:
    """Dispatch a filed case: to the given departments, else by the routing of its class.

    `given` are deadlines of the source in place of the class's (imports).
    """
    if command.departments is None and command.lead is not None:
        raise InvalidInput("a lead is given together with its departments")

    def decide(case: InspectionCase, now: datetime) -> None:
        definitions = cases_at(services.definitions, now)
        if command.departments is None:
            route = definitions.route(case.class_code, areas_of(case), case.asset_owner)
            departments, lead = list(route.departments), route.lead
        else:
            departments = command.departments
            lead = command.lead or departments[0]
            for department in departments:
                definitions.require_department(department)
        case.dispatch(
            context.actor,
            now,
            departments=departments,
            lead=lead,
            definitions_version=definitions.version,
            occurred_at=command.occurred_at,
            begun=given
            or begun(
                services, now, case.class_code, told_at(command, context, now), Stage.HANDLING
            ),
        )

    return await change_case(case_id, command, context, services, decide)


async def accept_case(
    case_id: str, command: AcceptCase, context: CommandContext, services: Services
) -> CommandResult:
    """A department accepts a dispatched case."""

    def decide(case: InspectionCase, now: datetime) -> None:
        case.accept(
            context.actor, now, department=command.department, occurred_at=command.occurred_at
        )

    return await change_case(case_id, command, context, services, decide)


async def handle_case(
    case_id: str, command: HandleCase, context: CommandContext, services: Services
) -> CommandResult:
    """The lead department reports the problem solved."""

    await require_evidence(command.evidence_sha256, context, services)

    def decide(case: InspectionCase, now: datetime) -> None:
        at = told_at(command, context, now)
        recheck = cases_at(services.definitions, now).recheck_minutes(case.class_code)
        seen_by_camera = recheck is not None and bool(case.detections)
        case.handle(
            context.actor,
            now,
            department=command.department,
            note=command.note,
            evidence_sha256=command.evidence_sha256,
            occurred_at=command.occurred_at,
            begun=begun(services, now, case.class_code, at, Stage.VERIFICATION),
            recheck_at=at + timedelta(minutes=recheck or 0) if seen_by_camera else None,
        )

    return await change_case(case_id, command, context, services, decide)


async def return_case(
    case_id: str, command: ReturnCase, context: CommandContext, services: Services
) -> CommandResult:
    """Return a handled case for rework."""

    def decide(case: InspectionCase, now: datetime) -> None:
        case.return_for_rework(
            context.actor,
            now,
            reason=command.reason,
            occurred_at=command.occurred_at,
            begun=begun(
                services, now, case.class_code, told_at(command, context, now), *REWORK_STAGES
            ),
        )

    return await change_case(case_id, command, context, services, decide)


async def verify_case(
    case_id: str, command: VerifyCase, context: CommandContext, services: Services
) -> CommandResult:
    """Verify a handled case."""

    def decide(case: InspectionCase, now: datetime) -> None:
        needed = cases_at(services.definitions, now).needs_field_check(case.class_code)
        if not context.actor.has(Role.SYSTEM):
            require_check(case, needed=needed)
        case.verify(context.actor, now, note=command.note, occurred_at=command.occurred_at)

    return await change_case(case_id, command, context, services, decide)


async def close_case(
    case_id: str, command: CloseCase, context: CommandContext, services: Services
) -> CommandResult:
    """Close a verified case."""

    def decide(case: InspectionCase, now: datetime) -> None:
        public, internal = answered(command, "closing", services, now)
        case.close(
            context.actor,
            now,
            resolution=command.resolution or internal,
            public_answer=public,
            occurred_at=command.occurred_at,
        )

    return await change_case(case_id, command, context, services, decide)


async def reopen_case(
    case_id: str,
    command: ReopenCase,
    context: CommandContext,
    services: Services,
    *,
    occurred_at: datetime | None = None,
) -> CommandResult:
    """Reopen a closed case. `occurred_at` is only given where another system tells (imports)."""

    def decide(case: InspectionCase, now: datetime) -> None:
        case.reopen(
            context.actor,
            now,
            reason=command.reason,
            occurred_at=occurred_at,
            begun=begun(
                services, now, case.class_code, min(occurred_at or now, now), *REOPENED_STAGES
            ),
        )

    return await change_case(case_id, command, context, services, decide)


class Answering(Protocol):
    """A command that says something to the public."""

    public_answer: str | None
    answer: str | None


def answered(
    command: Answering, of: str, services: Services, now: datetime
) -> tuple[str | None, str]:
    """What the public reads, and what the text that was chosen says within; `UnknownAnswer`."""
    if command.answer is None:
        return command.public_answer, ""
    found = cases_at(services.definitions, now).require_answer(command.answer, of)
    return command.public_answer or found.told, found.internal


def _visibility(command: ReportProblem, case_class: CaseClass, *, personal: bool) -> str | None:
    """What of a new case is public by rule; None: all of it. `personal`: a person wrote it."""
    private = command.private or case_class.private
    if not (personal or private):
        return None
    address = command.address or ""
    found = first_visibility(command.description, address, private=bool(private))
    return None if found is Visibility.PUBLIC else found.value


def checked_attributes(
    command: ReportProblem, context: CommandContext, services: Services, now: datetime
) -> dict[str, list[str]] | None:
    """The attributes as the class in force takes them; raises `InvalidAttribute`.

    Only a citizen can be asked, so what is required is required of citizens.
    """
    definitions = cases_at(services.definitions, now)
    return _attributes(command, context, _class_of_report(command, context, definitions))


def _attributes(
    command: ReportProblem, context: CommandContext, case_class: CaseClass
) -> dict[str, list[str]] | None:
    asked = context.actor.has(Role.CITIZEN)
    return case_class.check_attributes(command.attributes or {}, complete=asked) or None


def _class_of_report(
    command: ReportProblem, context: CommandContext, definitions: CaseDefinitions
) -> CaseClass:
    """The class in force; an import tells of one that takes no new reports, too."""
    if context.actor.has(Role.SYSTEM):
        return definitions.require_class(command.class_code)
    return definitions.reportable(command.class_code)


def _require_sure(command: ReportProblem, context: CommandContext, case_class: CaseClass) -> None:
    """A camera that is not sure of what it saw sends a detection, which waits for a person."""
    if context.actor.has(Role.SYSTEM) or command.confidence is None:
        return
    if command.source is CaseSource.CAMERA and command.confidence < case_class.confirm_below:
        raise ConfidenceTooLow(
            f"below {case_class.confirm_below} % a person confirms: send it as a detection"
        )


def told_at(command: StepCommand, context: CommandContext, now: datetime) -> datetime:
    """When a stage begins: as we are told, but for an import, which tells of another system."""
    if context.actor.has(Role.SYSTEM) and command.occurred_at is not None:
        return min(command.occurred_at, now)
    return now


def begun(
    services: Services, now: datetime, class_code: str, at: datetime, *stages: Stage
) -> list[Deadline]:
    """The deadlines in force that begin at `at`."""
    definitions, calendar = (
        cases_at(services.definitions, now),
        services.definitions.of(BusinessCalendar),
    )
    return definitions.deadlines(class_code, stages, at, calendar)
