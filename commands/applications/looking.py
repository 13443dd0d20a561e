"""Who looks into an application: at its documents, messages and certificate. A look is noted over
HTTP."""

from citybrain.domain.actor import Actor, Role
from citybrain.domain.applications.application import Application
from citybrain.domain.applications.reading_rights import (
    NOBODYS,
    Whose,
    may_read,
    may_read_explanation,
)
from citybrain.domain.applications.refusals import NotYourApplication
from citybrain.eventstore import StreamNotFound
from commands.applications.application import check_before_kiosk, item_of
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
    whose = Whose.of(application)
    if not may_read(actor, whose):
        raise NotYourApplication(strange)
    if not may_read_explanation(actor, whose):  # before them, at a kiosk or a counter
        await check_served(application.citizen_id, application.service, actor, services)
        if actor.has(Role.KIOSK):
            item = item_of(application, services)
            await check_before_kiosk(application.citizen_id, item, actor, services)
    return application
