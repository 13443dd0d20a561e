"""Applications of somebody whose death was noted: those that wait for people are closed.

What moves by itself is closed by its next step, and nothing is submitted or approved any more;
money that is with the bank stays with it.
"""

from collections.abc import Awaitable, Callable
from typing import Any, ClassVar

import asyncpg

from citybrain.domain.applications.application import Application
from citybrain.domain.applications.going_on import close
from citybrain.domain.applications.waiting import Waits
from citybrain.domain.citizens import PersonDeceased
from citybrain.errors import Unavailable
from citybrain.eventstore import RecordedEvent
from commands.applications.application import change_application
from commands.handling import Command, CommandContext
from commands.services import Services

FOR_PEOPLE = (Waits.PERSON, Waits.OFFICER)

OfCitizen = Callable[["asyncpg.Pool[Any]", str, int], Awaitable[list[str] | None]]
"""The applications of a citizen, as a read model knows them; None where it is behind a position."""


class DeceasedApplicants:
    """The process manager of the applications of the dead."""

    name: ClassVar[str] = "deceased-applicants"
    topics: ClassVar[tuple[str, ...]] = ("citizen.death_noted",)

    def __init__(self, of_citizen: OfCitizen) -> None:
        self._of_citizen = of_citizen

    async def react(
        self, event: RecordedEvent, services: Services, context_for: Callable[[str], CommandContext]
    ) -> None:
        """Close what waits for the applicant or for an officer."""
        store = services.store
        found = await self._of_citizen(store.keeping, event.stream_id, await store.head())
        if found is None:
            raise Unavailable("the read model of applications is behind")
        for application_id in found:
            application = await store.load(Application, application_id, fresh=True)
            if application.waits_for() in FOR_PEOPLE:
                await change_application(
                    application_id,
                    Command(),
                    context_for(application_id),
                    services,
                    lambda application, now: close(application, now, reason=PersonDeceased.code),
                )
