"""Messages on an application: written by its applicant or an officer, sealed, read as a thread."""

from datetime import datetime
from typing import Any

from pydantic import Field

from citybrain.domain.applications.application import Application
from citybrain.domain.applications.correction_events import ApplicationSentBack
from citybrain.domain.applications.document_events import APPLICANT, OFFICER
from citybrain.domain.applications.documents import side_of
from citybrain.domain.applications.message_events import ApplicationMessageSent
from citybrain.domain.applications.messages import send_message
from citybrain.vault import InStream
from commands.applications.application import change_application, check_applicant_served
from commands.applications.unsealed import MESSAGE
from commands.fields import Prose
from commands.handling import Command, CommandContext, CommandResult
from commands.services import Services

TEXTS = {ApplicationMessageSent.TOPIC: "text_sealed", ApplicationSentBack.TOPIC: "message_sealed"}


class SendMessage(Command):
    """Write to the other side: applicant or department."""

    text: Prose = Field(description="sealed")


async def send(
    application_id: str, command: SendMessage, context: CommandContext, services: Services
) -> CommandResult:
    """Write."""
    application = await services.store.load(Application, application_id)
    if side_of(application, context.actor) == APPLICANT:
        await check_applicant_served(application, context, services)
    sealed = await services.vault.seal_text(
        application.citizen_id, InStream(MESSAGE, application.id), command.text
    )
    return await change_application(
        application_id,
        command,
        context,
        services,
        lambda application, now: send_message(application, context.actor, now, text_sealed=sealed),
    )


async def thread(application: Application, services: Services) -> list[dict[str, Any]]:
    """All messages, in order; what an officer wrote when sending it back is one of them."""
    events = [event for event in await services.store.read(application.id) if event.topic in TEXTS]
    where = InStream(MESSAGE, application.id)
    texts = await services.vault.open_texts(
        application.citizen_id, [(where, event.data[TEXTS[event.topic]]) for event in events]
    )
    return [
        _message(event.data["timestamp"], event.data.get("by", OFFICER), event.topic, text)
        for event, text in zip(events, texts, strict=True)
    ]


def _message(at: datetime, by: str, topic: str, text: str) -> dict[str, Any]:
    """A department writes, not a person to be sought out."""
    asked = topic == ApplicationSentBack.TOPIC
    return {"at": at, "by": by, "asks_for_correction": asked, "text": text}
