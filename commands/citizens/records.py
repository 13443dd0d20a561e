"""What is kept about a person: opened for them, changed by them, corrected by two people.

Whatever is written is sealed with the person's own key before it is stored.
"""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from citybrain.city_day import city_day
from citybrain.domain.actor import Actor
from citybrain.domain.citizens import records
from citybrain.domain.citizens.assurance import RECORD_PURPOSE, RECORD_WITHIN
from citybrain.domain.citizens.citizen import Citizen
from citybrain.domain.citizens.documents import DocumentKind, IdentityDocument, identity_document
from citybrain.domain.citizens.record_events import CONFIRMED, DEATH, IDENTITY
from citybrain.domain.citizens.records import Fields
from citybrain.errors import InvalidInput
from commands.citizens.ages import check_born
from commands.citizens.changing import change_citizen, citizen_answer
from commands.citizens.documents import (
    ADDED_NUMBER,
    COUNTRY,
    ID_NUMBER,
    KIND,
    AlreadyRegistered,
    Country,
    Number,
    owner_of,
)
from commands.citizens.fields import Day, Name, Phone
from commands.citizens.proving import identified_for
from commands.citizens.recent import recent_identification
from commands.fields import Flag, Prose
from commands.handling import Command, CommandContext, CommandResult, answered_before
from commands.services import Services

GROUNDS = "correction-grounds"
DIED_ON = "died_on"
SOMEBODY_ELSE = "somebody else is registered with this document"


class ChangeName(Command):
    """Write another name."""

    name: Name


class ChangePhone(Command):
    """Send codes and messages to another number; the one before is told."""

    phone: Phone | None = Field(description="null: to none any more")


class ProposeCorrection(Command):
    """Ask for a correction that money depends on; somebody else settles it."""

    what: Literal["identity", "death", "no-death"]
    grounds: Prose = Field(description="what was seen: which paper, of whom; sealed")
    document: Annotated[DocumentKind | None, KIND] = None
    number: Number | None = Field(None, description="of the document, where it is another")
    country: Annotated[Country | None, COUNTRY] = None
    birth_date: Day | None = Field(None, description="where it is another")
    mistaken: Flag = Field(
        False, description="the number was never theirs: they are no longer found by it"
    )
    died_on: Day | None = Field(None, description="of a death")


class SettleCorrection(Command):
    """Confirm or reject a correction that somebody else asked for."""

    correction_id: UUID
    outcome: Literal["confirmed", "rejected"]


class CorrectionIncomplete(InvalidInput):
    """A correction says what is other: a number or a day of birth, or the day of a death."""

    code = "correction-incomplete"


class DeathDateImpossible(InvalidInput):
    """Nobody dies before their birth, or tomorrow."""

    code = "death-date-impossible"


async def change_name(
    citizen_id: str, command: ChangeName, context: CommandContext, services: Services
) -> CommandResult:
    """Record another name."""
    citizen = await services.store.load(Citizen, citizen_id, fresh=True)
    citizen.check_may_act(context.actor)
    known = await identified_for("name", citizen, context, services)
    sealed = await services.vault.seal_text(citizen_id, "name", command.name)

    def decide(citizen: Citizen, now: datetime) -> None:
        records.change_name(citizen, context.actor, now, name_sealed=sealed, known=known)

    return await change_citizen(citizen_id, command, context, services, decide)


async def change_phone(
    citizen_id: str, command: ChangePhone, context: CommandContext, services: Services
) -> CommandResult:
    """Record another phone, or none."""
    citizen = await services.store.load(Citizen, citizen_id, fresh=True)
    citizen.check_may_act(context.actor)
    known = await identified_for("phone", citizen, context, services)
    phone = command.phone
    sealed = phone and await services.vault.seal_text(citizen_id, "phone", phone)

    def decide(citizen: Citizen, now: datetime) -> None:
        records.change_phone(citizen, context.actor, now, phone_sealed=sealed, known=known)

    return await change_citizen(citizen_id, command, context, services, decide)


