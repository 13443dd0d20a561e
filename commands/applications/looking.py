"""Who looks into an application: at its documents and messages. The look is noted over HTTP."""

from citybrain.domain.actor import Actor, Role
from citybrain.domain.applications.application import Application
from citybrain.domain.applications.reading_rights import OFFICE, is_own
from citybrain.domain.applications.refusals import NotYourApplication
from citybrain.eventstore import StreamNotFound
from commands.services import Services


async def readable(application_id: str, actor: Actor, services: Services) -> Application:
    """The application, for whoever may look into it; strangers are not told whether it is there."""
    try:
        application = await services.store.load(Application, application_id)
    except StreamNotFound:
        if actor.has(*OFFICE):
            raise
        raise NotYourApplication("citizens read their own applications only") from None
    if is_own(actor, application.citizen_id, application.guardian):
        return application
    if not actor.has(*OFFICE):
        raise NotYourApplication("citizens read their own applications only")
    if not actor.has(Role.AUDITOR):
        application.check_officer(actor)
    return application
