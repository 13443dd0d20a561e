"""Whose a plate is: who is debited for it, who held it when, and what it need not pay."""

from dataclasses import dataclass
from datetime import datetime

from citybrain.domain.parking.stay import Permit
from commands.services import Services

NOT_BOUND = "plate-not-bound"


@dataclass(frozen=True, slots=True)
class Payer:
    """Who is debited, by which binding."""

    citizen_id: str
    binding_id: str


async def payer_of(
    plate_id: str, *, arrived_at: datetime, amount_fen: int, now: datetime, services: Services
) -> Payer | str:
    """Who may be debited so much for a plate at this moment, or why nobody."""
    return NOT_BOUND


async def holder_at(plate_id: str, moment: datetime, services: Services) -> str | None:
    """The citizen who held the plate at a moment."""
    return None


async def permits_of(
    plate_id: str, zone_id: str | None, arrived_at: datetime, left_at: datetime, services: Services
) -> tuple[Permit, ...]:
    """What the vehicle need not pay there."""
    return ()
