"""The events of corrections: sent back to the applicant, and what comes of it.

The topics below are the storage format: never rename one.
"""

from datetime import datetime
from typing import Any, ClassVar, TypedDict

from citybrain.domain.applications.event import ApplicationEvent
from citybrain.domain.applications.statuses import Status


class Correction(TypedDict):
    """What is to be corrected, until when, and the status that it goes on in otherwise.

    `received` are the kinds of the documents that have come since.
    """

    fields: list[str]
    documents: list[str]
    received: list[str]
    due_at: datetime
    then: str


class ApplicationSentBack(ApplicationEvent):
    """An officer wants something corrected: answers of the form by name, documents by kind.

    `then` is the status that it goes on in where nothing is corrected until `due_at`.
    """

    TOPIC: ClassVar[str] = "application.sent_back"
    LEADS_TO = Status.SENT_BACK
    officer: str
    fields: list[str]
    documents: list[str]
    message_sealed: str
    due_at: datetime
    then: str

    def note(self, aggregate: Any) -> None:
        aggregate.correction = {
            "fields": self.fields,
            "documents": self.documents,
            "received": [],
            "due_at": self.due_at,
            "then": self.then,
        }


class ApplicationResubmitted(ApplicationEvent):
    """The applicant has corrected it: `form_sealed` is the whole form as it is now.

    The time that the law gives for a decision begins anew; that of an appeal that is open goes on
    (`legal_due_on` is None then).
    """

    TOPIC: ClassVar[str] = "application.resubmitted"
    LEADS_TO = Status.IDENTIFIED
    by: str
    fields: list[str]
    form_sealed: str
    legal_due_on: str | None

    def note(self, aggregate: Any) -> None:
        aggregate.form_sealed = self.form_sealed
        aggregate.resubmitters.append(self.by)
        aggregate.correction = None


class ApplicationCorrectionLapsed(ApplicationEvent):
    """Nothing was corrected in time: the officer decides on what is there."""

    TOPIC: ClassVar[str] = "application.correction_lapsed"
    LEADS_TO = Status.REFERRED

    def note(self, aggregate: Any) -> None:
        aggregate.correction = None


EVENTS: tuple[type[ApplicationEvent], ...] = (
    ApplicationSentBack,
    ApplicationResubmitted,
    ApplicationCorrectionLapsed,
)