async def propose_correction(
    citizen_id: str, command: ProposeCorrection, context: CommandContext, services: Services
) -> CommandResult:
    """Record what is asked for; raises `DocumentWrong`, `AlreadyRegistered` and others."""
    if before := await answered_before(command, citizen_id, context, services):
        return before
    citizen = await services.store.load(Citizen, citizen_id, fresh=True)
    known = await identified_for("identity", citizen, context, services)
    records.check_may_propose(citizen, context.actor, command.what, known)
    fields = await _fields(citizen, command, services)
    grounds = await services.vault.seal_text(citizen_id, GROUNDS, command.grounds)
    correction_id = str(context.command_id)

    def decide(citizen: Citizen, now: datetime) -> None:
        records.propose(
            citizen,
            context.actor,
            now,
            correction_id=correction_id,
            what=command.what,
            fields=fields,
            grounds_sealed=grounds,
            known=known,
        )

    def answer(citizen: Citizen) -> dict[str, Any]:
        return citizen_answer(citizen) | {"correction_id": correction_id}

    return await change_citizen(citizen_id, command, context, services, decide, answer)


async def _fields(citizen: Citizen, command: ProposeCorrection, services: Services) -> Fields:
    """What the correction will set."""
    other = command.number is not None or command.birth_date is not None
    wrong = other != (command.what == IDENTITY)
    wrong |= (command.died_on is not None) != (command.what == DEATH)
    of_a_number = (command.document, command.country, command.mistaken or None)
    wrong |= command.number is None and any(said is not None for said in of_a_number)
    wrong |= command.country is not None and command.document is not DocumentKind.PASSPORT
    if wrong:
        raise CorrectionIncomplete("say what is other, and nothing of it that is not said with it")
    if command.what == DEATH:
        return await _death(citizen, command, services)
    return await _identity(citizen, command, services) if command.what == IDENTITY else {}


async def _death(citizen: Citizen, command: ProposeCorrection, services: Services) -> Fields:
    died, vault = command.died_on, services.vault
    assert died is not None
    born = await vault.open_text(citizen.id, "birth_date", citizen.birth_date_sealed)
    if not date.fromisoformat(born) <= died <= city_day(services.clock()):
        raise DeathDateImpossible("the day of death lies before the birth, or has not come")
    return {"died_on_sealed": await vault.seal_text(citizen.id, DIED_ON, died.isoformat())}


async def _identity(citizen: Citizen, command: ProposeCorrection, services: Services) -> Fields:
    """Document, number and day of birth as they will be, checked with each other."""
    vault = services.vault
    number, written = await vault.open_texts(
        citizen.id,
        [("id_number", citizen.id_number_sealed), ("birth_date", citizen.birth_date_sealed)],
    )
    born = command.birth_date or date.fromisoformat(written)
    check_born(born, services)
    if command.number is None:
        kind = DocumentKind(citizen.document)
        if kind is not DocumentKind.PASSPORT:  # its number has no day in it
            number = identity_document(number, kind, born=born).number
        key = None
    else:
        document = identity_document(
            command.number, command.document, country=command.country, born=born
        )
        await _check_free(document, citizen.id, services)
        kind, number, key = document.kind, document.number, document.key
    fields: Fields = {
        "document": kind.value,
        "id_number_sealed": await vault.seal_text(citizen.id, "id_number", number),
        "birth_date_sealed": await vault.seal_text(citizen.id, "birth_date", born.isoformat()),
        "mistaken": command.mistaken,
    }
    if key is not None:
        fields["key_sealed"] = await vault.seal_text(citizen.id, ID_NUMBER, key)
    return fields


async def _check_free(document: IdentityDocument, citizen_id: str, services: Services) -> None:
    owner = await owner_of(document, services)
    if owner is not None and owner != citizen_id:
        raise AlreadyRegistered(SOMEBODY_ELSE, owner)


