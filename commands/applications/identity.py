"""Who applies: whether they were identified for the service, lately, and as surely as it wants."""

from citybrain.definitions.applications.catalogue import ServiceItem
from citybrain.domain.applications.identity import IDENTITY_LASTS
from citybrain.domain.citizens import Citizen, Identification
from commands.citizens import recent_identification
from commands.services import Services


async def identified(
    citizen: Citizen, item: ServiceItem, kiosk: str | None, services: Services
) -> Identification | None:
    """The identification for this service that still counts; at a kiosk, one that it has made."""
    return await recent_identification(
        citizen, item.code, services, within=IDENTITY_LASTS, needed=item.identity_level, by=kiosk
    )


async def check_applicant_alive(citizen_id: str, services: Services) -> Citizen:
    """The applicant; raises `PersonDeceased` where their death has been noted."""
    citizen = await services.store.load(Citizen, citizen_id)
    citizen.check_alive()
    return citizen
