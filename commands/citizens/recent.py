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
    return citizen.identification(purpose, services.clock() - within, needed, by)
