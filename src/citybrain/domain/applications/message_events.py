"""The events of messages between an applicant and the officers of the department.

The topics below are the storage format: never rename one.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from citybrain.domain.applications.correction_events import ApplicationSentBack
from citybrain.domain.applications.document_events import APPLICANT
from citybrain.domain.applications.event import ApplicationEvent


class ApplicationMessageSent(ApplicationEvent):
    """One side wrote to the other."""

    TOPIC: ClassVar[str] = "application.message_sent"
    by: str
    sender: str
    text_sealed: str

    def note(self, aggregate: Any) -> None:
        aggregate.messages += 1


EVENTS: tuple[type[ApplicationEvent], ...] = (ApplicationMessageSent,)


def unanswered_after(topic: str, fields: Mapping[str, Any], unanswered: bool) -> bool:
    """Whether the applicant waits for an answer after an event."""
    if topic == ApplicationMessageSent.TOPIC:
        return bool(fields["by"] == APPLICANT)
    return unanswered and topic not in (ApplicationSentBack.TOPIC, "application.reviewed")
