"""The events of documents that somebody adds to an application.

The topics below are the storage format: never rename one. The document itself is in the vault,
sealed with the applicant's key; here is what it is, and its digest.
"""

from datetime import datetime
from typing import Any, ClassVar, TypedDict

from citybrain.domain.applications.event import ApplicationEvent

APPLICANT, OFFICER = "applicant", "officer"


class Document(TypedDict):
    """A document as the state has it; `by` is the applicant's side, or an officer."""

    document_id: str
    kind: str
    content_type: str
    bytes: int
    sha256: str
    by: str
    added_at: datetime


class ApplicationDocumentAdded(ApplicationEvent):
    """A photo or a PDF file was added. `sha256` is of the bytes that are kept."""

    TOPIC: ClassVar[str] = "application.document_added"
    document_id: str
    kind: str
    content_type: str
    bytes: int
    sha256: str
    by: str
    adder: str

    def note(self, aggregate: Any) -> None:
        document: Document = {
            "document_id": self.document_id,
            "kind": self.kind,
            "content_type": self.content_type,
            "bytes": self.bytes,
            "sha256": self.sha256,
            "by": self.by,
            "added_at": self.timestamp,
        }
        aggregate.documents.append(document)
        if aggregate.correction is not None:
            aggregate.correction["received"].append(self.kind)


EVENTS: tuple[type[ApplicationEvent], ...] = (ApplicationDocumentAdded,)
