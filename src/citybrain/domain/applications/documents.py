"""Documents that an applicant or an officer adds to an application, as long as it is open."""

from dataclasses import dataclass
from datetime import datetime

from citybrain.domain.actor import Actor
from citybrain.domain.applications.application import Application
from citybrain.domain.applications.document_events import (
    APPLICANT,
    OFFICER,
    ApplicationDocumentAdded,
    Document,
)
from citybrain.domain.applications.refusals import (
    ApplicationEnded,
    NoSuchDocument,
    TooManyDocuments,
)
from citybrain.domain.applications.statuses import takes_documents


@dataclass(frozen=True, slots=True)
class DocumentLimits:
    """What one application takes: how many documents, how many bytes of them all."""

    count: int
    bytes: int


@dataclass(frozen=True, slots=True)
class NewDocument:
    """What is said of a document that is added; `document_id` is where the vault has it."""

    document_id: str
    kind: str
    content_type: str
    bytes: int
    sha256: str


def side_of(application: Application, actor: Actor) -> str:
    """On whose side somebody acts here; raises where on neither."""
    if application.acts_for_applicant(actor):
        return APPLICANT
    application.check_officer(actor)
    return OFFICER


def is_awaited(application: Application, kind: str) -> bool:
    """Whether an officer has asked for a document of this kind, and it has not come."""
    asked = application.correction
    return asked is not None and kind in asked["documents"] and kind not in asked["received"]


def check_room(
    application: Application, actor: Actor, kind: str, size: int, limits: DocumentLimits
) -> str:
    """Raise where this actor cannot add so many bytes now; the side that they are on.

    For what an officer has asked for there is room.
    """
    side = side_of(application, actor)
    if not takes_documents(application.status, pays=application.pays):
        raise ApplicationEnded("documents are added as long as nothing is decided for good")
    if is_awaited(application, kind):
        return side
    taken = sum(document["bytes"] for document in application.documents)
    if len(application.documents) >= limits.count or taken + size > limits.bytes:
        raise TooManyDocuments(
            "this is more than one application takes",
            limit_documents=limits.count,
            limit_bytes=limits.bytes,
        )
    return side


def add_document(
    application: Application,
    actor: Actor,
    now: datetime,
    *,
    document: NewDocument,
    limits: DocumentLimits,
) -> None:
    """Add one; the same a second time changes nothing, unless it is what was asked for."""
    side = side_of(application, actor)
    same = (document.kind, document.sha256)
    there = same in [(known["kind"], known["sha256"]) for known in application.documents]
    if there and not is_awaited(application, document.kind):
        return
    check_room(application, actor, document.kind, document.bytes, limits)
    application.note(
        ApplicationDocumentAdded,
        now,
        document_id=document.document_id,
        kind=document.kind,
        content_type=document.content_type,
        bytes=document.bytes,
        sha256=document.sha256,
        by=side,
        adder=actor.subject,
    )


def document_of(application: Application, document_id: str) -> Document:
    """One of its documents; raises `NoSuchDocument`."""
    for document in application.documents:
        if document["document_id"] == document_id:
            return document
    raise NoSuchDocument("the application has no such document")
