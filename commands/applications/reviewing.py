"""The commands of officers who decide: one alone, or a first and a second.

Who registered, identified and enrolled the citizen is in what is stored beside those events;
whoever did does not decide here. An attempt that is refused is kept for auditors before the refusal
is answered.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import wraps
from typing import Annotated, Any, Literal

from pydantic import Field

from citybrain.definitions.applications.officer_reasons import OfficerReasons
from citybrain.definitions.yaml_file import Code
from citybrain.domain.applications import reviewing
from citybrain.domain.applications.application import Application
from citybrain.domain.applications.draft import Draft
from citybrain.domain.applications.identity import check_not_corrected
from citybrain.domain.applications.refusals import NotYourDepartment
from citybrain.domain.applications.separation import Part
from citybrain.domain.money import MOST_FEN, AmountAboveCeiling
from citybrain.domain.separation import NotApart, Parts
from citybrain.errors import CitybrainError, InvalidInput
from citybrain.vault import InStream
from commands.applications.application import change_application, item_of
from commands.applications.identity import check_applicant_alive
from commands.applications.unsealed import NOTE
from commands.fields import Prose
from commands.handling import Command, CommandContext, CommandResult
from commands.services import Services

Amount = Annotated[int, Field(gt=0, le=MOST_FEN, strict=True)]
SERVED = {
    "citizen.registered": Part.REGISTERED,
    "citizen.document_added": Part.REGISTERED,
    "citizen.name_changed": Part.REGISTERED,
    "citizen.phone_changed": Part.REGISTERED,
    "citizen.passcode_set": Part.REGISTERED,
    "citizen.correction_proposed": Part.REGISTERED,
    "citizen.correction_settled": Part.REGISTERED,
    "citizen.face_consent_given": Part.ENROLLED,
    "citizen.face_enrolment_approved": Part.ENROLLED,
    "citizen.face_enrolled": Part.ENROLLED,
    "citizen.duplicate_resolved": Part.ENROLLED,
}
APPEALED = "application.appealed"
FILLED_IN = ("draft.begun", "draft.saved", "draft.continued", "draft.submitted")

Handler = Callable[[str, Any, CommandContext, Services], Awaitable[CommandResult]]


class ReviewApplication(Command):
    """An officer decides what the rules referred, what was appealed, or what could not be paid.

    An approval against the rules, of more than they computed, or above what one officer may approve
    waits for a second.
    """

    outcome: Literal["approved", "refused"]
    amount_fen: Amount | None = Field(
        None, description="what is paid in all, where the item pays; a rest where some was paid"
    )
    reasons: list[Code] = Field(
        default_factory=list,
        max_length=20,
        description="rules of the service, or of the city's list; a refusal has one at least",
    )
    note: Prose = Field(description="what the officer found; sealed")


class ConfirmReview(Command):
    """A second officer agrees to what a first one proposed."""

    amount_fen: Amount | None = Field(None, description="what was proposed, said once more")
    note: Prose = Field(description="what the second officer found; sealed")


class TurnBackReview(Command):
    """A second officer does not agree: it is decided anew."""

    note: Prose = Field(description="why; sealed")


class ReviewIncomplete(InvalidInput):
    """An approval that pays has an amount, one that does not has none; a refusal has reasons."""

    code = "review-incomplete"


def _on_the_record(handler: Handler) -> Handler:
    """A handler whose refusals are kept before they are answered: who tried, and by which rule."""

    @wraps(handler)
    async def handle(
        application_id: str, command: Any, context: CommandContext, services: Services
    ) -> CommandResult:
        try:
            return await handler(application_id, command, context, services)
        except (NotApart, NotYourDepartment, AmountAboveCeiling) as refused:
            await _note(refused, application_id, context, services)
            raise

    return handle


async def _note(
    refused: CitybrainError, application_id: str, context: CommandContext, services: Services
) -> None:
    rule = str(refused.details.get("rule", refused.code))
    await change_application(
        application_id,
        Command(),
        context._replace(idempotency_key=None, expected_version=None),
        services,
        lambda application, now: reviewing.note_refused(application, context.actor, now, rule=rule),
    )


@_on_the_record
async def review_application(
    application_id: str, command: ReviewApplication, context: CommandContext, services: Services
) -> CommandResult:
    """Record an officer's decision, or what a second has to look at."""
    application = await services.store.load(Application, application_id)
    application.check_officer(context.actor)
    approved = command.outcome == "approved"
    if approved and (command.amount_fen is not None) != application.pays:
        raise ReviewIncomplete("amount_fen is given exactly where the item pays")
    if application.paid_fen and command.amount_fen == application.paid_fen and not command.reasons:
        raise ReviewIncomplete("where what was paid stands, there are reasons")
    if not approved and (not command.reasons or command.amount_fen is not None):
        raise ReviewIncomplete("a refusal has reasons and no amount")
    citizen_id = application.citizen_id
    corrected_at: datetime | None = None
    if approved:
        corrected_at = (await check_applicant_alive(citizen_id, services)).identity_corrected_at
    item = item_of(application, services)
    reasons = services.definitions.of(OfficerReasons)
    reasons.check(command.reasons, item, services.clock())
    served = await parts_of(application, services)
    sealed = await services.vault.seal_text(
        citizen_id, InStream(NOTE, application_id), command.note
    )

    def decide(application: Application, now: datetime) -> None:
        stands = application.paid_fen and command.amount_fen == application.paid_fen
        reviewing.review(
            application,
            context.actor,
            now,
            outcome=command.outcome,
            reasons=command.reasons,
            amount_fen=command.amount_fen,
            note_sealed=sealed,
            served=served,
            ceiling_fen=item.ceiling_fen,
            one_reviewer_fen=item.one_reviewer_fen,
        )
        if not stands:
            check_not_corrected(application, corrected_at)

    return await change_application(application_id, command, context, services, decide)


