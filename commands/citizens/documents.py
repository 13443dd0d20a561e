"""By which documents people are found: keyed digests of numbers in their canonical form.

A person of a release that did not check numbers is found by what was indexed then.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from citybrain.domain.citizens.assurance import RECORD_PURPOSE
from citybrain.domain.citizens.citizen import Citizen, check_counter_of
from citybrain.domain.citizens.documents import (
    DocumentKind,
    DocumentWrong,
    IdentityDocument,
    canonical,
    identity_document,
    plain,
)
from citybrain.domain.citizens.refusals import DocumentKnown
from citybrain.errors import Refused
from commands.citizens.changing import birth_date_of, change_citizen
from commands.citizens.serving import check_served
from commands.handling import Command, CommandContext, CommandResult, answered_before
from commands.services import Services

ID_NUMBER = "id-number"
ADDED_NUMBER = "document-number"

Number = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Country = Annotated[str, StringConstraints(min_length=1, max_length=16)]

NUMBER = Field(description="as it is written; width, case, blanks and hyphens do not matter")
KIND = Field(None, description="where absent, a number of 15 or 18 characters tells it")
COUNTRY = Field(None, description="of a passport: who issued it, ISO 3166-1 alpha-3")


class AddDocument(Command):
    """Note another document of a person, by which they are found as well."""

    document: DocumentKind
    number: Annotated[Number, NUMBER]
    country: Annotated[Country | None, COUNTRY] = None


class AlreadyRegistered(Refused):
    """Somebody is registered with this identity number. Who it is, the answer does not say."""

    code = "already-registered"

    def __init__(self, message: str, citizen_id: str) -> None:
        super().__init__(message)
        self.citizen_id = citizen_id


async def add_document(
    citizen_id: str, command: AddDocument, context: CommandContext, services: Services
) -> CommandResult:
    """Record a document that an official has seen; raises `DocumentWrong`, `AlreadyRegistered`."""
    check_counter_of(citizen_id, context.actor)
    if before := await answered_before(command, citizen_id, context, services):
        return before
    await check_served(citizen_id, RECORD_PURPOSE, context.actor, services)
    born = await birth_date_of(citizen_id, services)
    document = identity_document(
        command.number, command.document, country=command.country, born=born
    )
    citizen = await services.store.load(Citizen, citizen_id, fresh=True)
    if await _is_known(document, citizen, services):
        raise DocumentKnown("the person is known by this document already")
    owner = await owner_of(document, services)
    if owner is None:
        owner = await services.vault.index(citizen_id, ID_NUMBER, document.key)
    if owner != citizen_id:
        raise AlreadyRegistered("somebody is registered with this document", owner)
    sealed = await services.vault.seal_text(citizen_id, ADDED_NUMBER, document.key)

    def decide(citizen: Citizen, now: datetime) -> None:
        citizen.add_document(context.actor, now, document=document.kind, number_sealed=sealed)

    return await change_citizen(citizen_id, command, context, services, decide)


async def _is_known(document: IdentityDocument, citizen: Citizen, services: Services) -> bool:
    """Whether this is the document that a person was registered by, or was added."""
    first, *added = await _opened(citizen, services)
    if document.number != canonical(first):
        return document.key in added
    # The same number may stand in a document of another kind, or of another country.
    found = await services.vault.find(ID_NUMBER, document.key)
    return document.key in (document.number, *added) or found == citizen.id


async def numbers_of(citizen: Citizen, services: Services) -> list[str]:
    """The numbers of all documents that are registered for a person, as they are written."""
    first, *added = await _opened(citizen, services)
    return [first, *(key.rpartition(":")[2] for key in added)]


async def _opened(citizen: Citizen, services: Services) -> list[str]:
    """The number that a person was registered by, and the keys of further documents."""
    sealed = [("id_number", citizen.id_number_sealed)]
    sealed += [(ADDED_NUMBER, number) for _, number in citizen.documents]
    return await services.vault.open_texts(citizen.id, sealed)


async def owner_of(document: IdentityDocument, services: Services) -> str | None:
    """Who is found by a document, in its form of today or of before."""
    return await _first((document.key, *document.earlier_keys), services)


async def find_citizen(
    number: str, services: Services, kind: DocumentKind | None = None, country: str | None = None
) -> str | None:
    """The citizen with this document; the search sees keyed digests only.

    Raises a `DocumentWrong` where it can be nobody's, and nobody was registered with it before.
    """
    try:
        document = identity_document(number, kind, country=country)
    except DocumentWrong:
        found = await _first((plain(number),), services)
        if found is None:
            raise
        return found
    return await owner_of(document, services)


async def _first(keys: Iterable[str], services: Services) -> str | None:
    for key in keys:
        if found := await services.vault.find(ID_NUMBER, key):
            return found
    return None
