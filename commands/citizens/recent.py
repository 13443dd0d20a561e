"""That somebody was identified just now: for what, how surely, and by whom."""

from datetime import timedelta

from citybrain.domain.citizens.assurance import Assurance
from citybrain.domain.citizens.citizen import Citizen, Identification
from commands.services import Services


async def recent_identification(
    citizen: Citizen,
    purpose: str,
    services: Services,
    *,
    within: timedelta,
    needed: str = Assurance.LOW,
    by: str | None = None,
) -> Identification | None:
    """The identification for a purpose that still counts; where `by` is named, one of theirs."""
    known = citizen.identification(purpose, services.clock() - within, needed)
    if known is None or by is None:
        return known
    version = known.citizen_version
    (event,) = await services.store.read(
        citizen.id, after_version=version - 1, up_to_version=version
    )
    return known if event.metadata.get("actor") == by else None