async def settle_correction(
    citizen_id: str, command: SettleCorrection, context: CommandContext, services: Services
) -> CommandResult:
    """Record the outcome. A new number is claimed first: it may be somebody's by now."""
    if before := await answered_before(command, citizen_id, context, services):
        return before
    correction_id = str(command.correction_id)
    citizen = await services.store.load(Citizen, citizen_id, fresh=True)
    pending = records.check_may_settle(citizen, context.actor, correction_id)
    key_sealed = pending["fields"].get("key_sealed")
    if command.outcome == CONFIRMED and key_sealed is not None:
        key = await services.vault.open_text(citizen_id, ID_NUMBER, key_sealed)
        owner = await services.vault.index(citizen_id, ID_NUMBER, key)
        if owner != citizen_id:
            raise AlreadyRegistered(SOMEBODY_ELSE, owner)

    def decide(citizen: Citizen, now: datetime) -> None:
        records.settle(
            citizen, context.actor, now, correction_id=correction_id, outcome=command.outcome
        )

    return await change_citizen(citizen_id, command, context, services, decide)


async def opened_record(citizen_id: str, actor: Actor, services: Services) -> dict[str, Any]:
    """All that is kept about a person, in clear, for who may see it; raises where nobody may."""
    citizen = await services.store.load(Citizen, citizen_id, fresh=True)
    known = await recent_identification(
        citizen, RECORD_PURPOSE, services, within=RECORD_WITHIN, by=actor.subject
    )
    records.check_may_open(citizen, actor, known)
    pending = [await _shown(citizen, *one, services) for one in citizen.corrections.items()]
    sealed = {
        "name": citizen.name_sealed,
        "id_number": citizen.id_number_sealed,
        "birth_date": citizen.birth_date_sealed,
        "phone": citizen.phone_sealed,
        DIED_ON: citizen.died_on_sealed,
    }
    numbers = [(ADDED_NUMBER, number) for _, number in citizen.documents]
    added = await services.vault.open_texts(citizen_id, numbers)
    kinds = [kind for kind, _ in citizen.documents]
    return await _opened(citizen_id, sealed, services) | {
        "citizen_id": citizen_id,
        "document": citizen.document,
        "further_documents": [
            {"document": kind, "number": key.rpartition(":")[2]}
            for kind, key in zip(kinds, added, strict=True)
        ],
        "registered_at": citizen.created_on,
        "face_consent": citizen.consent_id is not None,
        "face_enrolled": bool(citizen.templates),
        "passcode": citizen.passcode_sealed is not None,
        "simulated": citizen.simulated,
        "corrections": pending,
    }


async def _shown(
    citizen: Citizen, correction_id: str, pending: dict[str, Any], services: Services
) -> dict[str, Any]:
    """A correction that is not settled, in clear."""
    fields = pending["fields"]
    sealed = {
        name: fields.get(f"{name}_sealed") for name in ("id_number", "birth_date", DIED_ON)
    } | {GROUNDS: pending["grounds_sealed"]}
    opened = await _opened(citizen.id, sealed, services)
    return {
        "correction_id": correction_id,
        "what": pending["what"],
        "proposed_at": pending["proposed_at"],
        "document": fields.get("document"),
        "mistaken": fields.get("mistaken", False),
        "grounds": opened.pop(GROUNDS),
    } | opened


async def _opened(
    citizen_id: str, sealed: dict[str, str | None], services: Services
) -> dict[str, str | None]:
    """Sealed texts in clear, by the name that is their purpose; nothing where there is none."""
    there = [(name, text) for name, text in sealed.items() if text is not None]
    opened = await services.vault.open_texts(citizen_id, there)
    found: dict[str, str | None] = dict.fromkeys(sealed)
    return found | dict(zip((name for name, _ in there), opened, strict=True))