@_on_the_record
async def confirm_review(
    application_id: str, command: ConfirmReview, context: CommandContext, services: Services
) -> CommandResult:
    """Record a second officer's agreement: with it, it is decided."""
    application = await services.store.load(Application, application_id)
    application.check_officer(context.actor)
    citizen = await check_applicant_alive(application.citizen_id, services)
    ceiling_fen = item_of(application, services).ceiling_fen
    served = await parts_of(application, services)
    sealed = await services.vault.seal_text(
        application.citizen_id, InStream(NOTE, application_id), command.note
    )

    def decide(application: Application, now: datetime) -> None:
        reviewing.confirm(
            application,
            context.actor,
            now,
            amount_fen=command.amount_fen,
            note_sealed=sealed,
            served=served,
            ceiling_fen=ceiling_fen,
        )
        check_not_corrected(application, citizen.identity_corrected_at)

    return await change_application(application_id, command, context, services, decide)


@_on_the_record
async def turn_back_review(
    application_id: str, command: TurnBackReview, context: CommandContext, services: Services
) -> CommandResult:
    """Record that a second officer does not agree."""
    application = await services.store.load(Application, application_id)
    application.check_officer(context.actor)
    served = await parts_of(application, services)
    sealed = await services.vault.seal_text(
        application.citizen_id, InStream(NOTE, application_id), command.note
    )

    def decide(application: Application, now: datetime) -> None:
        reviewing.turn_back(application, context.actor, now, note_sealed=sealed, served=served)

    return await change_application(application_id, command, context, services, decide)


async def parts_of(application: Application, services: Services) -> Parts:
    """Who registered, identified and enrolled the citizen, and filled in the draft that it was.

    Who registered a guardian, too; and who appealed, where that was not kept.
    """
    found: dict[str, set[str]] = {}
    citizen_id, guardian = application.citizen_id, application.guardian
    for person in filter(None, (citizen_id, guardian)):
        for event in await services.store.read(person):
            identified = person == citizen_id and event.version == application.identified_by
            part = Part.IDENTIFIED if identified else SERVED.get(event.topic)
            if part is not None:
                found.setdefault(part, set()).add(event.metadata.get("actor", ""))
    for event in await services.store.read(Draft.id_of(application.id)):
        if event.topic in FILLED_IN:
            found.setdefault(Part.SUBMITTED, set()).add(event.metadata.get("actor", ""))
    if application.appealed and not application.appellants:
        for event in await services.store.read(application.id):
            if event.topic == APPEALED:
                found.setdefault(Part.APPEALED, set()).add(event.metadata.get("actor", ""))
    return found
