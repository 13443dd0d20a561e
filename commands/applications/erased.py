"""Applications of people who were erased: nobody could decide them, so they end."""

from uuid import uuid4

from citybrain.domain.actor import system_actor
from citybrain.domain.applications.application import Application
from citybrain.domain.applications.going_on import close
from citybrain.domain.applications.waiting import Waits
from citybrain.vault import PersonErased
from commands.applications.application import change_application
from commands.handling import Command, CommandContext
from commands.services import Services

ERASED = """
SELECT l.application_id FROM last_applications l JOIN person_keys k ON k.person_id = l.citizen_id
WHERE k.destroyed_at IS NOT NULL
"""
FORGET = "DELETE FROM last_applications WHERE application_id = $1"
UPKEEP = system_actor("applications-upkeep")


async def end_those_of_the_erased(services: Services) -> None:
    """End what waits for an erased applicant or for an officer, and forget what has ended.

    What moves ends by its process; what the bank has is the bank's.
    """
    for row in await services.store.pool.fetch(ERASED):
        application = await services.store.load(Application, row["application_id"])
        if application.waits_for() in (Waits.PERSON, Waits.OFFICER):
            await change_application(
                application.id,
                Command(),
                CommandContext(UPKEEP, "process", uuid4(), uuid4()),
                services,
                lambda application, now: close(application, now, reason=PersonErased.code),
            )
        elif application.waits_for() is Waits.ENDED:
            await services.store.pool.execute(FORGET, application.id)
