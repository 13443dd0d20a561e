"""Messages between an applicant and the officers of the department, until it has ended."""

from datetime import datetime

from citybrain.domain.actor import Actor
from citybrain.domain.applications.application import Application
from citybrain.domain.applications.documents import side_of
from citybrain.domain.applications.message_events import ApplicationMessageSent
from citybrain.domain.applications.refusals import ApplicationEnded, TooManyMessages
from citybrain.domain.applications.statuses import FINAL, Status

MOST_MESSAGES = 100  # of one application


def send_message(
    application: Application, actor: Actor, now: datetime, *, text_sealed: str
) -> None:
    """Write to the other side."""
    side = side_of(application, actor)
    if application.status in FINAL | {Status.PAID}:
        raise ApplicationEnded("the application has ended")
    if application.messages >= MOST_MESSAGES:
        raise TooManyMessages(f"one application has at most {MOST_MESSAGES} messages")
    application.note(
        ApplicationMessageSent, now, by=side, sender=actor.subject, text_sealed=text_sealed
    )
