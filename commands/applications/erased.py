"""Applications of people who were erased: nobody could decide them, so they end."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import uuid4

import asyncpg

from citybrain.domain.actor import system_actor
from citybrain.domain.applications.application import Application
from citybrain.domain.applications.going_on import close
from citybrain.domain.applications.waiting import Waits
from citybrain.vault import PersonErased
from commands.applications.application import change_application
from commands.handling import Command, CommandContext
from commands.services import Services

FORGET = """
DELETE FROM last_applications l USING person_keys k
WHERE k.person_id = l.citizen_id AND k.destroyed_at IS NOT NULL AND l.application_id <> ALL($1)
"""
UPKEEP = system_actor("applications-upkeep")

OfErased = Callable[["asyncpg.Pool[Any]", Sequence[str]], Awaitable[list[str]]]
"""The applications of these people, who were erased, that have not ended, by a read model."""


def ending_those_of_the_erased(of_erased: OfErased) -> Callable[[Services], Awaitable[None]]:
    """The work that ends them."""

    async def end_those_of_the_erased(services: Services) -> None:
        """End what waits for an erased applicant or for an officer; forget whose turn it was.

        What moves ends by its process; what the bank has is the bank's.
        """
        going_on = await of_erased(services.store.keeping, await services.vault.erased())
        for application_id in going_on:
            application = await services.store.load(Application, application_id)
            if application.waits_for() in (Waits.PERSON, Waits.OFFICER):
                await change_application(
                    application_id,
                    Command(),
                    CommandContext(UPKEEP, "process", uuid4(), uuid4()),
                    services,
                    lambda application, now: close(application, now, reason=PersonErased.code),
                )
        await services.store.pool.execute(FORGET, going_on)

    return end_those_of_the_erased
