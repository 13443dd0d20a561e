"""Who looks into an application: at its documents, messages and certificate. A look is noted over
HTTP."""

from citybrain.domain.actor import Actor
from citybrain.domain.applications.application import Application
from citybrain.domain.applications.reading_rights import (
    NOBODYS,
    Whose,
    is_own,
    may_read,
    may_read_explanation,
)
from citybrain.domain.applications.refusals import NotYourApplication
from citybrain.eventstore import StreamNotFound
from commands.citizens import check_served
from commands.services import Services


async def readable(application_id: str, actor: Actor, services: Services) -> Application:
    """The application, for whoever may look into it; strangers are not told whether it is there."""
    strange = "this application is not yours, not before you, nor your department's"
    try:
        application = await services.store.load(Application, application_id)
    except StreamNotFound:
        if may_read(actor, NOBODYS):
            raise
        raise NotYourApplication(strange) from None
    whose = Whose(application.citizen_id, application.held_by, application.department)
    own = is_own(actor, application.citizen_id, application.guardian)
    if not own and not may_read(actor, whose):
        raise NotYourApplication(strange)
    if not own and not may_read_explanation(actor, whose):  # before them, at a kiosk or a counter
        await check_served(application.citizen_id, application.service, actor, services)
    return application
