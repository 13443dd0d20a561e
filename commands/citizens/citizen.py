"""The commands of a citizen: registration, consent, and what an officer found about duplicates.

What identifies a person is sealed before it is stored, and found again by keyed digests only.
"""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, StringConstraints

from citybrain.city_day import city_day
from citybrain.definitions.citizens.agreements import FACE_RECOGNITION, Agreements
from citybrain.domain.ages import CHILD_UNDER_YEARS, years_between
from citybrain.domain.citizens.citizen import Citizen, SealedPerson, check_counter
from citybrain.domain.citizens.documents import DocumentKind, IdentityDocument, identity_document
from citybrain.domain.citizens.serving import FACE_PURPOSE
from citybrain.eventstore import StreamNotFound, WrongExpectedVersion
from commands.citizens.ages import check_born, check_not_alone
from commands.citizens.changing import birth_date_of, change_citizen, citizen_answer
from commands.citizens.documents import (
    COUNTRY,
    ID_NUMBER,
    KIND,
    NUMBER,
    AlreadyRegistered,
    Country,
    Number,
    owner_of,
)
from commands.citizens.fields import Day, Name, Phone
from commands.citizens.serving import check_served
from commands.fields import Flag, Sha256
from commands.handling import (
    Command,
    CommandContext,
    CommandResult,
    answered_before,
    create,
    once_a_key,
)
from commands.services import Services

KNOWN = "somebody is registered with this identity number"

CitizenId = Annotated[str, StringConstraints(pattern=r"^citizen-[0-9a-f]{32}$")]


class RegisterCitizen(Command):
    """Register a person. All that identifies them is sealed before it is stored."""

    LATER: ClassVar[frozenset[str]] = frozenset({"document", "country"})

    name: Name
    document: Annotated[DocumentKind | None, KIND] = None
    id_number: Annotated[Number, NUMBER]
    country: Annotated[Country | None, COUNTRY] = None
    birth_date: Day
    phone: Phone | None = Field(None, description="where one-time codes go; sealed like the others")
    simulated: Flag = Field(False, description="true for made-up people; shown wherever it shows")


class GiveFaceConsent(Command):
    """Agree to face recognition, separately from anything else."""

    notice_sha256: Sha256 = Field(
        description="digest of the text that was shown: of the agreement in force"
    )
    guardian: CitizenId | None = Field(
        None, description="the guardian who agrees for a child under 14"
    )


class WithdrawFaceConsent(Command):
    """End the consent; templates are destroyed with it."""


class ResolveDuplicate(Command):
    """Say what a look at both people showed."""

    other: CitizenId
    verdict: Literal["different-people", "same-person"]


async def register_citizen(
    command: RegisterCitizen, context: CommandContext, services: Services
) -> CommandResult:
    """Register a person; raises a `DocumentWrong`, or `AlreadyRegistered`."""
    check_counter(context.actor)
    if before := await answered_before(command, "", context, services):
        return before
    vault = services.vault
    check_born(command.birth_date, services)
    document = identity_document(
        command.id_number, command.document, country=command.country, born=command.birth_date
    )
    citizen_id = await _id_for(document, services)
    personal = {
        "name": command.name,
        "id_number": document.number,
        "birth_date": command.birth_date.isoformat(),
        "phone": command.phone,
    }
    said = [(name, value) for name, value in personal.items() if value]
    texts = await vault.seal_texts(citizen_id, said)
    sealed: dict[str, Any] = {f"{name}_sealed": None for name in personal} | {
        f"{name}_sealed": text for (name, _), text in zip(said, texts, strict=True)
    }

    def decide() -> Citizen:
        return Citizen.register(
            context.actor,
            services.clock(),
            citizen_id=citizen_id,
            sealed=SealedPerson(**sealed),
            simulated=command.simulated,
            document=document.kind,
        )

    try:
        return await create(command, context, services, decide, citizen_answer)
    except WrongExpectedVersion:
        raise AlreadyRegistered(KNOWN, citizen_id) from None


async def _id_for(document: IdentityDocument, services: Services) -> str:
    """The id of whoever has this number, with a key made for them; they must not be registered.

    The number is claimed before the stream is opened. Where a crash came between the two, the
    next registration goes on with the id that was claimed.
    """
    vault = services.vault
    citizen_id = await owner_of(document, services)
    if citizen_id is None:
        fresh = Citizen.new_id()
        await vault.create_key(fresh)
        citizen_id = await vault.index(fresh, ID_NUMBER, document.key)
    try:
        await services.store.load(Citizen, citizen_id, fresh=True)
    except StreamNotFound:
        return citizen_id
    raise AlreadyRegistered(KNOWN, citizen_id)


@once_a_key
async def give_face_consent(
    citizen_id: str, command: GiveFaceConsent, context: CommandContext, services: Services
) -> CommandResult:
    """Record the consent to face recognition; a child's is given by a guardian (`ages`)."""
    citizen = await services.store.load(Citizen, citizen_id, fresh=True)
    citizen.check_may_act(context.actor)
    await check_served(citizen_id, FACE_PURPOSE, context.actor, services)
    if command.guardian is not None:
        check_counter(context.actor)
    await check_not_alone(citizen_id, command.guardian, CHILD_UNDER_YEARS, context.actor, services)
    await check_served(command.guardian, FACE_PURPOSE, context.actor, services)
    born = await birth_date_of(citizen_id, services)

    def decide(citizen: Citizen, now: datetime) -> None:
        agreements = services.definitions.of(Agreements)
        agreements.check_in_force(FACE_RECOGNITION, command.notice_sha256, city_day(now))
        citizen.give_face_consent(
            context.actor,
            now,
            consent_id=str(context.command_id),
            notice_sha256=command.notice_sha256,
            age_years=years_between(born, city_day(now)),
            guardian=command.guardian,
        )

    return await change_citizen(citizen_id, command, context, services, decide)


@once_a_key
async def withdraw_face_consent(
    citizen_id: str, command: WithdrawFaceConsent, context: CommandContext, services: Services
) -> CommandResult:
    """End the consent; a process destroys the templates."""
    await check_served(citizen_id, FACE_PURPOSE, context.actor, services)

    def decide(citizen: Citizen, now: datetime) -> None:
        citizen.withdraw_face_consent(context.actor, now)

    return await change_citizen(citizen_id, command, context, services, decide)


async def resolve_duplicate(
    citizen_id: str, command: ResolveDuplicate, context: CommandContext, services: Services
) -> CommandResult:
    """Record what an officer found about two alike faces."""

    def decide(citizen: Citizen, now: datetime) -> None:
        citizen.resolve_duplicate(context.actor, now, other=command.other, verdict=command.verdict)

    return await change_citizen(citizen_id, command, context, services, decide)
