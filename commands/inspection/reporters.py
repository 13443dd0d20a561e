"""What whoever reported a case may do with it; what they say is sealed as a comment is."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from citybrain.domain.inspection import comments, reporters
from citybrain.domain.inspection.case import InspectionCase
from citybrain.eventstore import StreamNotFound
from commands.fields import Flag, Prose
from commands.handling import Command, CommandContext, CommandResult, once_a_key
from commands.inspection.case import REOPENED_STAGES, begun, change_case
from commands.inspection.comments import keep_comment
from commands.services import Services


class SayOfCase(Command):
    """Say something of one's own case."""

    text: Prose


class NotSolvedYet(Command):
    """It was closed and is not solved."""

    text: Prose = Field(description="what is not solved; for those who work on it")


class RateCase(Command):
    """How well it was solved."""

    stars: Annotated[int, Field(ge=1, le=5, strict=True)]
    text: Annotated[Prose, StringConstraints(max_length=1000)] | None = None


class SubscribeCase(Command):
    """Be told what becomes of it, or no more."""

    wanted: Flag = True


async def require_reporter(case_id: str, context: CommandContext, services: Services) -> None:
    """Raises `StreamNotFound` for whoever has not reported the case."""
    first = await services.store.read(case_id, limit=1)
    if not first or first[0].metadata.get("actor") != context.actor.subject:
        raise StreamNotFound("there is no such case")


@once_a_key
async def say_of_case(
    case_id: str, command: SayOfCase, context: CommandContext, services: Services
) -> CommandResult:
    """What its reporter adds."""
    return await _saying(case_id, command, command.text, context, services, lambda case, now: None)


@once_a_key
async def not_solved_yet(
    case_id: str, command: NotSolvedYet, context: CommandContext, services: Services
) -> CommandResult:
    """Its reporter has it reopened."""

    def decide(case: InspectionCase, now: datetime) -> None:
        again = begun(services, now, case.class_code, now, *REOPENED_STAGES)
        reporters.reopen(case, context.actor, now, begun=again)

    return await _saying(case_id, command, command.text, context, services, decide)


@once_a_key
async def rate_case(
    case_id: str, command: RateCase, context: CommandContext, services: Services
) -> CommandResult:
    """Its reporter rates how it was solved."""

    def decide(case: InspectionCase, now: datetime) -> None:
        reporters.rate(case, context.actor, now, stars=command.stars)

    return await _saying(case_id, command, command.text, context, services, decide)


async def _saying(
    case_id: str,
    command: Command,
    text: str | None,
    context: CommandContext,
    services: Services,
    decide: Callable[[InspectionCase, datetime], None],
) -> CommandResult:
    """Decide, and note what they said, together; a refusal comes before anything is kept."""
    await require_reporter(case_id, context, services)
    decide(await services.store.load(InspectionCase, case_id), services.clock())
    said = None if text is None else await keep_comment(case_id, {"text": text}, services)

    def both(case: InspectionCase, now: datetime) -> None:
        if said is not None:
            comments.comment(case, context.actor, now, comment_id=said)
        decide(case, now)

    return await change_case(case_id, command, context, services, both)


async def subscribe_case(
    case_id: str, command: SubscribeCase, context: CommandContext, services: Services
) -> CommandResult:
    """Be told what becomes of a case that everybody may read; of a private one nobody is."""

    def decide(case: InspectionCase, now: datetime) -> None:
        if command.wanted and case.visibility == "private":
            raise StreamNotFound("there is no such case")
        reporters.subscribe(case, context.actor, now, wanted=command.wanted)

    return await change_case(case_id, command, context, services, decide)
