"""Messages between an applicant and the officers of the department, until it has ended."""

from datetime import datetime

from citybrain.domain.actor import Actor
from citybrain.domain.applications.application import Application
from citybrain.domain.applications.document_events import APPLICANT, OFFICER
from citybrain.domain.applications.documents import side_of
from citybrain.domain.applications.message_events import ApplicationMessageSent
from citybrain.domain.applications.refusals import ApplicationEnded, TooManyMessages
from citybrain.domain.applications.statuses import FINAL, Status

MOST_MESSAGES = {APPLICANT: 100, OFFICER: 200}  # of both, before a side writes no more


def send_message(
    application: Application, actor: Actor, now: datetime, *, text_sealed: str
) -> None:
    """Write to the other side; whatever an applicant has written, an officer can answer."""
    side = side_of(application, actor)
    if application.status in FINAL | {Status.PAID}:
        raise ApplicationEnded("the application has ended")
    if application.messages >= MOST_MESSAGES[side]:
        raise TooManyMessages(f"the {side} writes no more after {MOST_MESSAGES[side]} messages")
    application.note(
        ApplicationMessageSent, now, by=side, sender=actor.subject, text_sealed=text_sealed
    )
