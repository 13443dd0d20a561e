"""Tells applicants what became of their applications, by the city's messages.

A message names the service and what was decided, nothing personal (`notice_texts`). After a crash
the last one may be sent again; what cannot be sent now is sent later (`telling`).
"""

from collections.abc import Sequence
from functools import partial
from typing import ClassVar
from uuid import UUID

from citybrain.definitions.applications.catalogue import UnknownService
from citybrain.domain.applications.application import Application
from citybrain.domain.citizens import Citizen
from citybrain.eventstore import RecordedEvent
from commands.applications.application import item_of
from commands.applications.processes.notice_texts import TOPICS, YOURS, Text, text_of
from commands.processes.telling import Message, Teller
from commands.services import Services


class ApplicationNotices(Teller):
    """The process manager of messages to applicants."""

    name: ClassVar[str] = "application-notices"
    topics: ClassVar[tuple[str, ...]] = TOPICS

    async def messages(self, event: RecordedEvent, services: Services) -> Sequence[Message]:
        """What `event` means to the applicant, where a phone is registered."""
        application = await services.store.load(Application, event.stream_id, fresh=False)
        text = text_of(event, application)
        if text is None:
            return ()
        return [Message("notice", partial(_tell, application, text, services))]


async def _tell(application: Application, text: Text, services: Services, message_id: UUID) -> None:
    citizen = await services.store.load(Citizen, application.citizen_id)
    if citizen.phone_sealed is None:
        return
    (chinese, english), (name, name_en) = text, _name(application, services)
    phone = await services.vault.open_text(citizen.id, "phone", citizen.phone_sealed)
    said = f"{name}：{chinese}。 / {name_en}: {english}."
    await services.notifier.send(phone, said, message_id)


def _name(application: Application, services: Services) -> Text:
    """What the service is called; one whose definition is gone has no name any more."""
    try:
        return item_of(application, services).called
    except UnknownService:
        return YOURS
