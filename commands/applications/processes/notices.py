"""Tells applicants what became of their applications, by the city's messages.

A message names the service and what was decided, nothing personal (`notice_texts`). After a crash
the last one may be sent again; what cannot be sent now is sent later (`telling`).
"""

from collections.abc import Callable
from typing import ClassVar

from citybrain.definitions.applications.catalogue import UnknownService
from citybrain.domain.applications.application import Application
from citybrain.domain.citizens import Citizen
from citybrain.eventstore import RecordedEvent
from commands.applications.application import item_of
from commands.applications.processes.notice_texts import TOPICS, YOURS, Text, text_of
from commands.handling import CommandContext
from commands.processes.telling import telling
from commands.services import Services


class ApplicationNotices:
    """The process manager of messages to applicants."""

    name: ClassVar[str] = "application-notices"
    topics: ClassVar[tuple[str, ...]] = TOPICS

    async def react(
        self, event: RecordedEvent, services: Services, context_for: Callable[[str], CommandContext]
    ) -> None:
        """Send what `event` means to the applicant, where a phone is registered."""
        application = await services.store.load(Application, event.stream_id, fresh=False)
        text = text_of(event, application)
        if text is not None:
            with telling(event, services):
                await _tell(application, text, services, context_for("notice"))


async def _tell(
    application: Application, text: Text, services: Services, context: CommandContext
) -> None:
    citizen = await services.store.load(Citizen, application.citizen_id)
    if citizen.phone_sealed is None:
        return
    (chinese, english), (name, name_en) = text, _name(application, services)
    phone = await services.vault.open_text(citizen.id, "phone", citizen.phone_sealed)
    said = f"{name}：{chinese}。 / {name_en}: {english}."
    await services.notifier.send(phone, said, context.command_id)


def _name(application: Application, services: Services) -> Text:
    """What the service is called; one whose definition is gone has no name any more."""
    try:
        return item_of(application, services).called
    except UnknownService:
        return YOURS
