"""Documents of an application: checked, sealed with the applicant's key, never rendered by us."""

import asyncio
from hashlib import sha256
from uuid import UUID

from citybrain.definitions.yaml_file import Code
from citybrain.domain.applications.application import Application
from citybrain.domain.applications.document_events import APPLICANT, Document
from citybrain.domain.applications.documents import (
    DocumentLimits,
    NewDocument,
    add_document,
    check_room,
)
from citybrain.pdf_files import PDF, check_pdf
from commands.applications.application import change_application, check_applicant_served
from commands.fields import Sha256
from commands.handling import Command, CommandContext, CommandResult, once_a_key
from commands.services import Services

DOCUMENT = "application-document:"


class AddDocument(Command):
    """Add a document: what kind it is, and the digest of what was sent."""

    kind: Code
    sha256: Sha256


def kind_of(application_id: str) -> str:
    """As what the vault keeps the documents of an application."""
    return DOCUMENT + application_id


def limits_of(services: Services) -> DocumentLimits:
    """What one application takes."""
    settings = services.settings
    return DocumentLimits(settings.application_documents, settings.application_documents_bytes)


async def check_may_add(
    application_id: str, kind: str, context: CommandContext, services: Services
) -> None:
    """Raise before a byte is taken in from somebody who cannot add a document."""
    application = await services.store.load(Application, application_id)
    if check_room(application, context.actor, kind, 0, limits_of(services)) == APPLICANT:
        await check_applicant_served(application, context, services)


async def add(
    application_id: str, kind: str, content: bytes, context: CommandContext, services: Services
) -> CommandResult:
    """Check it, keep it, and note it on the application."""
    command = AddDocument(kind=kind, sha256=sha256(content).hexdigest())

    async def keep(
        application_id: str, command: AddDocument, context: CommandContext, services: Services
    ) -> CommandResult:
        return await _add(application_id, command, content, context, services)

    return await once_a_key(keep)(application_id, command, context, services)


async def _add(
    application_id: str,
    command: AddDocument,
    content: bytes,
    context: CommandContext,
    services: Services,
) -> CommandResult:
    kept, content_type = await _checked(content, services)
    application = await services.store.load(Application, application_id)
    check_room(application, context.actor, command.kind, len(kept), limits_of(services))
    blob_id = await services.vault.keep(application.citizen_id, kind_of(application_id), kept)
    document = NewDocument(
        document_id=str(blob_id),
        kind=command.kind,
        content_type=content_type,
        bytes=len(kept),
        sha256=sha256(kept).hexdigest(),
    )
    try:
        return await change_application(
            application_id,
            command,
            context,
            services,
            lambda application, now: add_document(
                application, context.actor, now, document=document, limits=limits_of(services)
            ),
        )
    finally:
        await _keep_named(application_id, blob_id, services)


async def _keep_named(application_id: str, blob_id: UUID, services: Services) -> None:
    """Delete what no event names: this one where it was refused, and what a crash left behind."""
    application = await services.store.load(Application, application_id)
    named = [UUID(document["document_id"]) for document in application.documents]
    kind = kind_of(application_id)
    await services.vault.keep_only(application.citizen_id, kind, named, [blob_id])


async def _checked(content: bytes, services: Services) -> tuple[bytes, str]:
    """What is kept of an upload: a picture encoded anew, or a PDF file as it is."""
    if content.startswith(b"%PDF"):
        await asyncio.to_thread(check_pdf, content)
        return content, PDF
    assert services.photos is not None  # a serving process has them
    photo = await services.photos.checked(content)
    return photo.content, photo.content_type


async def fetch(application: Application, document: Document, services: Services) -> bytes:
    """What is in a document."""
    return await services.vault.fetch(
        application.citizen_id, kind_of(application.id), UUID(document["document_id"])
    )
