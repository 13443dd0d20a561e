"""What of a case is public, as people of the centre settle it; and erasing what people wrote."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from citybrain.domain.inspection import publication
from citybrain.domain.inspection.case import InspectionCase
from citybrain.domain.inspection.publication_events import Visibility
from citybrain.domain.inspection.views import View, photos_seen
from commands.fields import LongText, Sha256, Text
from commands.handling import Command, CommandContext, CommandResult
from commands.inspection.case import change_case
from commands.inspection.words import sealed_words
from commands.services import Services

Reason = Annotated[Text, StringConstraints(min_length=1)]


class ModerateCase(Command):
    """Settle what of a case everybody may read."""

    visibility: Visibility = Field(description="public, hidden (all but its words) or private")
    reason: Reason
    description: Annotated[LongText, StringConstraints(min_length=1)] | None = Field(
        None, description="other words in place of the reporter's, as with a name left out"
    )


class PublishPhoto(Command):
    """A photo of a case may be shown to everybody: whoever says so has looked at it."""

    sha256: Sha256 = Field(description="of the photo, as the evidence of the case names it")
    reason: Reason


class WithdrawPhoto(Command):
    """A photo that everybody saw is for those within again."""

    sha256: Sha256
    reason: Reason


class EraseCase(Command):
    """Destroy the key of a case: nobody can ever read what people wrote of it."""

    reason: Reason


async def moderate_case(
    case_id: str, command: ModerateCase, context: CommandContext, services: Services
) -> CommandResult:
    """Settle what is public; other words are sealed as the first were."""
    sealed: str | None = None

    def decide(case: InspectionCase, now: datetime) -> None:
        publication.moderate(
            case,
            context.actor,
            now,
            visibility=command.visibility,
            reason=command.reason,
            description_sealed=sealed,
        )

    if command.description is not None:
        # A refusal comes before anything is sealed.
        decide(await services.store.load(InspectionCase, case_id), services.clock())
        sealed = await sealed_words(case_id, command.description, services)
    return await change_case(case_id, command, context, services, decide)


async def publish_photo(
    case_id: str, command: PublishPhoto, context: CommandContext, services: Services
) -> CommandResult:
    """Record that somebody lets everybody see a photo; of other cases there is none."""
    events = await services.store.read(case_id)
    evidence = photos_seen(((each.topic, each.data) for each in events), View.CENTRE)

    def decide(case: InspectionCase, now: datetime) -> None:
        said = command.model_dump()
        publication.publish_photo(case, context.actor, now, evidence=evidence, **said)

    return await change_case(case_id, command, context, services, decide)


async def withdraw_photo(
    case_id: str, command: WithdrawPhoto, context: CommandContext, services: Services
) -> CommandResult:
    """Record that it is not shown any more, from now on."""

    def decide(case: InspectionCase, now: datetime) -> None:
        publication.withdraw_photo(case, context.actor, now, **command.model_dump())

    return await change_case(case_id, command, context, services, decide)


async def erase_case(
    case_id: str, command: EraseCase, context: CommandContext, services: Services
) -> CommandResult:
    """Erase what people wrote of a case: its events stay, and so do their proofs.

    The key goes after its end is noted: an erasure that was cut short is asked for again.
    """

    def decide(case: InspectionCase, now: datetime) -> None:
        publication.erase(case, context.actor, now, reason=command.reason)

    result = await change_case(case_id, command, context, services, decide)
    await services.vault.create_key(case_id)
    await services.vault.erase(case_id)
    return result
